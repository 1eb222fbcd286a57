"""The composer: a message of one matter, which all its chance comes from one source."""

from datetime import UTC, datetime
from random import Random

from paidan.sample.composer import Composer
from paidan.sample.corpus import load_corpus

NOW = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)


def test_the_same_chance_writes_the_same_message() -> None:
    composer = Composer(load_corpus())

    first, again, other = (composer.compose(Random(seed), NOW) for seed in (1, 1, 2))

    assert first == again
    assert first.text != other.text


def test_the_matter_is_the_units_and_a_side_matter_is_another_units() -> None:
    composer = Composer(load_corpus())

    messages = [composer.compose(Random(seed), NOW) for seed in range(300)]

    assert all(m.subject.matter in m.subject.unit.matters for m in messages)
    assert any(m.side_unit for m in messages)
    assert all(m.side_unit != m.subject.unit.name for m in messages)
    assert min(len(m.text) for m in messages) >= 25
