from tests.billing.stripe.conftest import one_till, till

__all__ = ["one_till", "till"]
