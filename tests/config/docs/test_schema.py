"""The OpenAPI document says all of the API, and nothing else."""

from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from accounts.errors import DomainError
from accounts.shapes import component, text
from config.docs import openapi
from config.docs.openapi import operations
from tests.routes import routes

# Of programs, but not of the API for keys: what it is, and what upstreams, Stripe and GitHub call.
BESIDE = ("api/schema", "hooks/", "webhooks/")


@pytest.fixture
def document() -> dict[str, Any]:
    return openapi.document(openapi.Publisher("Tintype", settings.PUBLIC_URL))


def test_document_is_valid_without_a_warning() -> None:
    call_command("spectacular", fail_on_warn=True, validate=True, stdout=StringIO())


def test_document_is_valid_for_others_too(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")


def test_every_address_for_keys_is_in_it(document: dict[str, Any]) -> None:
    patterns = {
        f"/{route.pattern}".replace("<str:", "{").replace(">", "}")
        for route in routes()
        if route.pattern.startswith(("api/", "v1/")) and not route.pattern.startswith(BESIDE)
    }
    assert patterns == set(document["paths"])


def test_examples_fit_what_is_said_of_them(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        asked = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        answers = [one["content"]["application/json"] for one in operation["responses"].values()]
        for one in (asked, *answers):
            if "example" in one:
                schema = {**one["schema"], "components": document["components"]}
                problems = [
                    error.message for error in Draft202012Validator(schema).iter_errors(one["example"])
                ]
                assert problems == [], (method, path)


def test_every_operation_names_its_refusals_and_has_four_samples(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        wanted = {"401", "403", "405", "429", "500", "503"}
        wanted |= {"400", "408", "413", "415"} if "requestBody" in operation else set()
        assert wanted <= set(operation["responses"]), (method, path)
        assert [one["lang"] for one in operation["x-codeSamples"]] == ["curl", "python", "javascript", "php"]


@pytest.mark.django_db
def test_document_is_served_to_everybody() -> None:
    answer = Client().get("/api/schema")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["servers"] == [{"url": settings.PUBLIC_URL}]


def test_two_schemas_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Two schemas"):
        component("Error", text("something else"))


def test_words_of_refusals_are_those_of_the_errors(document: dict[str, Any]) -> None:
    refused = document["paths"]["/api/generate"]["post"]["responses"]["402"]
    assert "`insufficient_credits`" in refused["description"]
    _whole, named = refused["content"]["application/json"]["schema"]["allOf"]
    known = {one.type for one in _all_errors() if one.status == 402}
    assert set(named["properties"]["error"]["properties"]["type"]["enum"]) == known


def _all_errors(of: type[DomainError] = DomainError) -> list[type[DomainError]]:
    return [of, *(inner for one in of.__subclasses__() for inner in _all_errors(one))]
