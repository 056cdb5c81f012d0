from pathlib import Path

import pytest
from pytest_django import Settings

from tests.generations.kept_images import keep_images_in


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Where images and exports of this test lie."""
    keep_images_in(tmp_path, settings)
    return tmp_path
