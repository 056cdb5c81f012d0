"""The billing portal: the page where people look after their cards."""

from billing.till.checks import check_url
from billing.till.ids import new_id
from billing.till.objects import people
from billing.till.problems import Body, Problem
from billing.till.till import Till

KNOWN = frozenset({"customer", "expand", "flow_data", "locale", "return_url"})
FLOWS = ("payment_method_update",)


def create(till: Till, params: Body) -> Body:
    if "customer" not in params:
        raise Problem("Missing required param: customer.", code="parameter_missing", param="customer")
    till.need("customer", params["customer"], param="customer")
    if "return_url" in params:
        check_url(params["return_url"], param="return_url")
    flow = params.get("flow_data", {}).get("type", "")
    if flow and flow not in FLOWS:
        raise Problem(f"The till's portal knows no {flow}.", param="flow_data[type]")
    body = people.portal_session(
        till.now(), params["customer"], params.get("return_url"), params.get("locale"), flow
    )
    secret = new_id("p", 40)
    body["url"] = f"{till.settings.public_url}/portal/{secret}"
    till.store.put(body)
    # Found by the secret as well: the id is in logs, the secret is what lets somebody in.
    till.store.put({"id": secret, "object": "portal_secret", "session": body["id"]})
    return body


def of_secret(till: Till, secret: str) -> Body | None:
    found = till.store.get(secret, "portal_secret")
    return till.store.get(found["session"]) if found else None
