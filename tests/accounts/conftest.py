import pytest

from tests.accounts.commands import Shell
from tests.several import Place, a_shop


@pytest.fixture
def shell(committed_db: None, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def north(db: None) -> Place:
    """A shop beside the first one."""
    return a_shop("North")


@pytest.fixture
def south(north: Place) -> Place:
    return a_shop("South")
