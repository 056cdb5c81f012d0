"""Rows that benchmarks make by SQL are rows as the product leaves them: else a comparison would compare nothing."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.forms.models import model_to_dict

from accounts.access import access_of_key
from accounts.models import ApiKey
from accounts.shops import first_shop
from benchmarks import history, raw_sql, rows
from billing import audit
from billing.models import KeyUsage, LedgerEntry, Wallet
from generations import lifecycle
from generations.models import Attempt, Generation, Image, ModelPrice, Status
from generations.request import parse
from tests.makers import PRICE_CREDITS

if connection.vendor == "postgresql":  # what benchmarks are run on

    @pytest.fixture
    def own(committed_db: None) -> Iterator["psycopg.Connection[Any]"]:
        """A connection to the database of the tests, whose shop sells."""
        first_shop()
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as own:
            yield own

    def test_raw_transaction_leaves_the_rows_of_an_accept(own: "psycopg.Connection[Any]") -> None:
        by_shop, by_sql = rows.found(own, 2)
        order = parse({"prompt": "a lighthouse at dusk", "size": "256*256"})
        for _ in range(2):  # the second finds what the first has counted
            lifecycle.submit(access_of_key(ApiKey.objects.get(pk=by_shop.key)), order, endpoint="generate")
            raw_sql.accept(own, by_sql)
        assert _left_by(by_sql) == _left_by(by_shop)
        assert audit.check_snapshot() == []

    def test_price_is_the_one_that_is_held(own: "psycopg.Connection[Any]") -> None:
        assert ModelPrice.objects.get().credits == rows.PRICE_CREDITS == PRICE_CREDITS

    def test_raw_transaction_refuses_where_an_accept_would(own: "psycopg.Connection[Any]") -> None:
        [seat] = rows.found(own, 1)
        Wallet.objects.filter(pk=seat.wallet).update(open_limit=0)
        with pytest.raises(RuntimeError, match="refused"):
            raw_sql.accept(own, seat)
        assert not Generation.objects.exists()

    def test_a_made_past_is_found_right(own: "psycopg.Connection[Any]") -> None:
        *seats, bystander = rows.found(own, 5)
        history.make(own, seats, bystander, 2000)
        assert audit.check_snapshot() == []
        assert Generation.objects.filter(status=Status.SUCCEEDED).count() == Image.objects.count() == 1800
        assert Attempt.objects.filter(outcome="ok").count() == 1800
        assert Generation.objects.filter(organization_id=seats[0].organization).count() == 200
        assert Generation.objects.filter(finished_at=None).count() == history.OPEN_ROWS
        assert set(Generation.objects.filter(finished_at=None).values_list("key", flat=True)) == {
            bystander.key
        }

    def test_the_audit_would_find_a_wrong_past(own: "psycopg.Connection[Any]") -> None:
        *seats, bystander = rows.found(own, 3)
        history.make(own, seats, bystander, 200)
        own.execute("UPDATE billing_wallet SET available = available + 1 WHERE id = %s", (seats[1].wallet,))
        own.execute("UPDATE billing_keyusage SET lifetime_credits = 0 WHERE key_id = %s", (seats[0].key,))
        assert {finding.rule for finding in audit.check_snapshot()} == {
            "wallet_is_not_the_sum_of_its_entries",
            "key_has_not_spent_what_its_generations_cost",
        }

    def test_what_a_round_left_open_is_released(own: "psycopg.Connection[Any]") -> None:
        seats = rows.found(own, 2)
        before = [_left_by(seat)[1:] for seat in seats]
        for seat in (*seats, seats[0]):
            raw_sql.accept(own, seat)
        assert rows.settle_open(own, seats) == 3
        assert set(Generation.objects.values_list("status", flat=True)) == {Status.CANCELED}
        for seat, (wallet, usage) in zip(seats, before, strict=True):
            _generations, wallet_now, usage_now = _left_by(seat)
            assert {**wallet_now, "entries": wallet["entries"]} == wallet
            assert usage_now["open_tasks"] == usage["open_tasks"]
            assert usage_now["lifetime_credits"] == usage["lifetime_credits"]
        assert audit.check_snapshot() == []

    def _left_by(seat: rows.Seat) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
        """Generations with their waits in seconds, the wallet with its entries, the key's usage; no ids and times."""
        generations = []
        for row in Generation.objects.filter(organization_id=seat.organization).order_by("id"):
            fields = model_to_dict(row, exclude=["id", "organization", "key", "request_digest", "created_at"])
            for name in ("dispatch_after", "deadline_at"):
                fields[name] = round((getattr(row, name) - row.created_at).total_seconds())
            generations.append(fields)
        entries = LedgerEntry.objects.filter(wallet=seat.wallet).exclude(kind="grant").order_by("id")
        wallet = model_to_dict(Wallet.objects.get(pk=seat.wallet), exclude=["id", "organization"])
        wallet["entries"] = [
            (
                entry.kind,
                entry.available,
                entry.held,
                entry.owed,
                entry.value_micros,
                entry.actor == seat.actor,
            )
            for entry in entries
        ]
        usage = model_to_dict(KeyUsage.objects.get(key=seat.key), exclude=["id", "key"])
        return generations, wallet, usage
