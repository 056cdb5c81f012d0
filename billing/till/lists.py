"""Lists with cursors, and `expand`."""

from collections.abc import Sequence

from billing.till.objects import visible
from billing.till.problems import Body, Problem, missing
from billing.till.till import Till

PAGING = frozenset({"limit", "starting_after", "ending_before", "expand", "created"})
MAX_DEPTH = 4
# What is only there when somebody asks for it.
HIDDEN_LISTS = {("checkout.session", "line_items"), ("charge", "refunds")}


def page(
    till: Till, kind: str, params: Body, url: str, *, equal: Body | None = None, types: Sequence[str] = ()
) -> Body:
    """Newest first; `equal` and `types` narrow it down."""
    limit, after, before = _cursor(params)
    for name in ("starting_after", "ending_before"):
        if name in params and till.store.get(params[name], kind) is None:
            raise missing(kind, params[name], param=name, status=400)
    created = params.get("created", {})
    found = till.store.find(
        kind,
        equal=equal,
        created={"gte": created, "lte": created} if isinstance(created, int) else created,
        types=types,
        older_than=after,
        newer_than=before,
        limit=limit + 1,
    )
    more = len(found) > limit
    kept = (found[1:] if before is not None else found[:limit]) if more else found
    return {"object": "list", "data": [visible(body) for body in kept], "has_more": more, "url": url}


def page_of(bodies: list[Body], params: Body, url: str) -> Body:
    """The same over objects that are in hand, in their order."""
    limit, after, before = _cursor(params)
    ids = [body["id"] for body in bodies]
    for name in ("starting_after", "ending_before"):
        if name in params and params[name] not in ids:
            raise missing("item", params[name], param=name, status=400)
    begin = ids.index(after) + 1 if after is not None else 0
    end = ids.index(before) if before is not None else len(bodies)
    chosen = bodies[begin:end]
    kept = chosen[-limit:] if before is not None else chosen[:limit]
    more = len(kept) < len(chosen)
    return {"object": "list", "data": [visible(body) for body in kept], "has_more": more, "url": url}


def _cursor(params: Body) -> tuple[int, str | None, str | None]:
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise Problem("limit is between 1 and 100", code="parameter_invalid_integer", param="limit")
    if "starting_after" in params and "ending_before" in params:
        raise Problem("You may only specify one of these parameters: starting_after, ending_before.")
    return limit, params.get("starting_after"), params.get("ending_before")


def expand(till: Till, body: Body, paths: Sequence[str]) -> Body:
    """The answer with the objects in place of their ids at `paths`, such as `data.payment_intent.latest_charge`."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > MAX_DEPTH:
            raise Problem(f"You cannot expand more than {MAX_DEPTH} levels deep ({path}).", param="expand")
        _expand(till, body, parts, path)
    return body


def _expand(till: Till, body: Body, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    if name == "data" and body.get("object") == "list":
        for inner in body["data"]:
            if rest:
                _expand(till, inner, rest, path)
        return
    if (body.get("object"), name) in HIDDEN_LISTS and name not in body:
        body[name] = _hidden_list(till, body, name)
    value = body.get(name, 0)
    if isinstance(value, str):
        found = till.store.get(value)
        if found is None:
            raise _not_expandable(path)
        value = body[name] = visible(found)
    if value is None:
        return
    if not isinstance(value, dict):
        raise _not_expandable(path)
    if rest:
        _expand(till, value, rest, path)


def _not_expandable(path: str) -> Problem:
    return Problem(f"This property cannot be expanded ({path}).", param="expand")


def _hidden_list(till: Till, body: Body, name: str) -> Body:
    url = f"/v1/{'checkout/sessions' if name == 'line_items' else 'charges'}/{body['id']}/{name}"
    if name == "line_items":
        return page_of(till.need("checkout.session", body["id"])["_items"], {}, url)
    return page(till, "refund", {}, url, equal={"charge": body["id"]})
