"""A limiter that lets thousands of requests in."""

from accounts import throttling


class Patient(throttling.ProcessLimiter):
    """Its clock runs a minute a look."""

    def __init__(self) -> None:
        self.now_us = 0
        super().__init__(self.tick)

    def tick(self) -> int:
        self.now_us += 60_000_000
        return self.now_us
