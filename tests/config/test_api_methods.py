"""405: every address says which methods it takes, before it asks who is there."""

import pytest

from tests.accounts.client import FOX, GENERATE, STATUS, error_of, send

OTHERS = ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]


@pytest.mark.parametrize(
    ("path", "allowed", "method"),
    [
        *((GENERATE, "POST", method) for method in [*OTHERS, "GET"]),
        *((STATUS, "GET, HEAD", method) for method in [*OTHERS, "POST"]),
    ],
)
def test_other_methods_are_405_without_a_key_and_without_a_query(
    path: str, allowed: str, method: str
) -> None:
    response = send(method, path, body=FOX)
    assert error_of(response, 405)["type"] == "method_not_allowed"
    assert response["Allow"] == allowed


def test_head_of_a_creating_address_is_405() -> None:
    response = send("HEAD", GENERATE)
    assert (response.status_code, response["Allow"], response.content) == (405, "POST", b"")


def test_method_cannot_be_overridden_by_a_header(db: None) -> None:
    response = send("POST", GENERATE, body=FOX, headers={"X-HTTP-Method-Override": "GET"})
    error_of(response, 401)
