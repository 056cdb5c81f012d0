"""A mail server on a port of its own, which keeps what it is given: `with running() as mail`."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default


class Mailbox:
    """`refuses`: for now, anything; `unknown`: recipients that it does not know; `refuses_login`: of anybody.
    `senders`: as envelopes name them, to whom what cannot be delivered comes back.
    """

    def __init__(self) -> None:
        self.port = 0
        self.raw: list[bytes] = []
        self.senders: list[str] = []
        self.refuses = False
        self.refuses_login = False
        self.unknown: set[str] = set()

    @property
    def messages(self) -> list[Message]:
        return [message_from_bytes(raw, policy=default) for raw in self.raw]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            match line[:4].upper():
                case b"EHLO" | b"HELO":
                    writer.write(b"250-here\r\n250 AUTH PLAIN\r\n")
                case b"AUTH":
                    writer.write(b"535 not you\r\n" if self.refuses_login else b"235 welcome\r\n")
                case b"DATA":
                    writer.write(b"354 go on\r\n")
                    self.raw.append((await reader.readuntil(b"\r\n.\r\n"))[:-5])
                    writer.write(b"250 kept\r\n")
                case b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case b"MAIL" if self.refuses:
                    writer.write(b"451 not now\r\n")
                case b"MAIL":
                    self.senders += re.findall(r"<(.*?)>", line.decode())
                    writer.write(b"250 fine\r\n")
                case b"RCPT" if any(f"<{one}>" in line.decode() for one in self.unknown):
                    writer.write(b"550 nobody here\r\n")
                case _:
                    writer.write(b"250 fine\r\n")
        writer.close()


@contextmanager
def running() -> Iterator[Mailbox]:
    mailbox, loop = Mailbox(), asyncio.new_event_loop()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(mailbox.serve, "127.0.0.1", 0)

    server = loop.run_until_complete(listen())
    mailbox.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield mailbox
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
