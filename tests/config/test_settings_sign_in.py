"""Who may sign up, with what they may sign in, and who sees the mails of a demo."""

from pathlib import Path

import pytest

from tests.config.test_settings_boot import settings_with


def test_anybody_may_sign_up_but_with_throw_away_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = settings_with(tmp_path, monkeypatch, BLOCKED_EMAIL_DOMAINS="blocked.example, @Other.example")
    assert (read["SIGN_UP"], read["SIGN_UP_DOMAINS"]) == ("open", [])
    assert {"mailinator.com", "blocked.example", "other.example"} <= read["BLOCKED_EMAIL_DOMAINS"]


def test_list_of_throw_away_domains_can_be_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tmp_path / "domains.txt"
    listed.write_text("# ours\none.example  # the first\n\ntwo.example, three.example\n")
    read = settings_with(tmp_path, monkeypatch, THROWAWAY_DOMAINS_FILE=str(listed))
    assert read["BLOCKED_EMAIL_DOMAINS"] == {"one.example", "two.example", "three.example"}


def test_accounts_elsewhere_need_credentials_which_may_stand_in_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    without = settings_with(tmp_path, monkeypatch)["SOCIALACCOUNT_PROVIDERS"]
    assert not any("APP" in provider for provider in without.values())
    read = settings_with(
        tmp_path, monkeypatch, GITHUB_CLIENT_ID="id-1", GITHUB_CLIENT_SECRET_FILE=str(secret)
    )["SOCIALACCOUNT_PROVIDERS"]
    assert read["github"]["APP"] == {"client_id": "id-1", "secret": "hush"}
    assert "APP" not in read["google"]


@pytest.mark.parametrize(
    ("variables", "is_shown"),
    [
        ({}, True),
        ({"PUBLIC_URL": "http://127.0.0.1:8000"}, True),
        ({"DEMO": "0"}, False),
        ({"EMAIL_URL": "smtp://127.0.0.1:25"}, False),
        ({"PUBLIC_URL": "https://demo.example"}, False),
        ({"TRUSTED_PROXIES": "127.0.0.1"}, False),
    ],
)
def test_mails_are_shown_only_where_nobody_else_can_come_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_shown: bool
) -> None:
    read = settings_with(tmp_path, monkeypatch, **variables)
    assert read["MAILS_PAGE"] is is_shown
    assert read["MAILS_DIR"] == tmp_path / "mails"
