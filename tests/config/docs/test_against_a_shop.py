"""What the docs show is run as it stands, against a shop, and schemathesis asks it whatever the OpenAPI document allows
and forbids. In one module, since all of it can use the same shop.
"""

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from jsonschema import Draft202012Validator
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from standardwebhooks import Webhook

from accounts.code_samples import Call, samples
from config.docs import openapi, snippets
from config.docs.openapi import example_call, operations
from tests import scale
from tests.config.docs.conftest import Reader
from tests.processes import free_port

INTERPRETERS = {"curl": "sh", "python": sys.executable, "javascript": "node", "php": "php"}
ENDINGS = snippets.ENDINGS
# Each that the machine has; Python and curl it always has.
RUNNABLE = [language for language in ENDINGS if shutil.which(INTERPRETERS[language])]


def run(language: str, source: str, folder: Path) -> str:
    """What the program prints; it must end well."""
    file = folder / f"program.{ENDINGS[language]}"
    file.write_text(source)
    interpreter = str(shutil.which(INTERPRETERS[language]))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [interpreter, str(file)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, (source, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize("language", RUNNABLE)
def test_first_image_of_the_quick_start_arrives(reader: Reader, tmp_path: Path, language: str) -> None:
    source = snippets.program("first_image", reader.shop.base_url, reader.key)[language]
    assert run(language, source, tmp_path).strip() == "image.jpeg"
    assert (tmp_path / "image.jpeg").read_bytes().startswith(b"\xff\xd8")


@pytest.mark.parametrize("language", RUNNABLE)
def test_order_with_an_idempotency_key_is_made_once(reader: Reader, tmp_path: Path, language: str) -> None:
    source = snippets.program("once", reader.shop.base_url, reader.key)[language]
    first, second = (re.findall(r"task_0\w+", run(language, source, tmp_path)) for _ in range(2))
    assert first == second
    assert len(first) == 1


def test_without_a_good_key_the_quick_start_says_what_is_wrong(reader: Reader, tmp_path: Path) -> None:
    source = snippets.program("first_image", reader.shop.base_url, openapi.KEY_PLACEHOLDER)["curl"]
    assert '"type":"unauthenticated"' in run("curl", source, tmp_path)


def test_order_of_the_python_sample_is_tried_again_while_the_shop_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    source = snippets.program("once", f"http://127.0.0.1:{free_port()}", openapi.KEY_PLACEHOLDER)["python"]
    with pytest.raises(SystemExit, match="did not take the order"):
        exec(source, {})
    assert pauses == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("language", ["curl", "python"])
def test_openai_client_gets_an_image(reader: Reader, tmp_path: Path, language: str) -> None:
    source = snippets.program("openai", reader.shop.base_url, reader.key)[language]
    assert "/i/img_" in run(language, source, tmp_path)


CHECKS = {
    "python": "import json\nprint(json.dumps(event_of({body!r}.encode(), {headers!r}, {secret!r})))",
    "javascript": "console.log(JSON.stringify(eventOf({body}, {headers}, {secret})));",
    "php": "echo json_encode(event_of({body}, {headers}, {secret}));",
}


@pytest.mark.parametrize("language", [one for one in CHECKS if one in RUNNABLE])
def test_signatures_are_checked(tmp_path: Path, language: str) -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"type":"generation.succeeded"}'
    now = datetime.datetime.now(datetime.UTC)
    signature = Webhook(secret).sign("msg_1", now, body)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": f"v1,AAAA {signature}",
    }
    source = snippets.program("webhook", "", "")[language]
    for sent, expected in ((body, json.loads(body)), (body + " ", None)):
        check = _check(language, sent, headers, secret)
        assert json.loads(run(language, f"{source}\n{check}\n", tmp_path)) == expected


def _check(language: str, body: str, headers: dict[str, str], secret: str) -> str:
    if language == "python":
        return CHECKS[language].format(body=body, headers=headers, secret=secret)
    if language == "javascript":
        parts = {"body": json.dumps(body), "headers": json.dumps(headers), "secret": json.dumps(secret)}
        return CHECKS[language].format(**parts)
    server = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    pairs = ", ".join(f"'{name}' => '{value}'" for name, value in server.items())
    return CHECKS[language].format(body=f"'{body}'", headers=f"[{pairs}]", secret=f"'{secret}'")


# --- The reference ------------------------------------------------------------------------------

# What an example needs to be there: made anew for each, since some of them end it.
Maker = Callable[[Reader], str]


def a_task(reader: Reader) -> str:
    return reader.shop.order(reader.key)


def a_key(reader: Reader) -> str:
    status, _, body = reader.shop.ask("POST", "/api/v1/keys", reader.key, {"name": "x", "scopes": ["read"]})
    assert status == 200, body
    return str(body["id"])


def an_endpoint(reader: Reader) -> str:
    wanted = _allowed({"url": "", "events": ["generation.succeeded"]})
    status, _, body = reader.shop.ask("POST", "/api/v1/webhook-endpoints", reader.key, wanted)
    assert status == 200, body
    return str(body["id"])


def a_delivery(reader: Reader) -> str:
    path = f"/api/v1/webhook-endpoints/{an_endpoint(reader)}/test"
    status, _, body = reader.shop.ask("POST", path, reader.key, {})
    assert status == 200, body
    return str(body["id"])


MAKERS: dict[str, Maker] = {
    "task_id": a_task,
    "key_id": a_key,
    "endpoint_id": an_endpoint,
    "delivery_id": a_delivery,
}


def test_examples_of_the_reference_answer_as_it_says(reader: Reader, tmp_path: Path) -> None:
    document = openapi.document("Tintype", "https://shop.example")
    closed = closed_up(document)
    for path, method, operation in operations(document):
        call = example_call(path, method, operation, reader.shop.base_url, reader.key)
        real = _with_real_ids(call.address, operation, reader)
        target = real.removeprefix(reader.shop.base_url)
        body = None if call.body is None else _allowed(dict(call.body))
        status, headers, answer = reader.shop.ask(call.method, target, reader.key, body)
        assert status == 200, (method, path, answer)
        assert {"x-request-id", "ratelimit", "ratelimit-policy"} <= {name.lower() for name in headers}
        schema = closed["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": closed["components"]})
        problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer)]
        assert problems == [], (method, path)


def closed_up(document: dict[str, Any]) -> dict[str, Any]:
    """The same where objects have no members but those that are named: whatever else is answered is a fault."""

    def close(value: Any) -> Any:
        if isinstance(value, list):
            return [close(one) for one in value]
        if not isinstance(value, dict):
            return value
        changed = {name: close(one) for name, one in value.items()}
        if changed.get("type") == "object" and "properties" in changed:
            changed.setdefault("additionalProperties", False)
        return changed

    closed: dict[str, Any] = close(document)
    return closed


def _with_real_ids(address: str, operation: dict[str, Any], reader: Reader) -> str:
    for one in operation.get("parameters", []):
        if one["name"] in MAKERS:
            address = address.replace(str(one["example"]), MAKERS[one["name"]](reader))
    return address


def _allowed(body: dict[str, Any]) -> dict[str, Any]:
    # Names of the outside are not looked up in tests.
    return body | ({"url": "https://93.184.215.14/hooks"} if "url" in body else {})


SAMPLED = ("status", "create_generation", "create_key", "change_key")


@pytest.mark.parametrize("language", RUNNABLE)
def test_samples_of_the_reference_run(reader: Reader, tmp_path: Path, language: str) -> None:
    document = openapi.document("Tintype", "https://shop.example")
    for path, method, operation in operations(document):
        if operation["operationId"] in SAMPLED:
            shown = example_call(path, method, operation, reader.shop.base_url, reader.key)
            real = Call(shown.method, _with_real_ids(shown.address, operation, reader), shown.key, shown.body)
            answer = run(language, samples(real)[language], tmp_path)
            assert "request_id" not in answer, (language, path, answer)  # which every refusal names


# --- Whatever else may be asked -----------------------------------------------------------------

# What no schema can say, so that a body that fits may be refused all the same: times that have passed, cursors that
# are not ours, networks, addresses inside, the organization's own bounds, how deep and large metadata may be,
# idempotency keys that were used before.
BEYOND_A_SCHEMA = {
    "change_endpoint",
    "change_key",
    "create_endpoint",
    "create_generation",
    "create_key",
    "estimate",
    "generate",
    "list_deliveries",
    "list_endpoints",
    "list_generations",
    "list_keys",
    "openai_images",
    "read_ledger",
    "read_usage",
    "replay_failed",
    "rotate_key",
}


@pytest.fixture(scope="module")
def every_operation(reader: Reader) -> list[Any]:
    schema: Any = schemathesis.openapi.from_dict(openapi.document("Tintype", reader.shop.base_url))
    return [result.ok() for result in schema.get_all_operations()]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fits", "does_not"])
def test_every_answer_is_one_that_the_document_names(
    reader: Reader, every_operation: list[Any], mode: GenerationMode
) -> None:
    assert len(every_operation) > 20
    for operation in every_operation:
        ask_often(reader, operation, mode)


def ask_often(reader: Reader, operation: Any, mode: GenerationMode) -> None:
    beyond = operation.definition.raw["operationId"] in BEYOND_A_SCHEMA
    excluded = [positive_data_acceptance] if beyond else []

    @settings(
        max_examples=scale.count(1, 100),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        # A parameter that is an empty list is not sent at all, so that the shop cannot refuse it.
        assume([] not in (case.query or {}).values())
        case.call_and_validate(
            base_url=reader.shop.base_url,
            headers={"Authorization": f"Bearer {reader.key}"},
            excluded_checks=excluded,
            timeout=30,
        )

    try:
        ask()
    except Exception as error:
        error.add_note(f"{operation.method.upper()} {operation.path}")
        raise
