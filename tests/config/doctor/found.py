"""What a check found, in a form that tests compare."""

from collections.abc import Callable, Iterator

from config.doctor.findings import Finding


def levels(look: Callable[[], Iterator[Finding]]) -> list[str]:
    return [finding.level for finding in look()]


def trouble(look: Callable[[], Iterator[Finding]]) -> Finding:
    """The one finding that is not ok."""
    [found] = [finding for finding in look() if finding.level != "ok"]
    assert found.cure, f"{found} names no cure"
    return found
