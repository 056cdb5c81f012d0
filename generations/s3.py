"""Images in an S3-compatible bucket: the `images` storage when S3_BUCKET is set. Needs the extra `s3`.

The bucket stays private: whoever opens an image does so by our own signed address. All errors are OSError, as those of
a disk are, so that callers know one kind of trouble.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from generations.storage import MAX_IMAGE_BYTES

CONNECT_S = 2
READ_S = 10
TRIES = 2
CONNECTIONS = 32
AWAY_S = 5.0


class S3ImageStorage(S3Storage):  # type: ignore[misc] # the library states no types
    """Saving under a name that exists replaces the object, which others see whole or not at all."""

    is_far = True

    def __init__(self, **options: Any) -> None:
        self._lock = threading.Lock()
        self._resource: Any = None
        self._away_until = 0.0
        super().__init__(
            client_config=Config(
                connect_timeout=CONNECT_S,
                read_timeout=READ_S,
                retries={"mode": "standard", "total_max_attempts": TRIES},
                max_pool_connections=CONNECTIONS,
                signature_version="s3v4",
                # Names of buckets as part of the host are Amazon's own; others may lack them.
                s3={"addressing_style": "path" if options.get("endpoint_url") else "auto"},
                # Newer checksums, which Amazon alone is sure to know.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            # One request in the calling thread: no image is large enough for parts.
            transfer_config=TransferConfig(use_threads=False, multipart_threshold=2 * MAX_IMAGE_BYTES),
            file_overwrite=True,
            default_acl=None,
            **options,
        )

    @property
    def connection(self) -> Any:
        """One for all threads, unlike the library's: making one takes longer than a request."""
        with self._lock:
            if self._resource is None:
                self._resource = self._create_session().resource(
                    "s3",
                    region_name=self.region_name,
                    endpoint_url=self.endpoint_url,
                    config=self.client_config,
                )
            return self._resource

    @contextmanager
    def _asking(self, name: str, *, hopeful: bool = False) -> Iterator[None]:
        """Makes OSError of the library's errors. Once the bucket was away, only who is `hopeful` asks it for a while:
        else every thread that shows an image would wait for it.
        """
        if not hopeful and time.monotonic() < self._away_until:
            raise ConnectionError(f"{name}: the bucket was away a moment ago")
        try:
            yield
        except ClientError as error:
            # Not so NoSuchBucket, which is a 404 as well.
            if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                raise FileNotFoundError(name) from error
            raise OSError(f"{name}: {error}") from error
        except Boto3Error as error:  # an upload that was answered with a refusal
            raise OSError(f"{name}: {error}") from error
        except BotoCoreError as error:
            self._away_until = time.monotonic() + AWAY_S
            raise ConnectionError(f"{name}: {type(error).__name__}: {error}") from error
        self._away_until = 0.0

    def _open(self, name: str, mode: str = "rb") -> "File[Any]":
        """All of it, in one request."""
        with self._asking(name):
            found = self.connection.meta.client.get_object(
                Bucket=self.bucket_name, Key=self._normalize_name(name)
            )
            return File(BytesIO(found["Body"].read()), name)

    def _save(self, name: str, content: "File[Any]") -> str:
        with self._asking(name, hopeful=True):  # an image that was paid for is worth the wait
            saved: str = super()._save(name, content)
            return saved

    def delete(self, name: str) -> None:
        """What is gone already is fine."""
        with self._asking(name):
            self.connection.meta.client.delete_object(Bucket=self.bucket_name, Key=self._normalize_name(name))

    def exists(self, name: str) -> bool:
        with self._asking(name):
            return bool(super().exists(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Empty for a folder that is not there: a bucket has none."""
        with self._asking(path):
            folders, files = super().listdir(path)
            return list(folders), list(files)

    def size(self, name: str) -> int:
        with self._asking(name):
            return int(super().size(name))

    def url(self, name: str, *args: Any, **options: Any) -> str:
        raise ValueError("Images have no public address; generations.storage.signed_url() makes one.")
