"""Schemathesis asks a running shop whatever the document allows and forbids; no answer may be one it does not name."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.docs import openapi
from tests import scale
from tests.config.docs.conftest import Reader

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
def operations(reader: Reader) -> list[Any]:
    schema: Any = schemathesis.openapi.from_dict(openapi.document("Tintype", reader.shop.base_url))
    return [result.ok() for result in schema.get_all_operations()]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fits", "does_not"])
def test_every_answer_is_one_that_the_document_names(
    reader: Reader, operations: list[Any], mode: GenerationMode
) -> None:
    assert len(operations) > 20
    for operation in operations:
        ask_often(reader, operation, mode)


def ask_often(reader: Reader, operation: Any, mode: GenerationMode) -> None:
    beyond = operation.definition.raw["operationId"] in BEYOND_A_SCHEMA
    excluded = [positive_data_acceptance] if beyond else []

    @settings(
        max_examples=scale.count(1, 500),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
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
