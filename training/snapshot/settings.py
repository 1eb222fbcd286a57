"""The shares and caps by which a snapshot is divided."""

from dataclasses import asdict, dataclass
from typing import Self

from pydantic import JsonValue

from core.settings import Settings, UnitBalance


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """How a snapshot is divided and weighed.

    Parameters:
        frozen_share: of new groups of near-duplicates, to the frozen test set.
        frozen_cap: tickets of the frozen test set at most.
        seed_cap: of them, out of the seed: the others are left for what people decide.
        recent_share: of the groups of decided tickets, out of training until the cap pushes them.
        recent_cap: tickets of that share at most; the newest stay.
        validation_share: of the rest.
        seed: of the validation's draw.
        bulk_weight: of a decision that confirmed a whole list, over 0 and up to 1.
        balance: ``root`` weighs each unit by the inverse root of its size; ``none`` leaves it.
        unit_cap: tickets of one unit to learn from at most; 0 for all.
    """

    frozen_share: float = 0.1
    frozen_cap: int = 2000
    seed_cap: int = 1000
    recent_share: float = 0.1
    recent_cap: int = 2000
    validation_share: float = 0.1
    seed: int = 42
    bulk_weight: float = 0.3
    balance: UnitBalance = "none"
    unit_cap: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the program's settings."""
        return cls(
            frozen_share=settings.frozen_share,
            frozen_cap=settings.frozen_cap,
            seed_cap=settings.frozen_cap // 2,
            recent_share=settings.recent_share,
            bulk_weight=settings.bulk_weight,
            balance=settings.unit_balance,
            unit_cap=settings.unit_cap,
        )

    def facts(self) -> dict[str, JsonValue]:
        """Return them for the manifest."""
        return asdict(self)
