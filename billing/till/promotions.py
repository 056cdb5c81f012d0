"""The two codes that exist from the start: HALF takes 50 % off, FREE all of it."""

from billing.till.objects import papers
from billing.till.problems import Body, Problem, missing
from billing.till.till import Till

PERCENT_OFF = {"HALF": 50, "FREE": 100}


def ensure(till: Till) -> None:
    with till.transaction():
        for code, percent_off in PERCENT_OFF.items():
            if till.store.get(code, "coupon") is None:
                till.store.put(papers.coupon(till.now(), code, percent_off))
                till.store.put(papers.promotion_code(till.now(), code))


def by_code(till: Till, code: str) -> Body | None:
    found = till.store.find("promotion_code", equal={"code": code.strip().upper()}, limit=1)
    return found[0] if found else None


def of_discounts(till: Till, discounts: list[Body]) -> tuple[list[Body] | None, int]:
    """The session's `discounts`, and how much they take off. Raises Problem."""
    if len(discounts) > 1:
        raise Problem("Only one discount is allowed per Checkout Session.", param="discounts")
    for given in discounts:
        coupon_id = given.get("coupon")
        if "promotion_code" in given:
            coupon_id = till.need(
                "promotion_code", given["promotion_code"], param="discounts[0][promotion_code]"
            )["promotion"]["coupon"]
        if coupon_id not in PERCENT_OFF:
            raise missing("coupon", str(coupon_id), param="discounts[0][coupon]", status=400)
        return [{"coupon": None, "promotion_code": None} | given], PERCENT_OFF[coupon_id]
    return None, 0


def redeem(till: Till, discounts: list[Body] | None) -> None:
    """Counts a use of the code."""
    for given in discounts or []:
        coupon_id = given["coupon"]
        if given["promotion_code"]:
            code = till.need("promotion_code", given["promotion_code"])
            till.store.put(code | {"times_redeemed": code["times_redeemed"] + 1})
            coupon_id = code["promotion"]["coupon"]
        coupon = till.need("coupon", coupon_id)
        till.store.put(coupon | {"times_redeemed": coupon["times_redeemed"] + 1})
