"""What the docs show is run as it stands, against a shop, and schemathesis asks it whatever the OpenAPI document allows
and forbids. In one module, since all of it can use the same shop.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.db import connection
from hypothesis import HealthCheck, assume, given, settings
from jsonschema import Draft202012Validator
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.code_samples import Call, samples
from config.docs import openapi, snippets
from config.docs.openapi import example_call, operations
from tests import programs, scale
from tests.config.docs.conftest import Reader
from tests.house import ROOT
from tests.processes import free_port

ENDINGS = snippets.ENDINGS
RUNNABLE = programs.runnable(ENDINGS)


def run(language: str, source: str, folder: Path) -> str:
    return programs.run(language, source, folder, ENDINGS[language])


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


@pytest.mark.parametrize("language", [one for one in programs.CHECKS if one in RUNNABLE])
def test_signatures_are_checked(tmp_path: Path, language: str) -> None:
    source = snippets.program("webhook", "", "")[language]
    programs.assert_it_checks_signatures(language, source, tmp_path, ENDINGS[language])


# What pages show beside programs -> a word of the answer.
CALLS = {"generate": "IN_PROGRESS", "v1": "queued", "status": "task_id"}


@pytest.mark.parametrize("language", RUNNABLE)
def test_calls_that_pages_show_are_answered(reader: Reader, tmp_path: Path, language: str) -> None:
    shown = snippets.all_code(reader.shop.base_url, reader.key, language)
    assert set(shown) == {*snippets.NAMES, *CALLS}, "No test runs the others"
    task = a_task(reader)
    for name, word in CALLS.items():
        [source] = [one.source for one in shown[name].samples if one.language == language]
        answer = run(language, source.replace(snippets.TASK_ID, task), tmp_path)
        assert word in answer, (name, answer)
        assert "request_id" not in answer, (name, answer)  # which every refusal names


def test_openai_client_of_the_repositorys_docs_gets_its_images(reader: Reader, tmp_path: Path) -> None:
    [source] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "openai.md").read_text(), re.DOTALL)
    source = source.replace("http://localhost:8000", reader.shop.base_url).replace("tt_live_…", reader.key)
    assert run("python", source, tmp_path).count("/i/img_") == 2


# What of OpenAI's library for JavaScript its program needs; the library itself is not installed where tests run.
OPENAI_JS = """
export default class {
  constructor({ baseURL, apiKey }) {
    const headers = { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" };
    const generate = async (body) =>
      (await fetch(`${baseURL}/images/generations`, { method: "POST", headers, body: JSON.stringify(body) })).json();
    this.images = { generate };
  }
}
"""


if "javascript" in RUNNABLE:

    def test_openai_program_in_javascript_gets_an_image(reader: Reader, tmp_path: Path) -> None:
        library = tmp_path / "node_modules" / "openai"
        library.mkdir(parents=True)
        (library / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
        (library / "index.js").write_text(OPENAI_JS)
        source = snippets.program("openai", reader.shop.base_url, reader.key)["javascript"]
        assert "/i/img_" in run("javascript", source, tmp_path)


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
    document = openapi.document(openapi.Publisher("Tintype", "https://shop.example"))
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
    document = openapi.document(openapi.Publisher("Tintype", "https://shop.example"))
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


# Of each operation, in each of the two modes: 500 examples together, on the database of production.
EXAMPLES = scale.count(1, 250 if connection.vendor == "postgresql" else 50)


@pytest.fixture(scope="module")
def every_operation(reader: Reader) -> list[Any]:
    schema: Any = schemathesis.openapi.from_dict(
        openapi.document(openapi.Publisher("Tintype", reader.shop.base_url))
    )
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
        max_examples=EXAMPLES,
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
