"""Cancel, receipts, balance, estimate, ledger and models in version 1."""

from typing import Any

import pytest

from accounts.access import access_of_key
from billing import ledger, reads
from billing.reads import balance
from generations import lifecycle, runner
from generations.errors import TooLateToCancel
from generations.lifecycle import ending
from generations.models import Attempt, Generation, ImageModel, ModelPrice
from tests.accounts.client import FOX, content, error_of, send, word_of
from tests.cast import Person, give_credits, new_key
from tests.generations.api.asking import GENERATIONS, V1, get, order, pages, post, question_refused, refused
from tests.makers import a_submitted, an_upstream, books_are_right, new_reference, stored_images


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice)[1]


def receipt(key: str, generation: Generation) -> dict[str, Any]:
    found = get(key, f"generations/{generation.task_id}/receipt")
    assert set(found) == {
        *("task", "hold", "attempts", "settlement", "available_before", "available_after"),
    }
    assert found["task"] == generation.task_id
    return found


def around(found: dict[str, Any]) -> tuple[int | None, int | None]:
    return found["available_before"], found["available_after"]


# --- Cancel -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"content_type": None}, {"body": {}}])
def test_cancel_ends_it_and_frees_the_hold(alice: Person, key: str, options: dict[str, Any]) -> None:
    generation = order(key)
    data = content(send("POST", f"{GENERATIONS}/{generation.task_id}/cancel", key=key, **options))
    assert (data["status"], data["error"], data["consumed_credits"]) == ("canceled", None, 0)
    assert data["finished_at"]
    wallet = balance(alice.organization.pk)
    assert (wallet.available, wallet.held) == (1500, 0)
    again = send("POST", f"{GENERATIONS}/{generation.task_id}/cancel", key=key)
    assert word_of(again) == (409, "already_ended")
    found = receipt(key, generation)
    assert (found["settlement"]["kind"], found["settlement"]["returned"]) == ("release", 15)
    assert around(found) == (1500, 1500)


def test_cancel_takes_no_fields(key: str) -> None:
    generation = order(key)
    assert refused(key, {"reason": "x"}, f"generations/{generation.task_id}/cancel")[1] == "reason"
    response = send(
        "POST", f"{GENERATIONS}/{generation.task_id}/cancel", key=key, body=b"x", content_type="a/b"
    )
    assert word_of(response) == (415, "unsupported_media_type")
    assert get(key, f"generations/{generation.task_id}")["status"] == "queued"


def test_cancel_is_too_late_where_the_shop_would_pay(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_organization_id: int) -> None:
        raise TooLateToCancel

    monkeypatch.setattr(ending, "_is_paid_for", lambda _attempt: True)
    monkeypatch.setattr(ending, "_count_paid_cancel", full)
    generation = order(key)
    Attempt.objects.create(generation=generation, number=1, provider="portal", upstream=an_upstream())
    response = send("POST", f"{GENERATIONS}/{generation.task_id}/cancel", key=key)
    assert word_of(response) == (409, "too_late_to_cancel")
    assert get(key, f"generations/{generation.task_id}")["status"] == "queued"


# --- Receipts -----------------------------------------------------------------------------------


def test_receipt_of_an_open_one_has_its_hold(key: str) -> None:
    found = receipt(key, order(key))
    assert found["hold"]["credits"] == 15
    assert (found["attempts"], found["settlement"]) == ([], None)
    assert around(found) == (1500, None)


def test_receipt_of_a_capture(key: str) -> None:
    order(key)
    generation = order(key, n=2, size="256x256")
    runner.run(generation.pk)
    found = receipt(key, generation)
    assert found["hold"]["credits"] == 30
    [attempt] = found["attempts"]
    assert (attempt["number"], attempt["outcome"]) == (1, "ok")
    assert attempt["seconds"] >= 0
    settlement = found["settlement"]
    assert {name: settlement[name] for name in ("kind", "consumed", "returned")} == {
        "kind": "capture",
        "consumed": 30,
        "returned": 0,
    }
    assert found["hold"]["at"] <= settlement["at"]
    assert around(found) == (1485, 1455)


def test_receipt_of_a_part_returns_the_rest(alice: Person) -> None:
    _row, secret = new_key(alice)
    generation = order(secret, n=4)
    claimed = lifecycle.claim(generation.pk)
    assert claimed
    attempt = lifecycle.mark_submitted(claimed, "sandbox")
    assert attempt
    assert lifecycle.succeed(claimed, attempt, stored_images(claimed, 1))
    found = receipt(secret, generation)
    settlement = found["settlement"]
    assert (settlement["kind"], settlement["consumed"], settlement["returned"]) == ("capture", 15, 45)
    assert around(found) == (1500, 1485)
    assert get(secret, f"generations/{generation.task_id}")["consumed_credits"] == 15


def test_receipt_of_a_release_says_nothing_of_our_account(alice: Person) -> None:
    row, secret = new_key(alice)
    generation, attempt = a_submitted(access_of_key(row))
    lifecycle.fail(
        generation, "upstream_unavailable", attempt=attempt, outcome="account", detail="unpaid bill"
    )
    found = receipt(secret, generation)
    assert [one["outcome"] for one in found["attempts"]] == ["failed"]
    assert (found["settlement"]["kind"], found["settlement"]["consumed"]) == ("release", 0)
    assert around(found) == (1500, 1500)
    assert "bill" not in str(found)


def test_receipt_of_a_test_key_has_no_money(alice: Person) -> None:
    secret = new_key(alice, livemode=False)[1]
    generation = order(secret, size="256x256")
    runner.run(generation.pk)
    found = receipt(secret, generation)
    assert (found["hold"], found["settlement"], around(found)) == (None, None, (None, None))
    assert [one["outcome"] for one in found["attempts"]] == ["ok"]


def test_balances_of_receipts_stay_what_they_were(alice: Person, key: str) -> None:
    made = []
    for _ in range(3):
        made.append(order(key))
        give_credits(alice.organization, 100)
    for one in reversed(made):
        lifecycle.cancel(one)
    ledger.take(alice.organization.pk, 1000, reference=new_reference("manual"), actor="system")
    befores = [around(receipt(key, one))[0] for one in made]
    assert befores == [1500, 1585, 1670]
    assert [around(receipt(key, one))[1] for one in made] == [1800, 1785, 1770]
    assert books_are_right()


def test_receipt_says_so_where_the_balance_cannot_be_known(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generation = order(key)
    monkeypatch.setattr(reads, "PORTION", 0)
    monkeypatch.setattr(reads, "MOST_BETWEEN", 0)
    assert around(receipt(key, generation)) == (None, None)


# --- Balance, estimate, models ------------------------------------------------------------------


def test_balance_is_what_the_pages_show(alice: Person, key: str) -> None:
    order(key)
    assert get(key, "balance") == {"available": 1485, "held": 15, "owed": 0, "images": 99}
    assert get(new_key(alice, livemode=False)[1], "balance")["available"] == 1485


def test_balance_counts_images_of_what_is_sold_where_the_usual_model_is_not(alice: Person, key: str) -> None:
    other = ImageModel.objects.create(slug="other", name="Other")
    ModelPrice.objects.update(model=other, credits=100)
    assert get(key, "balance")["images"] == 15
    ModelPrice.objects.all().delete()
    assert get(key, "balance")["images"] == 0


def test_estimate_is_the_price_and_makes_nothing(alice: Person, key: str) -> None:
    body = FOX | {"n": 3, "metadata": {"a": 1}}
    assert post(key, "estimate", body) == {"price_credits": 45, "available": 1500, "affordable": True}
    ledger.take(alice.organization.pk, 1470, reference=new_reference("manual"), actor="system")
    assert post(key, "estimate", body) == {"price_credits": 45, "available": 30, "affordable": False}
    test_key = new_key(alice, livemode=False)[1]
    assert post(test_key, "estimate", body) == {"price_credits": 0, "available": 30, "affordable": True}
    assert refused(key, FOX | {"model": "none"}, "estimate") == ("invalid_field", "model")
    assert refused(key, FOX | {"n": 0}, "estimate") == ("invalid_field", "n")
    assert not Generation.objects.exists()


def test_models_are_listed_with_what_they_cost(key: str) -> None:
    assert get(key, "models") == {
        "object": "list",
        "data": [
            {
                "id": "z-image-turbo",
                "object": "model",
                "price_credits": 15,
                "sizes": ["1024x1024", "1152x864", "864x1152", "1280x720", "720x1280"],
                "max_n": 4,
            }
        ],
        "next_cursor": None,
    }


# --- Ledger -------------------------------------------------------------------------------------


def test_ledger_lists_every_entry_once(alice: Person, charlie: Person, key: str) -> None:
    generation = order(key, size="256x256")
    runner.run(generation.pk)
    for limit in ("1", "2", "100"):
        rows = [row for page in pages(key, "ledger", limit=limit) for row in page]
        assert [row["kind"] for row in rows] == ["capture", "hold", "grant"]
    capture, hold, _grant = rows
    assert {name: capture[name] for name in ("available", "held", "owed", "reference")} == {
        "available": 0,
        "held": -15,
        "owed": 0,
        "reference": f"generation:{generation.task_id}",
    }
    assert set(capture) == {"id", "kind", "available", "held", "owed", "reference", "created_at"}
    assert capture["id"].startswith("le_")
    assert len({row["id"] for row in rows}) == 3
    assert sum(row["available"] for row in rows) == 1485
    [[only]] = pages(key, "ledger", kind="hold")
    assert only == hold
    assert pages(key, "ledger", created_before="2001-01-01T00:00:00Z") == [[]]
    assert len(pages(key, "ledger", created_after="2001-01-01T00:00:00Z")[0]) == 3
    assert [row["kind"] for row in get(new_key(charlie)[1], "ledger")["data"]] == ["grant"]
    assert get(new_key(alice, livemode=False)[1], "ledger")["data"] == []


def test_bad_questions_for_the_ledger_are_refused(key: str) -> None:
    for query, param in (({"kind": "gift"}, "kind"), ({"status": "x"}, "status"), ({"limit": "-1"}, "limit")):
        assert question_refused(key, "ledger", **query) == ("invalid_field", param)
    assert error_of(send("POST", f"{V1}/ledger", key=key, body={}), 405)["type"] == "method_not_allowed"
