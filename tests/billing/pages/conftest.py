from tests.billing.stripe.conftest import till

__all__ = ["till"]
