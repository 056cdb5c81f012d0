"""Hot statements: Django's ORM writes the SQL at the first call, later calls only bind their values.

Compiling a query costs the ORM several times what the database needs to run it. A statement is built by a function
of its values, with the ORM as everywhere; the SQL is kept per kind of database and per *shape* of the values: None and
booleans may change the SQL, so each of them is a shape of its own, all other values of one type are the same.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import InsertQuery, UpdateQuery
from django.utils.duration import duration_microseconds

T = TypeVar("T")
Change = tuple["models.QuerySet[Any]", dict[str, Any]]

# Stand in for values while the SQL is written. Within a 32-bit column's range, and nobody's real value.
_FIRST_INTEGER = 2_147_480_000
_FIRST_DATE = datetime.date(1701, 1, 1)


class _Template(Generic[T]):
    """SQL with what binds each of its parameters; `made` is what it was made from."""

    def __init__(self, made: T, sql: str, params: Any, stand_ins: dict[str, Any]) -> None:
        self.made = made
        self.sql = sql
        self._slots = [_Slot.find(param, stand_ins) for param in params]
        unbound = {name for name, value in stand_ins.items() if not _is_shape(value)}
        unbound -= {slot.name for slot in self._slots}
        if unbound:  # it was changed on the way, and would stay what it is now
            raise TypeError(f"Not found in the statement: {', '.join(sorted(unbound))}")

    def params(self, values: dict[str, Any]) -> tuple[Any, ...]:
        return tuple([slot.value(values) for slot in self._slots])


@dataclass(frozen=True, slots=True)
class _Slot:
    """One parameter: the value `name`, written by `write` as the backend wants it; without a name, a constant."""

    constant: Any
    name: str = ""
    write: Callable[[Any], Any] | None = None

    @classmethod
    def find(cls, param: Any, stand_ins: dict[str, Any]) -> "_Slot":
        for name, stand_in in stand_ins.items():
            if _is_shape(stand_in):
                continue
            if isinstance(param, type(stand_in)) and param == stand_in:
                # PostgreSQL's integers bear their column's size.
                return cls(None, name, type(param) if type(param) is not type(stand_in) else None)
            # As backends without such types write them.
            if isinstance(stand_in, datetime.timedelta) and param == duration_microseconds(stand_in):
                return cls(None, name, duration_microseconds)
            if isinstance(stand_in, datetime.date) and param == str(stand_in):
                return cls(None, name, str)
        return cls(param)

    def value(self, values: dict[str, Any]) -> Any:
        if not self.name:
            return self.constant
        value = values[self.name]
        return value if self.write is None else self.write(value)


def _name_of(value: Any, stand_ins: dict[str, Any]) -> str:
    """Whose stand-in this is, "" for nobody's."""
    names = [name for name, other in stand_ins.items() if not _is_shape(other) and value == other]
    return names[0] if names else ""


def _is_shape(value: Any) -> bool:
    return value is None or value is True or value is False


def _stand_in(value: Any, number: int) -> Any:
    if _is_shape(value):
        return value
    if isinstance(value, int):
        return _FIRST_INTEGER + number
    if isinstance(value, str):
        return f"\x01{number}\x01"
    if isinstance(value, datetime.timedelta):
        return datetime.timedelta(microseconds=_FIRST_INTEGER + number)
    if type(value) is datetime.date:
        return _FIRST_DATE + datetime.timedelta(days=number)
    raise TypeError(f"{type(value).__name__} cannot be bound to a statement")


class _Statement(Generic[T]):
    """`build` is called with the values by name, and only when their shape is new."""

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build
        self._templates: dict[Any, _Template[T]] = {}

    def _template(self, db: BaseDatabaseWrapper, values: dict[str, Any]) -> _Template[T]:
        shape: Any = (
            db.vendor,
            *[(name, value if _is_shape(value) else type(value)) for name, value in values.items()],
        )
        template = self._templates.get(shape)
        if template is None:
            stand_ins = {
                name: _stand_in(value, number) for number, (name, value) in enumerate(values.items())
            }
            template = self._templates[shape] = self._write(db, stand_ins)
        return template

    def _write(self, db: BaseDatabaseWrapper, stand_ins: dict[str, Any]) -> _Template[T]:
        raise NotImplementedError


class Select(_Statement[Any]):
    """`build` returns a QuerySet; the call gives its rows."""

    def __call__(self, **values: Any) -> list[Any]:
        db = connections[DEFAULT_DB_ALIAS]
        template = self._template(db, values)
        queryset, compiler, converters = template.made
        if queryset.query.select_for_update and db.get_autocommit():  # as the ORM says it, each time
            raise transaction.TransactionManagementError("A lock needs a transaction to be held in.")
        # A compiler that has done its work already, on this thread's connection.
        sql = template.sql, template.params(values)
        done = _shallow(
            compiler, connection=db, as_sql=lambda **_: sql, get_converters=lambda _expressions: converters
        )
        query = _shallow(queryset.query, get_compiler=lambda *_, **__: done)
        return list(_shallow(queryset, _query=query, _result_cache=None))

    def _write(self, db: BaseDatabaseWrapper, stand_ins: dict[str, Any]) -> _Template[Any]:
        queryset = self._build(**stand_ins)
        compiler = queryset.query.get_compiler(connection=db)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        return _Template((queryset, compiler, converters), sql, params, stand_ins)


def _shallow(original: Any, **changes: Any) -> Any:
    # copy.copy() would run a queryset's query, to pickle it.
    copied = object.__new__(type(original))
    copied.__dict__ = {**original.__dict__, **changes}
    return copied


class Update(_Statement[None]):
    """`build` returns a QuerySet of one table and the changes; the call gives the number of rows changed."""

    def __call__(self, **values: Any) -> int:
        db = connections[DEFAULT_DB_ALIAS]
        template = self._template(db, values)
        with transaction.mark_for_rollback_on_error(using=db.alias), db.cursor() as cursor:
            cursor.execute(template.sql, template.params(values))
            return int(cursor.rowcount)

    def _write(self, db: BaseDatabaseWrapper, stand_ins: dict[str, Any]) -> _Template[None]:
        queryset, changes = self._build(**stand_ins)
        query = queryset.query.chain(UpdateQuery)
        query.add_update_values(changes)
        sql, params = query.get_compiler(connection=db).as_sql()
        return _Template(None, sql, params, stand_ins)


class Insert(_Statement[Any]):
    """`build` returns an unsaved object, so it may be its class; the call gives it as saved."""

    def __call__(self, **values: Any) -> Any:
        db = connections[DEFAULT_DB_ALIAS]
        template = self._template(db, values)
        compiler, converters, fixed, bound = template.made
        with transaction.mark_for_rollback_on_error(using=db.alias), db.cursor() as cursor:
            cursor.execute(template.sql, template.params(values))
            rows = [cursor.fetchone()]
        [row] = _shallow(compiler, connection=db).apply_converters(rows, converters)
        new = compiler.query.model(**fixed, **{attname: values[name] for attname, name in bound.items()})
        for field, value in zip(compiler.returning_fields, row, strict=True):
            setattr(new, field.attname, value)
        new._state.adding, new._state.db = False, db.alias
        return new

    def _write(self, db: BaseDatabaseWrapper, stand_ins: dict[str, Any]) -> _Template[Any]:
        new: models.Model = self._build(**stand_ins)
        fields = [field for field in new._meta.local_concrete_fields if not field.primary_key]
        for field in fields:
            # Such a default would be computed once, and then be inserted for ever.
            changes = field.has_default() and callable(field.default)
            if changes and getattr(new, field.attname) not in stand_ins.values():
                raise TypeError(f"{field.name} has a changing default: it must be one of the values")
        query = InsertQuery(type(new))
        query.insert_values(fields, [new])
        compiler = query.get_compiler(connection=db)
        made_by_database = [
            field for field in fields if hasattr(getattr(new, field.attname), "resolve_expression")
        ]
        compiler.returning_fields = [new._meta.pk, *made_by_database]
        [(sql, params)] = compiler.as_sql()
        converters = compiler.get_converters([field.cached_col for field in compiler.returning_fields])
        bound: dict[str, str] = {}
        fixed: dict[str, Any] = {}
        for field in fields:
            if field not in made_by_database:
                value = getattr(new, field.attname)
                name = _name_of(value, stand_ins)
                if name:
                    bound[field.attname] = name
                else:
                    fixed[field.attname] = value
        return _Template((compiler, converters, fixed, bound), sql, params, stand_ins)
