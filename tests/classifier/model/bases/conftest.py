"""A sound base, to be spoiled."""

import shutil
from pathlib import Path

import pytest

from tests.support.models import random_base


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers, the head not tied."""
    return random_base(tmp_path_factory.mktemp("sound") / "tiny").path


@pytest.fixture
def source(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "tiny"))


@pytest.fixture
def bases(tmp_path: Path) -> Path:
    return tmp_path / "models" / "bases"
