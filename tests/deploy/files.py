"""What deploy/ holds, read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.processes import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
MANIFESTS: list[dict[str, Any]] = [
    document
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]
SETTINGS: dict[str, str] = next(one["data"] for one in MANIFESTS if one["kind"] == "ConfigMap")


@dataclass(frozen=True, slots=True)
class Process:
    """One of the shop's own, of compose or Kubernetes; `command` as a list of words."""

    name: str
    command: list[str]
    environment: dict[str, str]
    grace_s: float
    described: dict[str, Any]


def of_compose() -> list[Process]:
    return [
        Process(
            name,
            list(_words(service["command"])),
            service["environment"],
            float(service.get("stop_grace_period", "10s").removesuffix("s")),
            service,
        )
        for name, service in COMPOSE["services"].items()
        if service.get("image", "").startswith("tintype")
    ]


def of_kubernetes() -> list[Process]:
    found = []
    for one in MANIFESTS:
        if one["kind"] in ("Deployment", "Job"):
            pod = one["spec"]["template"]["spec"]
            [container] = pod["containers"]
            own = {entry["name"]: entry["value"] for entry in container.get("env", [])}
            found.append(
                Process(
                    container["name"],
                    list(_words([*container["command"], *container.get("args", [])])),
                    {**SETTINGS, **own},
                    pod["terminationGracePeriodSeconds"],
                    container,
                )
            )
    return found


def _words(command: list[str]) -> Iterator[str]:
    for part in command:
        yield from part.split() if " " in part else [part]
