"""What only pages need is not done for programs (config/middleware.py, OfPages)."""

import pytest
from django.test import Client

from tests.cast import Person

pytestmark = pytest.mark.django_db
OF_PAGES = ("session", "htmx", "_messages", "csp_nonce")


@pytest.mark.parametrize(
    "path", ["/api/status", "/api/v1/balance", "/v1/models", "/i/nothing", "/hooks/nobody"]
)
def test_programs_have_no_session_and_get_no_cookie(alice: Person, path: str) -> None:
    client = Client()
    client.force_login(alice.user)
    answer = client.get(path)
    assert answer.status_code in (401, 403, 404)
    assert [name for name in OF_PAGES if hasattr(answer.wsgi_request, name)] == []
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")


def test_pages_have_all_of_it() -> None:
    request = Client().get("/pricing/").wsgi_request
    assert [name for name in OF_PAGES if not hasattr(request, name)] == []
