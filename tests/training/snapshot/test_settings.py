"""A snapshot's shares and caps come from the program's settings."""

from core.settings import Settings
from training.snapshot.settings import SnapshotSettings


def test_the_defaults_of_both_are_the_same() -> None:
    assert SnapshotSettings.of(Settings()) == SnapshotSettings()


def test_what_is_set_is_taken() -> None:
    settings = SnapshotSettings.of(
        Settings(frozen_share=0.2, frozen_cap=100, recent_share=0.3, bulk_weight=1, unit_cap=9)
    )

    assert settings == SnapshotSettings(0.2, 100, 50, 0.3, bulk_weight=1, unit_cap=9)
    assert settings.facts()["frozen_cap"] == 100
