"""Programs of the docs: one file for each language, which tests run as they are."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from accounts.code_samples import LANGUAGES, Call, samples
from config.docs.openapi import KEY_PLACEHOLDER, SHOP_PLACEHOLDER

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "docs" / "snippets"
ENDINGS = {"curl": "sh", "python": "py", "javascript": "mjs", "php": "php"}
NAMES = ("first_image", "once", "openai", "webhook")
ORDER = {"prompt": "a lighthouse at dusk", "aspect_ratio": "16:9", "seed": 42}
V1_ORDER = {"prompt": "a lighthouse at dusk", "aspect_ratio": "16:9", "n": 2, "metadata": {"order": "1042"}}
TASK_ID = "task_01M8JZTCA1G9NJSDMB51MNN78B"


@dataclass(frozen=True, slots=True)
class Sample:
    language: str
    label: str
    source: str


@dataclass(frozen=True, slots=True)
class Code:
    """The same in several languages. `chosen`: the one that is shown first."""

    name: str
    samples: tuple[Sample, ...]
    chosen: str


@cache
def _file(name: str, language: str) -> str | None:
    path = FOLDER / f"{name}.{ENDINGS[language]}.txt"
    return path.read_text(encoding="utf-8").rstrip("\n") if path.exists() else None


def code(name: str, sources: dict[str, str], language: str) -> Code:
    chosen = language if language in sources else next(iter(sources))
    return Code(name, tuple(Sample(one, LANGUAGES[one], text) for one, text in sources.items()), chosen)


def program(name: str, address: str, key: str) -> dict[str, str]:
    """By language, with the shop's address and the reader's key in it."""
    found = {language: _file(name, language) for language in LANGUAGES}
    return {
        language: text.replace(SHOP_PLACEHOLDER, address).replace(KEY_PLACEHOLDER, key)
        for language, text in found.items()
        if text is not None
    }


def all_code(address: str, key: str, language: str) -> dict[str, Code]:
    """What pages show, by name."""
    found = {name: program(name, address, key) for name in NAMES}
    found["generate"] = samples(Call("POST", f"{address}/api/generate", key, ORDER))
    found["v1"] = samples(Call("POST", f"{address}/api/v1/generations", key, V1_ORDER))
    found["status"] = samples(Call("GET", f"{address}/api/status?task_id={TASK_ID}", key))
    return {name: code(name, sources, language) for name, sources in found.items()}
