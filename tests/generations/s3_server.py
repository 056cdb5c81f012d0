"""A server that speaks S3, as a process of its own, with one private bucket."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.processes import ROOT, free_port, listens
from tests.waiting import wait_until

BUCKET = "tintype-images"
# All that the shop needs; docs/operations.md states the same.
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        },
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    ],
}
SET_UP_CALLS = 4  # that the server lets pass before it asks who is there


class S3Server:
    """`key_id` and `secret` are of a user who may do what POLICY says; `open_to_all`: nobody is asked who he is."""

    key_id = secret = "anybody"

    def __init__(self, folder: Path, *, open_to_all: bool = False) -> None:
        self._open_to_all = open_to_all
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "s3.log"

    def start(self) -> None:
        """Also once it was killed: on the same port, with an empty bucket and, where that counts, another key."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        if not self._open_to_all:
            kept["INITIAL_NO_AUTH_ACTION_COUNT"] = str(SET_UP_CALLS)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=kept,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: listens(self.port), "the S3 server to listen", timeout_s=60)
        self._client("s3").create_bucket(Bucket=BUCKET)
        if not self._open_to_all:
            self._make_user()
        self._images = self._client("s3")

    def _make_user(self) -> None:
        users = self._client("iam")
        users.create_user(UserName="shop")
        users.put_user_policy(UserName="shop", PolicyName="images", PolicyDocument=json.dumps(POLICY))
        key = users.create_access_key(UserName="shop")["AccessKey"]
        self.key_id, self.secret = key["AccessKeyId"], key["SecretAccessKey"]

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    @property
    def environment(self) -> dict[str, str]:
        """For tests.shop.start."""
        return {
            "S3_BUCKET": BUCKET,
            "S3_ENDPOINT_URL": self.url,
            "S3_ACCESS_KEY_ID": self.key_id,
            "S3_SECRET_ACCESS_KEY": self.secret,
            "S3_PREFIX": "/shop/one/",
        }

    @property
    def options(self) -> dict[str, Any]:
        """For the storage."""
        return {
            "bucket_name": BUCKET,
            "endpoint_url": self.url,
            "region_name": "us-east-1",
            "access_key": self.key_id,
            "secret_key": self.secret,
            "location": "shop/one",
        }

    def stored(self) -> list[str]:
        """The keys of all that lies in the bucket."""
        found = self._images.list_objects_v2(Bucket=BUCKET)
        return sorted(entry["Key"] for entry in found.get("Contents", ()))

    def empty(self) -> None:
        for key in self.stored():
            self._images.delete_object(Bucket=BUCKET, Key=key)

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
            config=Config(s3={"addressing_style": "path"}),
        )


@contextmanager
def running_s3(folder: Path, *, open_to_all: bool = False) -> Iterator[S3Server]:
    server = S3Server(folder, open_to_all=open_to_all)
    server.start()
    try:
        yield server
    finally:
        server.kill()
