"""What GitHub finds in public stops working; what it did not sign changes nothing."""

import base64
import hashlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.http import HttpResponse
from pytest_django import Settings

from accounts import keys
from accounts.models import ApiKey, AuditEvent, QueuedMail
from accounts.shops import address_of
from tests.accounts.client import generate, send, status, word_of
from tests.cast import Person, new_key
from tests.several import a_shop, an_owner
from tests.webhooks.github import PATH, GitHub, Signer, found, post, running
from webhooks import secret_scanning
from webhooks.signing_keys import AGAIN_S, FRESH_S, SigningKeys


@pytest.fixture(scope="module")
def one_github() -> Iterator[GitHub]:
    with running() as github:
        yield github


@pytest.fixture
def github(one_github: GitHub, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """As usual again, and not asked so far."""
    settings.GITHUB_SECRET_SCANNING_KEYS_URL = one_github.url
    settings.OUTBOUND_LOOPBACK = True
    monkeypatch.setattr(secret_scanning, "_signing_keys", SigningKeys())
    one_github.shows, one_github.is_up, one_github.times_asked = (
        {"public_keys": [one_github.signer.shown]},
        True,
        0,
    )
    return one_github


def as_if_passed(seconds: float) -> None:
    secret_scanning._signing_keys._asked_at -= seconds
    secret_scanning._signing_keys._fetched_at -= seconds


def content(response: HttpResponse) -> list[dict[str, str]]:
    assert response.status_code == 200, response.content
    labels: list[dict[str, str]] = json.loads(response.content)
    return labels


def label(token: str, word: str) -> dict[str, str]:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return {"token_hash": digest, "token_type": "tintype_api_key", "label": word}


@pytest.mark.parametrize("livemode", [True, False])
def test_leaked_key_is_frozen_at_once(
    github: GitHub, alice: Person, caplog: pytest.LogCaptureFixture, livemode: bool
) -> None:
    caplog.set_level("INFO")
    key, secret = new_key(alice, livemode=livemode)
    assert generate(secret).status_code == 200
    response = github.report(found(secret))
    assert content(response) == [label(secret, "true_positive")]
    assert word_of(generate(secret)) == (401, "unauthenticated")
    key.refresh_from_db()
    assert (key.frozen_at is not None, key.frozen_reason, key.revoked_at) == (True, "leaked", None)
    assert secret not in caplog.text
    assert secret not in response.content.decode()


def test_its_people_are_told_where_it_was_found_and_what_to_do(
    github: GitHub, alice: Person, bob: Person, charlie: Person, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    key, secret = new_key(alice)
    github.report(found(secret, "https://github.com/octocat/hello/blob/1/a.py\r\nBcc: x"))
    mails = {mail.to: mail for mail in QueuedMail.objects.all()}
    assert set(mails) == {"alice@studio.example", "bob@studio.example"}
    mail = mails["bob@studio.example"]
    assert mail.template == "key_leaked"
    assert key.prefix in mail.subject
    for part in (
        f"begins with {key.prefix}, of \u2068Alice's Studio\u2069",
        "https://github.com/octocat/hello/blob/1/a.py Bcc: x\n",
        f"https://shop.example/keys/{key.public_id}/",
    ):
        assert part in mail.body
    assert secret not in mail.subject + mail.body


def test_audit_log_says_that_it_was_frozen_and_the_place_can_be_erased(github: GitHub, alice: Person) -> None:
    key, secret = new_key(alice)
    github.report(found(secret))
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject) == ("key_frozen", "system", key.actor)
    assert event.details == {"reason": "leaked", "source": "github"}
    assert event.origin.note == "https://github.com/octocat/hello/blob/1/a.py"


def test_second_report_changes_nothing_and_is_still_true(github: GitHub, alice: Person) -> None:
    key, secret = new_key(alice)
    github.report(found(secret), found(secret))
    before = (ApiKey.objects.values().get(), QueuedMail.objects.count(), AuditEvent.objects.count())
    assert before[1:] == (1, 1)
    assert content(github.report(found(secret))) == [label(secret, "true_positive")]
    assert (
        ApiKey.objects.values().get(),
        QueuedMail.objects.count(),
        AuditEvent.objects.count(),
    ) == before
    assert key.actor == AuditEvent.objects.get().subject


def test_revoked_key_stays_revoked_and_nobody_is_told(github: GitHub, alice: Person) -> None:
    key, secret = new_key(alice)
    ApiKey.objects.update(revoked_at=key.created_at)
    assert content(github.report(found(secret))) == [label(secret, "true_positive")]
    assert ApiKey.objects.get().frozen_at is None
    assert not QueuedMail.objects.exists()


def test_each_text_gets_its_label_and_others_are_left_alone(github: GitHub, alice: Person) -> None:
    _key, secret = new_key(alice)
    other, _other_secret = new_key(alice)
    strange = keys.mint(livemode=True)
    texts = [strange, "tt_live_short", secret, "naïve 🦊", secret[:-1] + "_"]
    labels = content(github.report(*(found(text) for text in texts)))
    assert labels == [label(text, f"{text == secret}".lower() + "_positive") for text in texts]
    other.refresh_from_db()
    assert other.frozen_at is None


@pytest.mark.django_db
def test_empty_report_and_missing_place_are_fine(github: GitHub, alice: Person) -> None:
    assert content(github.report()) == []
    _key, secret = new_key(alice)
    assert content(github.report({"token": secret, "type": "t", "url": ""}))[0]["label"] == "true_positive"
    assert "It was found here" not in QueuedMail.objects.get().body


def test_what_github_did_not_sign_is_refused(github: GitHub, alice: Person) -> None:
    _key, secret = new_key(alice)
    body = json.dumps([found(secret)]).encode()
    good = github.signer.headers(body)
    forger = Signer(github.signer.identifier)
    name, signature = "Github-Public-Key-Identifier", "Github-Public-Key-Signature"
    for headers in (
        {},
        {name: good[name]},
        {signature: good[signature]},
        forger.headers(body),
        github.signer.headers(body + b" "),
        good | {signature: "x"},
        good | {signature: "ü" * 10},
        good | {signature: base64.b64encode(b"no signature").decode()},
        good | {signature: good[signature] + "A" * 600},
        good | {name: "unknown"},
        good | {name: "x" * 600},
    ):
        assert send("POST", PATH, body=body, headers=headers).status_code == 401, headers
    assert generate(secret).status_code == 200
    assert not QueuedMail.objects.exists()
    assert send("POST", PATH, body=body, headers=good).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{}", b"5", b'"x"', b"[5]", b"[[]]", b'[{"type":"t"}]', b'[{"token":5}]', b'[{"token":""}]'),
        *(
            b"\xff",
            b"[" * 100_000,
            b'[{"token":"x","url":5}]',
            b'[{"token":"\\ud800"}]',
            b'[{"token":"\\u0000"}]',
        ),
    ],
    ids=range(14),
)
def test_what_is_not_the_format_is_400_though_signed(github: GitHub, body: bytes) -> None:
    assert post(body, github.signer).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(("problem", "code"), [("too_large", 413), ("timeout", 408), ("incomplete", 400)])
def test_body_that_did_not_arrive_is_refused(github: GitHub, problem: str, code: int) -> None:
    environ: dict[str, Any] = {"tintype.body_problem": problem}
    assert send("POST", PATH, **environ).status_code == code
    assert github.times_asked == 0


@pytest.mark.django_db
def test_other_methods_are_refused(github: GitHub) -> None:
    assert send("GET", PATH).status_code == 405


# --- The keys that it signs with ----------------------------------------------------------------


@pytest.mark.django_db
def test_keys_are_fetched_once_an_hour(github: GitHub) -> None:
    for _ in range(3):
        assert github.report().status_code == 200
    as_if_passed(FRESH_S - 1)
    assert github.report().status_code == 200
    assert github.times_asked == 1
    as_if_passed(2)
    assert github.report().status_code == 200
    assert github.times_asked == 2


@pytest.mark.django_db
def test_new_key_is_fetched_when_it_is_first_used_but_not_for_each_made_up_one(github: GitHub) -> None:
    assert github.report().status_code == 200
    new = Signer("second")
    github.shows = {"public_keys": [github.signer.shown, new.shown]}
    for number in range(5):
        assert github.report(signer=Signer(f"made up {number}")).status_code == 401
    assert github.times_asked == 1
    as_if_passed(AGAIN_S)
    assert github.report(signer=new).status_code == 200
    assert github.times_asked == 2


@pytest.mark.django_db
@pytest.mark.parametrize("shows", [None, {}, {"public_keys": []}, {"public_keys": [{"key": "x"}]}, []])
def test_while_keys_cannot_be_had_reports_may_come_again(
    github: GitHub, shows: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks, so often as they like: of that no error is written, and one warning a minute."""
    github.shows, github.is_up = shows, shows is not None
    answer = github.report()
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert github.report().status_code == 503
    assert github.times_asked == 1
    assert [(one.name, one.levelname) for one in caplog.records if one.levelno >= logging.WARNING] == [
        ("webhooks.signing_keys", "WARNING")
    ]


@pytest.mark.django_db
def test_keys_that_were_had_go_on_serving_while_github_is_away(github: GitHub) -> None:
    assert github.report().status_code == 200
    as_if_passed(2 * FRESH_S)
    github.is_up = False
    assert github.report().status_code == 200
    assert github.times_asked == 2


@pytest.mark.django_db
def test_keys_of_another_curve_sign_nothing(github: GitHub) -> None:
    other = Signer("other", ec.SECP384R1())
    github.shows = {"public_keys": [github.signer.shown, other.shown]}
    assert github.report(signer=other).status_code == 401


@pytest.mark.django_db
def test_keys_are_not_fetched_from_inside_our_network(github: GitHub, settings: Settings) -> None:
    settings.OUTBOUND_LOOPBACK = False
    assert github.report().status_code == 503
    assert github.times_asked == 0


def test_signed_report_of_a_stranger_key_is_no_way_to_guess_keys(github: GitHub, alice: Person) -> None:
    """Only the whole text names a key."""
    key, secret = new_key(alice)
    github.report(found(key.prefix), found(key.public_id), found(key.digest), found(secret[:-1]))
    assert status(secret, "task_x").status_code == 404


def test_keys_of_every_shop_are_found_whichever_host_is_told(github: GitHub, alice: Person) -> None:
    """All begin alike, so GitHub tells one address of all. It signed the report, and the answer shows nobody's data."""
    north, south = a_shop("North"), a_shop("South")
    known = [new_key(alice)[1]]
    known += [new_key(an_owner(place, f"o@{place.host}", f"Of {place.host}"))[1] for place in (north, south)]
    made_up = keys.mint(livemode=True)
    body = json.dumps([found(secret) for secret in (*known, made_up)]).encode()
    headers = github.signer.headers(body)
    response = send("POST", PATH, body=body, headers=headers, HTTP_HOST=north.host)
    assert content(response) == [
        *(label(secret, "true_positive") for secret in known),
        label(made_up, "false_positive"),
    ]
    assert ApiKey.objects.filter(frozen_at=None).count() == 0
    told = QueuedMail.objects.filter(template="key_leaked")
    assert {mail.shop.pk for mail in told} == {alice.organization.shop_id, north.shop.pk, south.shop.pk}
    for mail in told:
        assert address_of(mail.shop_id) in mail.body
