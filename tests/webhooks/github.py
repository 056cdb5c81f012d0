"""GitHub as its partners meet it: keys at an address, and reports signed with one of them."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.http import HttpResponse

from tests.accounts.client import send

PATH = "/webhooks/github-secret-scanning"


class Signer:
    """One of its keys."""

    def __init__(self, identifier: str, curve: ec.EllipticCurve | None = None) -> None:
        self.identifier = identifier
        self._key = ec.generate_private_key(curve or ec.SECP256R1())

    @property
    def shown(self) -> dict[str, Any]:
        pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {"key_identifier": self.identifier, "key": pem.decode(), "is_current": True}

    def headers(self, body: bytes) -> dict[str, str]:
        signature = self._key.sign(body, ec.ECDSA(hashes.SHA256()))
        return {
            "Github-Public-Key-Identifier": self.identifier,
            "Github-Public-Key-Signature": base64.b64encode(signature).decode(),
        }


class GitHub:
    """`shows` is what lies at the address of its keys, if it `is_up`; `times_asked` counts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.signer = Signer("first")
        self.shows: object = {"public_keys": [self.signer.shown]}
        self.is_up = True
        self.times_asked = 0

    def report(self, *found: object, signer: Signer | None = None) -> HttpResponse:
        return post(json.dumps(found).encode(), signer or self.signer)


def post(body: bytes, signer: Signer, **headers: str) -> HttpResponse:
    return send("POST", PATH, body=body, headers=signer.headers(body) | headers)


def found(token: str, url: str = "https://github.com/octocat/hello/blob/1/a.py") -> dict[str, str]:
    return {"token": token, "type": "tintype_api_key", "url": url, "source": "content"}


@contextmanager
def running() -> Iterator[GitHub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            github.times_asked += 1
            body = json.dumps(github.shows).encode()
            self.send_response(200 if github.is_up else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github = GitHub(f"http://127.0.0.1:{server.server_port}/keys")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
