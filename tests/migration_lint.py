"""What a migration must not do, because the release before serves while it runs and reads what it leaves behind.

One that does so all the same says why that is fine, in its module: `FINE = {"<finding>": "<why>"}`, by the words of the
finding. What had been released before this rule began is not looked at.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.db import connection
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field

from accounts.zero_downtime import AddIndexConcurrently, AddUniqueConcurrently

# The newest migration of each app that is not held to it.
RELEASED = {
    "accounts": "0017_helping",
    "billing": "0010_own_permissions",
    "generations": "0015_own_gpu",
    "webhooks": "0002_hosts_and_replays",
}
# By app and model: as many as orders, customers' doings or news of Stripe.
GROWING = frozenset(
    {
        "accounts.apikey",
        "accounts.auditevent",
        "accounts.auditorigin",
        "accounts.membership",
        "accounts.operatoralert",
        "accounts.organization",
        "accounts.queuedmail",
        "accounts.user",
        "billing.entrynote",
        "billing.keyusage",
        "billing.ledgerentry",
        "billing.payment",
        "billing.paymentstep",
        "billing.provensum",
        "billing.stripeevent",
        "billing.wallet",
        "generations.attempt",
        "generations.generation",
        "generations.image",
        "generations.incidentshare",
        "webhooks.webhookattempt",
        "webhooks.webhookdelivery",
        "webhooks.webhookevent",
    }
)
UNKNOWN = (operations.RunPython, operations.RunSQL)
FIELD_TAKEN_AWAY = (operations.RemoveField, operations.RenameField)
TABLE_TAKEN_AWAY = (operations.DeleteModel, operations.RenameModel, operations.AlterModelTable)
LOCKED = (operations.AddIndex, operations.AddConstraint)


def young(loader: MigrationLoader, released: dict[str, str] = RELEASED) -> list[Migration]:
    """Of our apps, those that came after."""
    found = []
    for app, newest in released.items():
        before = set(loader.graph.forwards_plan((app, newest)))
        found += [
            migration
            for key, migration in loader.disk_migrations.items()
            if key[0] == app and key not in before
        ]
    return sorted(found, key=lambda one: (one.app_label, one.name))


def findings(migration: Migration, state: ProjectState) -> Iterator[str]:
    """`state` is that before it, and is changed to that after it."""
    made = set[str]()  # nobody has rows in them yet
    for operation in _flat(migration.operations):
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        if isinstance(operation, operations.CreateModel):
            made.add(operation.name.lower())
        elif getattr(operation, "model_name", "").lower() not in made:
            yield from _finding(migration, operation, before, state)


def _flat(listed: Any) -> Iterator[Operation]:
    for operation in listed:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            yield from _flat(operation.state_operations)
            yield from (one for one in operation.database_operations if isinstance(one, UNKNOWN))
        else:
            yield operation


def _finding(
    migration: Migration, operation: Any, before: ProjectState, after: ProjectState
) -> Iterator[str]:
    kind = type(operation).__name__
    if isinstance(operation, UNKNOWN):
        yield f"{kind}: how many rows it touches, and under which locks, nobody can see from here"
        return
    name = getattr(operation, "model_name", getattr(operation, "name", "")).lower()
    grows = f"{migration.app_label}.{name}" in GROWING
    if isinstance(operation, FIELD_TAKEN_AWAY):
        field = operation.name if isinstance(operation, operations.RemoveField) else operation.old_name
        yield f"{kind} {name} {field}: the release before still reads and writes it"
    elif isinstance(operation, TABLE_TAKEN_AWAY):
        table = name or getattr(operation, "old_name", "").lower()
        yield f"{kind} {table}: the release before still reads and writes it"
    elif isinstance(operation, AddIndexConcurrently | AddUniqueConcurrently):
        if migration.atomic:
            yield f"{kind} {_part(operation).name}: cannot run in a transaction; say atomic = False"
    elif isinstance(operation, LOCKED):
        if grows:
            yield f"{kind} {_part(operation).name}: nobody can write to {name} as long as it takes"
    elif isinstance(operation, operations.AddField | operations.AlterField):
        new = after.apps.get_model(migration.app_label, name)._meta.get_field(operation.name)
        old = None
        if isinstance(operation, operations.AlterField):
            old = before.apps.get_model(migration.app_label, name)._meta.get_field(operation.name)
        for words in _of_field(old, new, grows=grows):
            yield f"{kind} {name} {operation.name}: {words}"


def _part(operation: Any) -> Any:
    return operation.index if isinstance(operation, operations.AddIndex) else operation.constraint


def _of_field(old: Any, new: Any, *, grows: bool) -> Iterator[str]:
    """`old` None: it is new."""
    if new.many_to_many:
        return
    has_default = new.db_default is not NOT_PROVIDED
    if not new.null and not has_default and not new.primary_key and (old is None or old.null):
        yield "NOT NULL without a db_default: the release before writes rows without it"
    if old is None:
        if grows and _makes_index(new):
            yield "its index keeps everybody from writing; add that by AddIndexConcurrently"
        return
    if old.null and not new.null and grows and has_default:
        yield "NOT NULL reads the whole table under a lock"
    if old.db_default is not NOT_PROVIDED and not has_default and not new.null:
        yield "without its db_default the release before cannot write rows that lack it"
    if _type(old) != _type(new) and not _only_longer(old, new):
        yield f"{_type(old)} becomes {_type(new)}: the table may be written anew under a lock"
    if grows and _makes_index(new) and not _makes_index(old):
        yield "its index keeps everybody from writing; add that by AddIndexConcurrently"


def _makes_index(field: Any) -> bool:
    return bool(field.db_index or field.unique)


def _type(field: "Field[Any, Any]") -> str:
    return str(field.db_type(connection) or "")


def _only_longer(old: Any, new: Any) -> bool:
    """Then nothing is written anew, and what the release before writes fits."""
    before, after = getattr(old, "max_length", None), getattr(new, "max_length", None)
    if before is None or after is None or old.get_internal_type() != new.get_internal_type():
        return False
    return bool(before <= after)


def excuses(migration: Migration) -> dict[str, str]:
    return dict(getattr(import_module(type(migration).__module__), "FINE", {}))


def unexcused(migration: Migration, state: ProjectState) -> list[str]:
    """What it does without saying why; and what it says of nothing that it does."""
    found, said = list(findings(migration, state)), excuses(migration)
    where = f"{migration.app_label}/{migration.name}"
    return [
        *(f"{where}: {one}" for one in found if not said.get(one, "").strip()),
        *(f"{where}: FINE speaks of nothing that it does: {one}" for one in said if one not in found),
    ]
