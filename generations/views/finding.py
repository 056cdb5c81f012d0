"""Orders as members look for them: their own pages show those of both modes, which keys keep apart."""

from dataclasses import replace

from accounts.access import Access
from accounts.errors import NotFound
from generations.models import Generation


def in_sandbox(access: Access) -> Access:
    """The same member, ordering for free: the sandbox draws, and the wallet is left alone."""
    return replace(access, livemode=False)


def in_mode(access: Access, livemode: bool) -> Access:
    return access if livemode else in_sandbox(access)


def find(access: Access, task_id: str, *, with_model: bool = False) -> Generation:
    """Raises NotFound: an unknown task and another organization's look the same."""
    try:
        return Generation.find(access, task_id, with_model=with_model)
    except NotFound:
        return Generation.find(in_sandbox(access), task_id, with_model=with_model)
