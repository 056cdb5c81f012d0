"""The mails of a demo: files, and a page for whoever sits at the machine."""

import stat
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.mail import files, outbox
from accounts.shops import first_shop
from tests import branded
from tests.accounts.signing.steps import NEW, sign_up
from tests.pages import browser_of, text_of

LOCAL = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:8000"}


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = "accounts.mail.files.FileBackend"
    settings.MAILS_DIR, settings.MAILS_PAGE = tmp_path / "mails", True
    settings.UNKNOWN_HOSTS = "first"  # as in every demo
    return tmp_path / "mails"


def look(page: str = "/mails/", **environ: str) -> HttpResponse:
    return Client().get(page, **{**LOCAL, **environ})  # type: ignore[return-value,arg-type]


def send(subject: str = "Greetings", body: str = "Hello") -> None:
    EmailMultiAlternatives(subject, body, to=["alice@studio.example"]).send()


@pytest.mark.django_db
def test_mail_of_a_sign_up_can_be_opened_there_and_its_link_followed() -> None:
    client = browser_of()
    sign_up(client)
    assert "see the mails here" in text_of(client.get("/sign-up/sent/"))
    assert "There is none yet" in text_of(look())
    assert outbox.send_due() == 1
    [mail] = files.newest(5)
    listed = look()
    assert f'href="/mails/{mail.name}/"' in listed.content.decode()
    assert NEW in text_of(listed)
    page = look(f"/mails/{mail.name}/").content.decode()
    assert 'href="http://localhost:8000/account/confirm/' in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "192.0.2.1"},
        {"REMOTE_ADDR": "10.0.0.1"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_X_FORWARDED_HOST": "localhost"},
        {"HTTP_X_REAL_IP": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_VIA": "1.1 proxy"},
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": "localhost.evil.example:8000"},
        {"HTTP_HOST": "evillocalhost:8000"},
        {"HTTP_HOST": "192.0.2.1:8000"},
        {"HTTP_HOST": "evil_.example:8000"},
        {"HTTP_HOST": "localhost,evil.example"},
        {"HTTP_HOST": "", "SERVER_NAME": "192.0.2.1"},
    ],
)
def test_others_find_nothing(environ: dict[str, str]) -> None:
    send()
    [mail] = files.newest(1)
    for page in ("/mails/", f"/mails/{mail.name}/"):
        assert look(page).status_code == 200
        assert look(page, **environ).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "[::1]", "prints.localhost:8000"]
)
def test_this_machine_has_several_names(host: str) -> None:
    assert look(HTTP_HOST=host, REMOTE_ADDR="::1").status_code == 200


@pytest.mark.django_db
def test_mails_of_all_shops_are_there_and_each_leads_there_from_its_own_host() -> None:
    prints = branded.a_shop("prints.localhost", branded.PRINTS)
    elsewhere = branded.a_shop("platten.example", branded.PLATES)
    for shop in (first_shop(), prints, elsewhere):
        outbox.queue_template(shop, NEW, "account_unknown", {})
    assert outbox.send_due() == 3
    listed = text_of(look(HTTP_HOST="prints.localhost:8000"))
    for name in ("Tintype &lt;", "Harbour Prints &lt;", "Plattenwerk Süd &lt;"):
        assert name in listed
    at_prints = look("/sign-up/sent/", HTTP_HOST="prints.localhost:8000").content.decode()
    assert 'href="/mails/"' in at_prints
    from_afar = look("/sign-up/sent/", HTTP_HOST="platten.example").content.decode()
    assert 'href="http://localhost:8000/mails/"' in from_afar


@pytest.mark.django_db
def test_a_shop_that_others_can_reach_has_no_such_page(settings: Settings) -> None:
    settings.MAILS_PAGE = False
    send()
    assert look().status_code == 404
    assert "see the mails" not in text_of(look("/sign-up/sent/"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["nothing", "..", "%2e%2e%2fsecrets%2fsecret_key", "1" * 18 + "-" + "a" * 8 + ".eml"]
)
def test_no_other_file_is_shown(name: str) -> None:
    assert look(f"/mails/{name}/").status_code == 404


@pytest.mark.django_db
def test_what_others_wrote_is_shown_as_text() -> None:
    send("<script>alert(1)</script>", "<img src=x onerror=alert(1)> \u202e 😀")
    [mail] = files.newest(1)
    for page in ("/mails/", f"/mails/{mail.name}/"):
        html = look(page).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_files_are_nobody_elses_business_and_only_the_newest_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "KEPT", 3)
    for number in range(5):
        send(f"Mail {number}")
    assert [mail.subject for mail in files.newest(10)] == ["Mail 4", "Mail 3", "Mail 2"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
