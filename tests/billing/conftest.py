import pytest

from tests.accounts.commands import Shell


@pytest.fixture
def shell(committed_db: None, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)
