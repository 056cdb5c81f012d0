"""The load: every answer is counted once, under its status, also when it comes in pieces."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator

import pytest

from benchmarks import load
from tests.processes import free_port


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server that answers 200, but 429 to every third request of a connection, in two pieces."""
    number, loop = free_port(), asyncio.new_event_loop()
    open_ = threading.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests = 0
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                await reader.readexactly(length)
                requests += 1
                status = b"429" if requests % 3 == 0 else b"200"
                writer.write(b"HTTP/1.1 " + status + b" -\r\nContent-Le")
                await writer.drain()
                await asyncio.sleep(0.001)
                writer.write(b"ngth: 4\r\n\r\nbody")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", number):
            open_.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    open_.wait(10)
    yield number
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


def test_answers_are_counted_by_status(port: int) -> None:
    script = [load.post("tt_live_x", {"prompt": "ä"}), load.get("/api/status?task_id=x", {"A": "b"})]
    answers = load.run(port, [script, script], seconds=0.5, warm_up_s=0)
    right, refused = answers.statuses["200"], answers.statuses["429"]
    assert answers.refused == {"429": refused}
    assert answers.per_second == right / 0.5
    assert abs(right - 2 * refused) <= 4  # two of three, to within the last turn of each of both clients
    assert 1 <= answers.p50_ms <= answers.p99_ms


def test_a_shop_that_is_not_there_is_no_result() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        load.run(free_port(), [["GET / HTTP/1.1\r\n\r\n"]], seconds=0.1)
