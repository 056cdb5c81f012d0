"""The till's HTTP server: a thread for every connection, and three doors: API, control, pages."""

import socket
import socketserver
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from billing.till import control
from billing.till.accounts import Accounts
from billing.till.api import Api
from billing.till.http import Reply, Request, json_reply
from billing.till.pages import Pages

MAX_BODY_BYTES = 1024 * 1024
IDLE_TIMEOUT_S = 120


class Server(ThreadingHTTPServer):
    daemon_threads = True  # the end does not wait for anybody
    request_queue_size = 512

    def __init__(self, host: str, port: int) -> None:
        """Listens at once; answers after open(), when serve_forever() runs."""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)
        self._accounts: Accounts

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # without asking a name server what this machine is called
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def open(self, accounts: Accounts) -> None:
        self._accounts, self._api, self._pages = accounts, Api(accounts), Pages(accounts)

    def answer(self, request: Request) -> Reply | None:
        """None: the connection is closed without an answer."""
        try:
            if request.path.startswith("/v1/"):
                return self._api.answer(request)
            if request.path.startswith("/control/"):
                return control.answer(self._accounts, request)
            return self._pages.answer(request)
        except Exception:  # noqa: BLE001 - the door of the process: it is told, and the next request is served
            traceback.print_exc()
            message = "The till has a bug: its log says where."
            return json_reply(500, {"error": {"type": "api_error", "message": message}})

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # somebody who left is nothing to tell of
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "till"
    sys_version = ""
    timeout = IDLE_TIMEOUT_S
    wbufsize = -1  # head and body in one packet: two would wait for each other
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            return self._refuse(411)
        if int(length) > MAX_BODY_BYTES:
            self._skip(int(length))
            return self._refuse(413)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(length))
        reply = self.server.answer(Request(self.command, self.path, headers, body))
        if reply is None:
            self.close_connection = True
            return None
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        return None

    def _skip(self, length: int) -> None:
        """Reads on for a while: who is cut off while sending never sees the answer."""
        left = min(length, 16 * MAX_BODY_BYTES)
        while left > 0 and (block := self.rfile.read(min(left, 65536))):
            left -= len(block)

    def _refuse(self, status: int) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class names it
        """Says nothing: the control API's log does."""
