"""Enabled upstreams: credentials that can be read, addresses that can be reached, circuits. Nothing is ordered."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.sealing import Unreadable
from config.doctor.findings import Finding, error, ok, warning
from generations import circuit, gpu_workers, upstream_checks, wholesale
from generations.models import Upstream
from generations.providers import UPSTREAMS

CONNECT_S = 3


def look() -> Iterator[Finding]:
    enabled = (
        Upstream.objects.filter(enabled=True)
        .select_related("state", "shop", "wholesale__shop")
        .order_by("priority", "pk")
    )
    none = True
    for upstream in enabled:
        none = False
        yield _look_at(upstream)
    if none and settings.DEMO:
        yield ok("none: the sandbox draws for all keys.")
    elif none:
        yield warning("none is enabled: live keys get 503.", f"Set one up at {settings.PUBLIC_URL}/admin/.")


def _look_at(upstream: Upstream) -> Finding:
    name = f"{upstream.name} ({upstream.provider})"
    if upstream.provider not in UPSTREAMS:
        return error(f"{name}: there is no such provider.", "Choose another one at the desk.")
    in_house = UPSTREAMS[upstream.provider].in_house
    return _look_at_gpu(upstream, name) if in_house else _look_at_account(upstream, name)


def _look_at_account(upstream: Upstream, name: str) -> Finding:
    try:
        credential, _secret = upstream.credential, upstream.webhook_secret
        upstream_checks.base_address(upstream.base_url, upstream.provider)
        upstream_checks.secret(credential)
    except Unreadable:
        return error(
            f"{name}: its credential was sealed with a key that is not here.",
            "Put that key back into CREDENTIALS_KEY, or enter the credential anew at the desk.",
        )
    except ValidationError as wrong:
        return error(f"{name}: {' '.join(wrong.messages)}", "Correct it at the desk.")
    if upstream.state.opened_at is not None:
        return _open_circuit(upstream, name)
    unknown = wholesale.cost_by_hand(upstream)
    if unknown and upstream.cost_micros == 0:
        return warning(f"{name}: {unknown}", "Enter its cost at the desk.")
    away = _away(upstream.base_url)
    if away:
        return warning(f"{name} cannot be reached from this machine: {away}.", "Correct its base address.")
    return ok(f"{name}: its credential can be read, its address answers, its circuit is closed.")


def _open_circuit(upstream: Upstream, name: str) -> Finding:
    advice = wholesale.advice_for(upstream.pk) if upstream.state.reason in circuit.REFUSED else ""
    if advice:
        return error(f"{name} takes no more orders of {upstream.shop}: its circuit is open.", advice)
    if upstream.state.reason == circuit.FUNDS:
        return error(
            f"{name}: our balance there is used up, its circuit is open, and no orders go there.",
            f"Top up at {circuit.top_up_at(upstream.provider, upstream.base_url)}, then close its circuit at the desk.",
        )
    reason = "refuses our account" if upstream.state.reason == circuit.ACCOUNT else "keeps failing"
    return error(
        f"{name} {reason}: its circuit is open, and no orders go there.",
        "Mend what the desk shows of it, then close its circuit there; it is also tried again by itself.",
    )


def _look_at_gpu(upstream: Upstream, name: str) -> Finding:
    found = gpu_workers.look()
    if upstream.state.opened_at is not None:
        return _open_circuit(upstream, name)
    if found.ready:
        return ok(f"{name}: {found.ready} of {found.known} workers with a GPU take orders.")
    if found.known:
        return warning(f"{name}: its worker is not ready yet.", "Wait until it has loaded, or see its log.")
    return error(
        f"{name}: no worker with a GPU says anything.",
        "Start manage.py gpu_worker on the machine with the card; manage.py gpu_check says what it lacks.",
    )


def _away(base_url: str) -> str:
    """Why no connection is made; "" when it is. Nothing is said on it, so nothing is billed."""
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_S).close()
    except OSError as refused:
        return refused.strerror or type(refused).__name__
    return ""
