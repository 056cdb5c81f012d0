"""When an error says that the database cannot do it now."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from accounts.connections import is_away
from accounts.models import Shop
from accounts.shops import first_shop
from config.api import as_domain_error

pytestmark = pytest.mark.django_db


@contextmanager
def demoted() -> Iterator[None]:
    """The database goes on reading, and writes nothing."""
    is_sqlite = connection.vendor == "sqlite"
    try:
        with transaction.atomic():
            tell("PRAGMA query_only = ON" if is_sqlite else "SET TRANSACTION READ ONLY")
            yield
    finally:
        if is_sqlite:
            tell("PRAGMA query_only = OFF")


def tell(command: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(command)


@pytest.fixture(autouse=True)
def first() -> Shop:
    return first_shop()


def test_database_that_only_reads_is_away() -> None:
    with pytest.raises(DatabaseError) as caught, demoted():
        Shop.objects.update(name="Harbour")
    assert "read" in str(caught.value)
    assert is_away(caught.value)
    assert as_domain_error(caught.value).status == 503


def test_what_was_asked_wrongly_is_no_sign_of_that(first: Shop) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Shop.objects.create(slug=first.slug, name="Twice")
    assert not is_away(caught.value)
    assert not is_away(ValueError("x"))
    assert not is_away(None)
    assert is_away(OperationalError("gone"))
