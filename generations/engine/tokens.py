"""How many tokens a prompt is to the model, which reads 512 of them and silently drops the rest.

Needs the model's tokenizer.json and a small library beside it, and no torch: so web processes can tell customers too,
where they have both (settings.GPU_MODEL). Elsewhere only what is surely short is known; the GPU's worker knows all.
"""

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

MAX_TOKENS = 512
# As the model's template has it; checked against the real one in tests/gpu.
TEMPLATE = "<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
# A token is a byte at least, and the three signs of the template are one token each.
_SURE_BYTES = MAX_TOKENS - len("user\n\nassistant\n") - 3

_lock = threading.Lock()


def is_too_long(prompt: str) -> bool:
    """Whether the model would not read all of it. False also when nobody here can tell."""
    folder: str = settings.GPU_MODEL
    if len(prompt.encode("utf-8", "replace")) <= _SURE_BYTES or not folder:
        return False
    counted = count(prompt, Path(folder))
    return counted is not None and counted > MAX_TOKENS


def count(prompt: str, folder: Path) -> int | None:
    """With the template around it, not cut. None: the tokenizer is not here."""
    tokenizer = _tokenizer(folder)
    if tokenizer is None:
        return None
    return len(tokenizer.encode(TEMPLATE.format(prompt=prompt)).ids)


def _tokenizer(folder: Path) -> Any:
    with _lock:  # loading takes a second, and all threads of a process come for it at once
        return _load(folder)


@lru_cache(maxsize=4)
def _load(folder: Path) -> Any:
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - of the extra `gpu`
    except ImportError:
        return None
    file = folder / "tokenizer" / "tokenizer.json"
    if not file.is_file():
        return None
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
