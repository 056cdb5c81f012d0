"""What deploy/ says agrees with the product: its variables, commands, queues, addresses and limits."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.urls import resolve

from config.request_body import DRAIN_BYTES
from tests.deploy.files import COMPOSE, DEPLOY, DOCKERFILE, MANIFESTS, Process, of_compose, of_kubernetes
from tests.processes import ROOT
from tests.services import product_variables

PROCESSES = [*of_compose(), *of_kubernetes()]
ROLES = {"migrate", "web", "worker", "beat"}
WORKERS = ("worker", "gpu")


def each(process: Process) -> str:
    return f"{'compose' if 'networks' in process.described else 'kubernetes'}-{process.name}"


def test_both_ways_run_every_process() -> None:
    assert {process.name for process in of_compose()} == ROLES | {"gpu"}
    assert {process.name for process in of_kubernetes()} == ROLES


@pytest.mark.parametrize("process", PROCESSES, ids=each)
def test_every_variable_is_one_that_the_settings_read(process: Process) -> None:
    variables = product_variables()
    names = {name if name in variables else name.removesuffix("_FILE") for name in process.environment}
    assert names - variables == set()
    assert process.environment["DEMO"] == "0"


@pytest.mark.parametrize("process", PROCESSES, ids=each)
def test_every_command_is_there(process: Process) -> None:
    words = process.command
    for before, after in itertools.pairwise(words):
        if before == "manage.py":
            assert after in get_commands()
    for tool in {"granian", "celery"} & set(words):
        assert Path(sys.executable).with_name(tool).exists()
    if process.name in ("web", "worker", "beat"):
        documented = " ".join((ROOT / "docs" / "operations.md").read_text().replace("\\\n", " ").split())
        start = {"web": "granian", "worker": "celery", "beat": "celery"}[process.name]
        command = words[words.index(start) :]
        # Names of workers are free.
        command = command[: command.index("-n")] if "-n" in command else command
        assert " ".join(command) in documented


def test_workers_hear_every_queue_but_that_of_gpus() -> None:
    names = {queue.name for queue in settings.CELERY_TASK_QUEUES}
    for process in PROCESSES:
        if process.name == "worker":
            assert set(process.command[process.command.index("-Q") + 1].split(",")) == names - {"gpu"}


def test_a_worker_with_a_gpu_is_there_for_who_asks_for_it() -> None:
    [gpu] = [process for process in PROCESSES if process.name == "gpu"]
    assert gpu.described["profiles"] == ["gpu"]
    assert gpu.described["build"]["args"]["TORCH"] == f"${{TORCH:-{made_with('TORCH')}}}"
    [device] = gpu.described["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert any(volume.endswith(f":{gpu.environment['GPU_MODEL']}:ro") for volume in gpu.described["volumes"])
    assert "requirements/gpu.txt" in DOCKERFILE
    assert not any(process.described.get("profiles") for process in PROCESSES if process is not gpu)


def made_with(variable: str) -> str:
    """Its default in the Makefile."""
    [found] = re.findall(rf"^{variable} \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return str(found)


def test_workers_say_when_they_take_work_and_get_the_time_to_end_it() -> None:
    for process in PROCESSES:
        if process.name in WORKERS:
            ready = process.environment["READY_FILE"]
            probe = str(process.described.get("healthcheck") or process.described["readinessProbe"])
            assert ready in probe
            assert process.grace_s > float(process.environment["WORKER_GRACE_S"]) + 10
        if process.name == "web":
            assert process.grace_s > 12, "Longer than --workers-kill-timeout"


def probes(thing: Any) -> list[str]:
    if isinstance(thing, dict):
        own = [thing["httpGet"]["path"]] if "httpGet" in thing else []
        return own + [path for value in thing.values() for path in probes(value)]
    if isinstance(thing, list):
        return [path for value in thing for path in probes(value)]
    return []


def test_what_is_asked_for_health_is_an_address_of_ours() -> None:
    asked = probes(MANIFESTS) + re.findall(r"8000(/\w+)", DOCKERFILE + str(MANIFESTS))
    assert set(asked) == {"/healthz", "/readyz"}
    for path in asked:
        assert resolve(path).func.__module__ == "config.health"


def test_services_and_scalers_mean_what_is_there() -> None:
    named = {one["metadata"]["name"] for one in MANIFESTS if one["kind"] == "Deployment"}
    scaled = [
        one["spec"]["scaleTargetRef"]["name"] for one in MANIFESTS if "scaleTargetRef" in one.get("spec", {})
    ]
    assert len(scaled) == 2
    assert set(scaled) <= named
    roles = {process.name for process in of_kubernetes()}
    for one in MANIFESTS:
        if one["kind"] in ("PodDisruptionBudget", "Service"):
            selector = one["spec"]["selector"]
            assert selector.get("matchLabels", selector)["role"] in roles
    mounted = {
        volume["secret"]["secretName"] for one in MANIFESTS for volume in volumes(one) if "secret" in volume
    }
    assert mounted == {"tintype"}


def volumes(one: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = one.get("spec", {}).get("template", {}).get("spec", {}).get("volumes", [])
    return found


def test_containers_have_no_rights_and_write_nowhere_but_to_data_and_tmp() -> None:
    for process in of_compose():
        assert process.described["read_only"] is True
        assert process.described["cap_drop"] == ["ALL"]
    for process in of_kubernetes():
        assert process.described["securityContext"]["readOnlyRootFilesystem"] is True
        assert process.described["securityContext"]["allowPrivilegeEscalation"] is False
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last_stage, re.MULTILINE)
    assert last_stage.index("USER") < last_stage.index("CMD")
    assert "HEALTHCHECK" in last_stage


def test_secrets_come_as_files_and_are_in_no_image() -> None:
    named = re.findall(r"^\s*(?:ENV|ARG)\s+(.*)$", DOCKERFILE, re.MULTILINE)
    assert not re.search(r"SECRET|KEY|PASSWORD|TOKEN|_URL", " ".join(named))
    assert "--require-hashes" in DOCKERFILE
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored, "Only what is named reaches a builder"
    for process in of_compose():
        used = {
            Path(path)
            for name, path in process.environment.items()
            if name.endswith("_FILE") and "secrets" in path
        }
        assert {path.name for path in used} == set(process.described["secrets"])
    assert {name for service in COMPOSE["services"].values() for name in service.get("secrets", [])} == set(
        COMPOSE["secrets"]
    )


def test_all_that_is_copied_reaches_the_builder() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    let_through = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = [
        source.replace("${REQUIREMENTS}", "runtime")
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for source in sources.split()
    ]
    assert len(copied) > 10
    assert {source.split("/")[0] for source in copied} == let_through
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_images_are_named_without_a_host() -> None:
    names = [service["image"] for service in COMPOSE["services"].values()]
    names += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    names += [process.described["image"] for process in of_kubernetes()]
    for name in names:
        first, _, rest = name.partition("/")
        assert not rest or not re.search(r"[.:]", first), name


def test_redis_drops_nothing_and_the_proxy_is_trusted() -> None:
    assert "--maxmemory-policy noeviction" in " ".join(COMPOSE["services"]["valkey"]["command"])
    [network] = COMPOSE["networks"]["shop"]["ipam"]["config"]
    for process in of_compose():
        assert process.environment["TRUSTED_PROXIES"] == network["subnet"]
    assert "shop" in COMPOSE["services"]["proxy"]["networks"]


def test_proxies_let_pass_what_the_shop_takes_and_say_who_asked() -> None:
    nginx, caddy = (DEPLOY / "nginx.conf").read_text(), (DEPLOY / "Caddyfile").read_text()
    [of_nginx] = re.findall(r"client_max_body_size (\d+)m;", nginx)
    [of_caddy] = re.findall(r"max_size (\d+)MB", caddy)
    for limit_bytes in (int(of_nginx) * 2**20, int(of_caddy) * 10**6):
        assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE < limit_bytes <= DRAIN_BYTES
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in nginx
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in nginx
    [unbuffered] = re.findall(r"location ~ (\S+) \{\n\s+proxy_buffering off;", nginx)
    for path, name in {"/i/img_1.png": "image", "/settings/export/exp_1/": "export_download"}.items():
        assert resolve(path).url_name == name
        assert re.match(unbuffered, path)
    assert "flush_interval -1" in caddy


@pytest.mark.parametrize("process", [one for one in PROCESSES if one.name == "web"], ids=each)
def test_what_the_image_holds_boots_with_these_settings(process: Process, tmp_path: Path) -> None:
    """With what the Dockerfile copies and nothing else; S3 is left to those who installed it."""
    for source, target in re.findall(r"^COPY (\S+) (\w+)$", DOCKERFILE, re.MULTILINE):
        assert source == target
        shutil.copytree(
            ROOT / source, tmp_path / "app" / target, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "manage.py", tmp_path / "app")
    kept = {name: value for name, value in os.environ.items() if name not in product_variables()}
    secrets = {
        "DATABASE_URL": "postgresql://tintype:secret@postgres:5432/tintype",
        "EMAIL_URL": "smtp+tls://shop:secret@mail.example:587",
        "STRIPE_SECRET_KEY": "",
        "STRIPE_WEBHOOK_SECRET": "",
    }
    environment = {}
    for name, value in process.environment.items():
        secret = name.removesuffix("_FILE")
        if secret == name:
            environment[name] = re.sub(r"\$\{(\w+)[^}]*\}", "shop.example" if "HOST" in value else "", value)
        else:
            (tmp_path / secret).write_text(secrets.get(secret, "0123456789" * 5))
            environment[name] = str(tmp_path / secret)
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=tmp_path / "app",
        env={**kept, **environment, "DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_the_image_holds_every_app() -> None:
    apps = {file.parent.name for file in ROOT.glob("*/apps.py")}
    needed = apps | {folder for folder in ("templates", "static", "locale") if (ROOT / folder).is_dir()}
    assert {
        target for _source, target in re.findall(r"^COPY (\S+) (\w+)$", DOCKERFILE, re.MULTILINE)
    } == needed
