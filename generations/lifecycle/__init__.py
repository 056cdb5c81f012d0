"""The whole story of one generation, in the order in which it happens: accepting, working, remote, ending.

Each change of state is a compare-and-set inside one transaction with its settlement. `claim` is the fence: a
worker that lost its lease finds no row and leaves no trace. No network call and no file is touched in here.
"""

from generations.lifecycle.accepting import replayed, submit
from generations.lifecycle.ending import cancel, expire
from generations.lifecycle.joining import Try, answered, join
from generations.lifecycle.remote import (
    NoPlace,
    abandon,
    accepted,
    await_answers,
    begin,
    book_late,
    give_up,
    orphan,
    park,
    send_again,
    take_delivery,
)
from generations.lifecycle.working import (
    Stored,
    claim,
    end_lease,
    fail,
    find_queued,
    hand_back,
    leave_to_deadline,
    mark_submitted,
    renew,
    report_progress,
    ring_soon,
    succeed,
    take,
)

__all__ = [
    "NoPlace",
    "Stored",
    "Try",
    "abandon",
    "accepted",
    "answered",
    "await_answers",
    "begin",
    "book_late",
    "cancel",
    "claim",
    "end_lease",
    "expire",
    "fail",
    "find_queued",
    "give_up",
    "hand_back",
    "join",
    "leave_to_deadline",
    "mark_submitted",
    "orphan",
    "park",
    "renew",
    "replayed",
    "report_progress",
    "ring_soon",
    "send_again",
    "submit",
    "succeed",
    "take",
    "take_delivery",
]
