"""`python -m billing.till --data FOLDER`: see docs/till.md. Ends with 2 when it may not run as it is told to."""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from billing.till.accounts import Accounts
from billing.till.deliveries import Deliveries
from billing.till.pages.render import configure
from billing.till.server import Server
from billing.till.store import Database
from billing.till.till import Settings

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(arguments: list[str]) -> None:
    options = _options(arguments)
    secret_key, webhook_secret = _secrets()
    for name in ("public_url", "webhook_url"):
        url = getattr(options, name)
        schemes = ("http",) if name == "webhook_url" else ("http", "https")
        if url and (urlsplit(url).scheme not in schemes or not urlsplit(url).hostname):
            _refuse(
                f"--{name.replace('_', '-')} {url} is no address that begins with {' or '.join(schemes)}://"
            )
    # For every thread that is to come: they are waited for below, where none can slip past.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        server = Server(options.host, options.port)
    except OSError as error:
        _refuse(f"Cannot listen on {options.host}:{options.port}: {error.strerror}")
    address = f"http://{options.host}:{server.server_address[1]}"
    public_url = (options.public_url or address).rstrip("/")
    configure()
    settings = Settings(secret_key, webhook_secret, public_url, options.webhook_url)
    accounts = Accounts(settings, Database(options.data), os.environ.get("TILL_SECRET", ""))
    server.open(accounts)
    Deliveries(accounts).start()
    sys.stdout.write(json.dumps({"listening": address, "public_url": public_url}) + "\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
    # Then the end, at once: whoever is being answered is left, as at any other end.
    signal.sigwait(STOP_SIGNALS)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m billing.till",
        description="A stand-in for Stripe. No money moves.",
        epilog="Takes STRIPE_SECRET_KEY (sk_test_…) and STRIPE_WEBHOOK_SECRET from the environment; and TILL_SECRET,"
        " from which the keys of further shops derive.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0: any; the first line of the output tells")
    parser.add_argument(
        "--public-url", default="", help="where browsers find it; http://HOST:PORT when absent"
    )
    parser.add_argument("--webhook-url", default="", help="where events are sent to; nowhere when absent")
    parser.add_argument("--data", type=Path, required=True, help="the folder of its state")
    return parser.parse_args(arguments)


def _secrets() -> tuple[str, str]:
    key, secret = os.environ.get("STRIPE_SECRET_KEY", ""), os.environ.get("STRIPE_WEBHOOK_SECRET", "")
    if "live" in key:
        _refuse("The till never runs with a live key: STRIPE_SECRET_KEY must begin with sk_test_.")
    if not key.startswith("sk_test_"):
        _refuse("STRIPE_SECRET_KEY must be set and begin with sk_test_.")
    if not secret:
        _refuse("STRIPE_WEBHOOK_SECRET must be set: events are signed with it.")
    return key, secret


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"till: {why}\n")
    raise SystemExit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
