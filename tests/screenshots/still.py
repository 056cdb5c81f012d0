"""Two shops beside the first that stand still: one is suspended, one closes. Each has a brand, and a customer with an
image, few credits and somebody who was invited, who works at its desk as well.
"""

from typing import Any

RESTING, LEAVING = "resting", "leaving"
FOR_VISITORS = ["/", "/pricing/", "/docs/", "/sign-in/", "/sign-up/", "/invitations/nothing/"]
FOR_MEMBERS = [
    *(
        "/home/",
        "/playground/",
        "/gallery/",
        "/usage/",
        "/credits/",
        "/credits/automatic/",
        "/keys/",
        "/keys/new/",
    ),
    *(
        "/webhooks/",
        "/team/",
        "/settings/",
        "/settings/export/",
        "/organizations/new/",
        "/account/",
        "/admin/",
    ),
]


def host_of(which: str) -> str:
    """Browsers look for such names on their own machine."""
    return f"{which}.localhost"


def email_of(which: str) -> str:
    return f"owner@{which}.example"


def make() -> dict[str, list[str]]:
    """What to look at as the customer of each."""
    from accounts import shop_closing, shop_standing

    found = {}
    for which, pause in ((RESTING, shop_standing.suspend), (LEAVING, shop_closing.begin)):
        shop, task_id = _shop(which)
        pause(shop, note="Its invoice of May is not paid")
        found[which] = [*FOR_MEMBERS, f"/playground/{task_id}/", f"/gallery/{task_id}/"]
    return found


def _shop(which: str) -> tuple[Any, str]:
    """Open yet, with an image that was made; its id."""
    from allauth.account.models import EmailAddress

    from accounts import invitations
    from accounts.models import Role, ShopStaff, StaffRole
    from generations import lifecycle
    from tests import branded, several
    from tests.cast import new_key
    from tests.makers import a_request
    from tests.waiting import wait_until

    name = {RESTING: "Harbour Prints", LEAVING: "Plattenwerk Süd"}[which]
    place = several.a_shop(name, host_of(which), accent="#1d5f8a", support_email=f"help@{which}.example")
    branded.dress(
        place.host, {"promise": "Pictures by the quay, printed by hand."}, with_logo=which == LEAVING
    )
    owner = several.an_owner(place, email_of(which), "Studio at the quay", credits=60)
    EmailAddress.objects.create(user=owner.user, email=owner.user.email, primary=True, verified=True)
    ShopStaff.objects.create(shop=place.shop, user=owner.user, role=StaffRole.OPERATOR)
    access = several.access_at(place, owner)
    new_key(owner, name="nightly catalogue")
    invitations.invite(access, "somebody@elsewhere.example", Role.VIEWER)
    request = a_request("A lighthouse at dusk, heavy sea, the lamp just lit", aspect_ratio="4:3")
    order = lifecycle.submit(access, request, endpoint="made")

    def is_made() -> bool:
        order.refresh_from_db()
        return bool(order.has_ended)

    wait_until(is_made, "the image", timeout_s=120)
    return place.shop, str(order.task_id)
