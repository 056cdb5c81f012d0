"""The folder with the model: whether all of it is there, and which revision it is. Reads headers, loads nothing."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

PIPELINE = "ZImagePipeline"
COMPONENTS = ("transformer", "text_encoder", "tokenizer", "vae", "scheduler")
WEIGHED = ("transformer", "text_encoder", "vae")
_CONFIGS = {"scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json"}
_MAX_HEADER_BYTES = 100 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}")


def problems(folder: Path) -> Iterator[str]:
    """What is missing or broken in it, a file each; nothing: it can be loaded."""
    if not folder.is_dir():
        yield f"{folder} is no folder"
        return
    index = _read_json(folder / "model_index.json")
    if isinstance(index, str):
        yield index
        return
    if index.get("_class_name") != PIPELINE:
        yield f"{folder / 'model_index.json'} is of {index.get('_class_name')}, not of {PIPELINE}"
        return
    for name in COMPONENTS:
        config = _read_json(folder / name / _CONFIGS.get(name, "config.json"))
        if isinstance(config, str):
            yield config
    if not (folder / "tokenizer" / "tokenizer.json").is_file() and not all(
        (folder / "tokenizer" / name).is_file() for name in ("vocab.json", "merges.txt")
    ):
        yield f"{folder / 'tokenizer' / 'tokenizer.json'} is missing"
    for name in WEIGHED:
        yield from _weights(folder / name)


def _weights(folder: Path) -> Iterator[str]:
    indexes = list(folder.glob("*.safetensors.index.json"))
    if indexes:
        index = _read_json(indexes[0])
        if isinstance(index, str):
            yield index
            return
        files = sorted({str(name) for name in (index.get("weight_map") or {}).values()})
    else:
        files = sorted(path.name for path in folder.glob("*.safetensors"))
    if not files:
        yield f"{folder} holds no *.safetensors"
    for name in files:
        problem = _incomplete(folder / name)
        if problem:
            yield problem


def _incomplete(path: Path) -> str:
    """Why this file cannot be read to its end; "" when it can."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size, _MAX_HEADER_BYTES):
                return f"{path} is cut short, or no safetensors file"
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except OSError as error:
        return f"{path} is missing" if isinstance(error, FileNotFoundError) else f"{path}: {error.strerror}"
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return f"{path} is no safetensors file"
    wanted = 8 + length + max(ends, default=0)
    return f"{path} has {size} of {wanted} bytes: download it again" if size < wanted else ""


def _read_json(path: Path) -> dict[str, Any] | str:
    """Its members, or what is wrong with it."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return f"{path} is missing"
    except OSError as error:
        return f"{path}: {error.strerror}"
    except ValueError:
        return f"{path} is no JSON"
    return found if isinstance(found, dict) else f"{path} is no JSON object"


def size_bytes(folder: Path) -> int:
    """Of all weights together: about what they take of the device's memory."""
    return sum(file.stat().st_size for name in WEIGHED for file in (folder / name).glob("*.safetensors"))


def revision(folder: Path) -> str:
    """The commit that it was downloaded from, where the download tells; else a digest of its names and sizes."""
    real = folder.resolve()
    if _COMMIT.fullmatch(real.name):  # a snapshot in the cache of the hub's client
        return real.name
    for note in sorted((folder / ".cache" / "huggingface" / "download").rglob("*.metadata")):
        first = note.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
        if _COMMIT.fullmatch(first):
            return first
    digest = sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if not name.startswith("."):
            digest.update(f"{name} {file.stat().st_size}\n".encode())
    return f"files-{digest.hexdigest()[:16]}"
