"""A line that tells too much is found, wherever it is logged."""

import logging

import pytest

from accounts import keys
from tests.log_watch import Watch, told
from tests.passwords import PASSWORD


@pytest.mark.parametrize(
    "text",
    [
        f"what of {PASSWORD}?",
        "sk_" + "live_0123456789abcdef",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "refused: A Fox in the snow",
    ],
)
def test_what_nobody_may_read_is_found(text: str) -> None:
    watch = Watch()
    watch.handle(logging.LogRecord("shop", logging.ERROR, "file.py", 1, text, (), None))
    assert watch.guilty


def test_what_the_shop_leaves_out_is_not_told() -> None:
    watch = Watch()
    words = f"{keys.mint(livemode=True)} of someone@studio.example"
    watch.handle(logging.LogRecord("shop", logging.ERROR, "file.py", 1, words, (), None))
    assert watch.guilty == []
    assert len(told(words)) == 2, "It would be, as it was said"
