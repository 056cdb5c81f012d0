"""What makes up for every lost ring and dead worker: whatever is due is rung for again. Any number may run at once."""

from accounts.ticks import each_for_itself
from webhooks import doorbell, errands, settling


def sweep() -> None:
    each_for_itself(settling.end_stranded, ring_again)


def ring_again() -> None:
    if errands.anything_due():
        doorbell.publish()
