"""The storage of images, by a file that comes and goes; room on the disk; who else may read our secrets."""

import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from config.doctor.findings import Finding, error, ok, warning

MIB = 1024 * 1024
LITTLE_BYTES, HARDLY_ANY_BYTES = 2048 * MIB, 256 * MIB


def look_at_storage() -> Iterator[Finding]:
    where = f"bucket {settings.S3_BUCKET}" if settings.S3_BUCKET else str(settings.DATA_DIR / "images")
    images = storages["images"]
    name, content = f"doctor/{secrets.token_hex(12)}.probe", secrets.token_bytes(64)
    cure = (
        "See docs/operations.md, Images in a bucket: address, credentials and rights."
        if settings.S3_BUCKET
        else "See that the disk has room, and that the folder belongs to the user that runs the shop."
    )
    try:
        images.save(name, ContentFile(content))
        try:
            with images.open(name) as file:
                is_same = file.read() == content
        finally:
            images.delete(name)
    except OSError as trouble:
        reason = trouble.strerror or type(trouble.__cause__ or trouble).__name__
        yield error(f"{where} does not keep files: {reason}.", cure)
    else:
        if is_same:
            yield ok(f"{where}: written, read and deleted.")
        else:
            yield error(f"{where} gives back other bytes than were stored.", "Check that disk or storage.")
    yield _room(Path(settings.DATA_DIR))


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"{free // MIB} MiB are free at {folder}."
    if free < HARDLY_ANY_BYTES:
        return error(text, "Make room: soon no order can be made.")
    if free < LITTLE_BYTES:
        return warning(text, "Make room, or keep images for fewer RETENTION_DAYS.")
    return ok(text)


def look_at_secrets() -> Iterator[Finding]:
    folder = Path(settings.DATA_DIR)
    kept = folder / "secrets"
    open_to_others = [path for path in [kept, *kept.glob("*")] if path.exists() and _others(path)]
    if open_to_others:
        yield error(
            f"others on this machine may read {', '.join(str(path) for path in open_to_others)}.",
            f"Run: chmod -R u=rwX,go= {kept}; and replace them if somebody could have.",
        )
    # One who may not enter the folder reads nothing in it.
    elif _others(folder) and not settings.DATABASE_URL:
        yield warning(f"others on this machine may enter {folder}.", f"Run: chmod go= {folder}")
    else:
        yield ok(f"only its user reads {folder if not settings.DATABASE_URL else kept}.")


def _others(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) & 0o077
