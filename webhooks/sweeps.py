"""What makes up for every lost ring and dead worker: whatever is due is rung for again. Any number may run at once."""

from webhooks import doorbell, errands, settling


def sweep() -> None:
    settling.end_stranded()
    if errands.anything_due():
        doorbell.publish()
