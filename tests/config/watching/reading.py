"""What `/metrics` says, and what was counted."""

from typing import Any

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from config.watching import figures, meters


def asked(token: str = "", **environ: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client(headers=headers).get("/metrics", **environ)


def series(token: str) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Name -> labels -> value."""
    figures.forget()
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(asked(token).content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def value(token: str, name: str, **labels: str) -> float:
    """0 for a series that is not there."""
    return series(token).get(name, {}).get(frozenset(labels.items()), 0.0)


def counted(name: str, **labels: str) -> int:
    return sum(value for known, found, value in meters.read() if known == name and found == labels)
