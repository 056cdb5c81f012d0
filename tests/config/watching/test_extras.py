"""Sentry and OpenTelemetry, each in a process of its own, as they begin with it: what leaves the house, and what never
does.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from config.watching.tracing import root_of
from tests.config.watching.collecting import Collector, collecting
from tests.faults.shop import prepare
from tests.processes import ROOT, unmeasured

PROMPT, MAIL = "a walrus in a hat", "someone@studio.example"

# A shop in a folder of its own: an order in one request, made in the same process, and a view that breaks.
SCRIPT = f"""
import django, os, sys
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.test import Client
from django.conf import settings
from accounts.api_keys import create_api_key
from accounts.organizations import create_organization, person
from accounts.shops import first_shop
from billing import ledger
from generations import doorbell, runner
from generations.models import Generation
doorbell.ring = lambda pk: None
organization = create_organization(first_shop(), "Studio", person("{MAIL}"))
ledger.grant(organization.pk, 100, reference="manual:x", actor="system")
key = create_api_key(organization, livemode=True)[1]
client = Client(raise_request_exception=False, headers={{"Authorization": f"Bearer {{key}}"}})
body = {{"prompt": "{PROMPT}", "aspect_ratio": "1:1"}}
answer = client.post("/api/generate?secret=in-the-query", body, content_type="application/json")
assert answer.status_code == 200, answer.content
requests = [answer["X-Request-Id"]]
runner.run(Generation.objects.get().pk)
def broken(*args, **kwargs):
    prompt = args
    raise RuntimeError("cannot mail {MAIL} with " + key)
import generations.ordering
generations.ordering.order = broken
answer = client.post("/api/generate?secret=in-the-query", body, content_type="application/json")
assert answer.status_code == 500, answer.content
print(key, Generation.objects.get().task_id, *requests, answer["X-Request-Id"])
END
"""


def run(folder: Path, end: str = "", **environment: str) -> list[str]:
    """The key, the id of the task, and of the request that made it and of the one that broke."""
    data_dir = folder / "data"
    prepare(data_dir)
    own = {**unmeasured(), "DATA_DIR": str(data_dir), "TILL": "0", "SANDBOX_SECONDS": "0", **environment}
    for name in ("DATABASE_URL", "REDIS_URL"):
        own.pop(name, None)
    script = SCRIPT.replace("END", end)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=own,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_sentry_hears_what_broke_and_of_nobody(tmp_path: Path) -> None:
    with collecting() as collector:
        key, _task, _first, request = run(
            tmp_path,
            "import sentry_sdk; sentry_sdk.flush(10)",
            SENTRY_DSN=f"http://publickey@127.0.0.1:{collector.port}/1",
        )
    events = [
        event
        for path, _headers, body in collector.bodies
        for event in items(body)
        if path.endswith("/envelope/")
    ]
    [event] = [event for event in events if "exception" in event]
    [error] = event["exception"]["values"][-1:]
    assert (error["type"], event["tags"]) == ("RuntimeError", {"request_id": request})
    assert any(frame["function"] == "broken" for frame in error["stacktrace"]["frames"])
    assert not {"request", "user", "extra", "breadcrumbs", "modules"} & set(event)
    assert not any("vars" in frame for frame in error["stacktrace"]["frames"])
    sent = json.dumps(events)
    for unwanted in (PROMPT, MAIL, key, key[9:], "in-the-query"):
        assert unwanted not in sent, unwanted


def items(envelope: bytes) -> list[dict[str, Any]]:
    """Those of an envelope that are events: a header, then for each its own header and it."""
    lines = envelope.splitlines()[1:]
    pairs = zip(lines[::2], lines[1::2], strict=False)
    return [json.loads(body) for header, body in pairs if json.loads(header)["type"] == "event"]


def test_opentelemetry_shows_the_request_and_what_became_of_its_order_as_one_trace(tmp_path: Path) -> None:
    with collecting() as collector:
        key, task, request, _broken = run(
            tmp_path,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}/",
            OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer hush",
        )
    assert {path for path, _headers, _body in collector.bodies} == {"/v1/traces"}
    assert all(headers["authorization"] == "Bearer hush" for _path, headers, _body in collector.bodies)
    spans = spans_of(collector)
    root = root_of(request)
    served, failed = sorted(
        (span for span in spans if span.name == "POST /api/generate"),
        key=lambda span: span.start_time_unix_nano,
    )
    assert {span.trace_id for span in spans if span is not failed} == {root.trace_id.to_bytes(16)}
    assert failed.trace_id not in (b"", served.trace_id)
    [worked] = [span for span in spans if span.name == "task"]
    [called] = [span for span in spans if span.name == "attempt"]
    assert served.span_id == root.span_id.to_bytes(8)
    assert worked.parent_span_id == served.span_id
    assert called.parent_span_id == worked.span_id
    known = {one.key: one.value.string_value or one.value.int_value for one in called.attributes}
    assert known == {
        "number": 1, "upstream": "sandbox", "outcome": "ok", "task_id": task, "request_id": request
    }  # fmt: skip
    assert failed.status.code == 2
    sent = b"".join(body for _path, _headers, body in collector.bodies)
    for unwanted in (PROMPT, MAIL, key, key[9:], "in-the-query", "hush"):
        assert unwanted.encode() not in sent, unwanted


def spans_of(collector: Collector) -> list[Any]:
    found = []
    for _path, _headers, body in collector.bodies:
        request = ExportTraceServiceRequest.FromString(body)
        found += [
            span
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
    return found


def test_nothing_of_it_is_loaded_unless_it_is_set() -> None:
    unwanted = {"sentry_sdk", "opentelemetry.exporter", "config.watching.tracing", "prometheus_client"}
    code = f"import django, sys; django.setup(); import config.urls; assert not {unwanted} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=unmeasured(), check=True, timeout=60)
