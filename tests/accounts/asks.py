"""What tests of the limiters ask them."""

from accounts.gcra import Ask, Bucket, Rate


class HandClock:
    """A clock that a test moves, in whole microseconds."""

    def __init__(self) -> None:
        self.now_us = 1_000_000_000_000

    def __call__(self) -> int:
        return self.now_us

    def pass_s(self, seconds: float) -> None:
        self.now_us += round(seconds * 1_000_000)


def one(rate: Rate, subject: str = "key", *, otherwise: Rate | None = None, once: str = "") -> Ask:
    """From one bucket."""
    others = (Bucket(subject, otherwise),) if otherwise else ()
    return Ask((Bucket(subject, rate),), others, once)


def both(own: Rate, shared: Rate, subject: str = "key") -> Ask:
    """From the bucket of a key, and that of its organization."""
    return Ask((Bucket(subject, own), Bucket("organization", shared, "organization")))
