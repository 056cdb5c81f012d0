"""X-Request-Id on every answer; a client's own when it is sane."""

import re

import pytest

from tests.accounts.client import FOX, GENERATE, content, generate, send
from tests.cast import Person, new_key

OWN = re.compile(r"req_[0-9a-f]{24}")


@pytest.mark.parametrize("path", [GENERATE, "/api/nothing", "/healthz", "/i/x.png"])
def test_every_answer_has_an_id_of_its_own(db: None, path: str) -> None:
    ids = [send("GET", path)["X-Request-Id"] for _ in range(2)]
    assert all(OWN.fullmatch(request_id) for request_id in ids)
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    "sent", ["a", "x" * 128, "7c9e6679-7425-40de-944b-e07fc1f90ae7", "a b", "~!\"#$%&'()*+,/:;<=>?@[]^`{|}"]
)
def test_sane_id_is_echoed_in_header_and_body(sent: str) -> None:
    response = send("GET", "/api/nothing", headers={"X-Request-Id": sent})
    assert response["X-Request-Id"] == sent
    assert content(response)["error"]["request_id"] == sent


@pytest.mark.parametrize(
    "sent", ["", " ", "x" * 129, "a\nb", "a\r\nSet-Cookie: x=1", "\x00", "\x7f", "ü", "\u00a0", "a\tb"]
)
def test_other_ids_are_replaced(sent: str) -> None:
    response = send("GET", "/api/nothing", headers={"X-Request-Id": sent})
    assert OWN.fullmatch(response["X-Request-Id"])
    assert "Set-Cookie" not in response
    assert content(response)["error"]["request_id"] == response["X-Request-Id"]


def test_success_carries_the_id_too(alice: Person) -> None:
    response = generate(new_key(alice)[1], FOX, headers={"X-Request-Id": "mine"})
    assert (response.status_code, response["X-Request-Id"]) == (200, "mine")
