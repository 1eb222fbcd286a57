"""The stand-in's settings can be quantised and are what the shipped one says."""

import json
from dataclasses import asdict

from tests.support.models import STANDIN
from training.standin.build import BUILD
from training.standin.settings import StandinSettings


def test_widths_are_whole_blocks_of_nf4() -> None:
    settings = StandinSettings()

    assert settings.hidden % 64 == settings.intermediate % 64 == 0
    assert settings.hidden % settings.heads == settings.heads % settings.kv_heads == 0


def test_the_shipped_one_was_built_with_the_defaults() -> None:
    facts = json.loads((STANDIN.path / BUILD).read_text())

    assert facts["settings"] == asdict(StandinSettings())
