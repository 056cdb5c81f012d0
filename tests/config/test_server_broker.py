"""The file-system broker: messages appear whole, and each is taken once."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

from config.celery import app
from tests.waiting import wait_until

SEND = """
import sys
from kombu import Connection
with Connection("filesystem://", transport_options={"data_folder_in": sys.argv[1]}) as connection:
    queue = connection.SimpleQueue("default")
    for number in range(int(sys.argv[3])):
        queue.put({"sender": sys.argv[2], "number": number, "filling": "x" * 5000})
"""
SEND = f"import config.celery\n{SEND}"


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[SimpleQueue]:
    with open_connection(tmp_path / "queue") as connection:
        simple: SimpleQueue = connection.SimpleQueue("default")
        yield simple
        simple.close()


def open_connection(folder: Path) -> Connection:
    assert app is not None  # which has registered the transport
    options = {"data_folder_in": str(folder), "polling_interval": 0.01}
    return Connection("filesystem://", transport_options=options)


def test_messages_arrive_in_the_order_in_which_they_were_sent(queue: SimpleQueue) -> None:
    for number in range(10):
        queue.put({"number": number})
    received = [take(queue)["number"] for _ in range(10)]
    assert received == list(range(10))
    assert queue.qsize() == 0


def take(queue: SimpleQueue) -> dict[str, object]:
    message = queue.get(block=True, timeout=10)
    message.ack()
    payload: dict[str, object] = message.payload
    return payload


def test_each_message_of_many_senders_is_read_whole_and_by_one_reader(tmp_path: Path) -> None:
    folder, each = tmp_path / "queue", 100
    received: list[tuple[object, object]] = []
    done = threading.Event()

    def read() -> None:
        with open_connection(folder) as connection:
            queue = connection.SimpleQueue("default")
            while not done.is_set():
                try:
                    payload = take_now(queue)
                except queue.Empty:
                    continue
                received.append((payload["sender"], payload["number"]))
            queue.close()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    senders = [
        subprocess.Popen([sys.executable, "-c", SEND, str(folder), name, str(each)]) for name in ("a", "b")
    ]
    try:
        for sender in senders:
            assert sender.wait(60) == 0
        wait_until(lambda: len(received) >= 2 * each, "all messages to arrive")
    finally:
        done.set()
        for reader in readers:
            reader.join(10)
    assert sorted(received) == sorted((name, number) for name in ("a", "b") for number in range(each))


def take_now(queue: SimpleQueue) -> dict[str, object]:
    message = queue.get(block=False)
    message.ack()
    payload: dict[str, object] = message.payload
    return payload


def test_damaged_message_is_left_out_and_the_next_one_read(queue: SimpleQueue, tmp_path: Path) -> None:
    queue.put({"number": 1})
    (tmp_path / "queue" / "00000000000000000000-damaged.default.msg").write_text('{"half')
    assert take(queue)["number"] == 1
    assert list((tmp_path / "queue").iterdir()) == []


def test_message_that_is_still_being_written_is_not_seen(queue: SimpleQueue, tmp_path: Path) -> None:
    (tmp_path / "queue" / "00000000000000000000-new.default.msg.new").write_text('{"half')
    assert queue.qsize() == 0
    with pytest.raises(queue.Empty):
        take_now(queue)


def test_purge_empties_its_own_queue_alone(queue: SimpleQueue, tmp_path: Path) -> None:
    queue.put({"number": 1})
    other = tmp_path / "queue" / "00000000000000000000-one.gpu.msg"
    other.write_text("{}")
    queue.clear()
    assert queue.qsize() == 0
    assert other.exists()


def test_folder_that_somebody_removed_comes_back_with_the_next_message(
    queue: SimpleQueue, tmp_path: Path
) -> None:
    queue.put({"number": 1})
    shutil.rmtree(tmp_path / "queue")
    queue.put({"number": 2})
    assert queue.get(timeout=5).payload == {"number": 2}
