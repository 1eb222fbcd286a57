"""Small random bases."""

import pytest

from classifier.model.bases.base import Base
from tests.support.models import random_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp("qwen2"))


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp("llama"), "llama")


@pytest.fixture(scope="session")
def qwen3(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return random_base(tmp_path_factory.mktemp("qwen3"), "qwen3")
