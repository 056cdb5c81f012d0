"""Bad values of what is watched stop the boot, with the cure, and repeat no secret."""

import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.mark.parametrize("text", ["8.8.8.8", "10.0.0.0/8,203.0.114.0/24", "0.0.0.0/0", "::/0", "inside"])
def test_networks_that_the_internet_reaches_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LIMIT", text)
    with pytest.raises(ImproperlyConfigured, match="private addresses or networks"):
        env.inside_networks("LIMIT")


def test_networks_inside_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMIT", "10.0.0.0/8, 127.0.0.1, fd00::/8")
    assert env.inside_networks("LIMIT") == ["10.0.0.0/8", "127.0.0.1", "fd00::/8"]


def test_short_tokens_and_odd_headers_are_refused_unrepeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMIT", "hush")
    for read in (env.token, env.pairs):
        with pytest.raises(ImproperlyConfigured, match=r"^LIMIT: ") as refused:
            read("LIMIT")
        assert "hush" not in str(refused.value)
    monkeypatch.setenv("LIMIT", "authorization=Bearer a=b, x-team=2")
    assert env.pairs("LIMIT") == {"authorization": "Bearer a=b", "x-team": "2"}


def test_what_is_not_installed_is_named_with_the_list_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    env.installed_for("", "SENTRY_DSN", "sentry_sdk", "sentry")
    with pytest.raises(ImproperlyConfigured, match=r"^SENTRY_DSN: .*requirements/sentry\.txt"):
        env.installed_for("https://k@host/1", "SENTRY_DSN", "sentry_sdk", "sentry")
