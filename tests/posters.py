"""`python posters.py PORT COUNT KEYS [IDEMPOTENCY-KEY]`: so many processes order an image at the same moment.

KEYS: one API key, or several by commas, which take turns. Prints one JSON object an answer: status, body, seconds.
Uses the standard library alone, so that forks are cheap.
"""

import http.client
import json
import os
import sys
import time

BODY = json.dumps(
    {"prompt": "a lighthouse", "size": "256*256"}
)  # a large one takes a worker longer than a test


def post(port: int, key: str, idempotency_key: str, start: int) -> dict[str, object]:
    """Connects, waits until `start` reaches its end, orders."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.connect()
    os.read(start, 1)
    began = time.monotonic()
    connection.request("POST", "/api/generate", BODY, headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    return {"status": answer.status, "body": body, "seconds": time.monotonic() - began}


def main(port: int, count: int, keys: list[str], idempotency_key: str) -> int:
    start, starter = os.pipe()
    ready, say_ready = os.pipe()
    children = []
    for index in range(count):
        pid = os.fork()
        if pid == 0:
            os.close(starter)
            os.close(ready)
            os.write(say_ready, b".")
            os.close(say_ready)
            line = json.dumps(post(port, keys[index % len(keys)], idempotency_key, start)) + "\n"
            os.write(1, line.encode())  # one write, so that lines do not mix
            os._exit(0)
        children.append(pid)
    for _ in range(count):
        os.read(ready, 1)
    os.close(starter)  # nobody holds the other end any more: all reads end at once
    return sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0 for pid in children)


if __name__ == "__main__":
    port, count, api_keys, idempotency_key = [*sys.argv[1:], ""][:4]
    sys.exit(main(int(port), int(count), api_keys.split(","), idempotency_key))
