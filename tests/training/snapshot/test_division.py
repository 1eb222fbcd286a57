"""Settled rows are divided by their texts' hashes, a group at a time."""

from collections.abc import Sequence
from dataclasses import replace

from tests.support.snapshots import HALF, decided, row
from training.snapshot.division import Division, divide, draw
from training.snapshot.rows import Part, Row
from training.snapshot.settings import SnapshotSettings


def rows_of(numbers: Sequence[int]) -> list[Row]:
    return [decided(n, "AB"[n % 2]) for n in numbers]


def divided(
    rows: Sequence[Row],
    settings: SnapshotSettings = HALF,
    frozen: Sequence[Row] = (),
    learned: Sequence[Row] = (),
) -> Division:
    return divide(rows, frozen, {one.digest for one in learned}, settings)


def numbers(found: Division, *parts: Part) -> set[int]:
    return {one.group for part in parts for one in found.parts[part]}


def test_a_draw_is_a_text_s_own_and_even() -> None:
    draws = [draw("frozen", one.digest) for one in rows_of(range(1000))]

    assert draws == [draw("frozen", one.digest) for one in rows_of(range(1000))]
    assert 0 <= min(draws) < 0.01
    assert 0.99 < max(draws) < 1
    assert 60 < sum(one < 0.1 for one in draws) < 140
    assert draws != [draw("recent", one.digest) for one in rows_of(range(1000))]


def test_shares_are_met_about() -> None:
    found = divided(rows_of(range(2000)), SnapshotSettings())

    counts = {part: len(rows) for part, rows in found.parts.items()}
    assert 150 < counts["frozen"] < 250
    assert 130 < counts["recent"] < 230
    assert counts["validation"] == round((2000 - counts["frozen"] - counts["recent"]) * 0.1)
    assert sum(counts.values()) == 2000


def test_other_rows_do_not_change_where_a_row_goes() -> None:
    taught = rows_of([500, 501])  # so no group is spared for being its unit's only one
    few = divided([*rows_of(range(100)), *taught], learned=taught)
    many = divided([*rows_of(range(200)), *taught], learned=taught)

    assert numbers(few, "frozen") == {n for n in numbers(many, "frozen") if n < 100}
    assert numbers(few, "recent") == {n for n in numbers(many, "recent") if n < 100}


def test_a_group_goes_as_a_whole_and_is_frozen_by_one_of_it() -> None:
    alone = rows_of(range(100))
    doubled = [*alone, *(replace(one, text=f"{one.text}吗") for one in alone)]

    single, found = divided(alone), divided(doubled)

    assert numbers(found, "frozen") == numbers(single, "frozen")
    assert len(found.parts["frozen"]) == len(single.parts["frozen"])
    assert len(found.parts["recent"]) == 2 * len(single.parts["recent"])
    assert found.left_out == {"near-duplicate of a frozen ticket": len(single.parts["frozen"])}


def test_the_file_s_rows_fill_a_part_of_the_frozen_set_alone() -> None:
    seed = [row(n, "AB"[n % 2]) for n in range(100)]
    settings = replace(HALF, frozen_cap=20, seed_cap=5)

    found = divided([*seed, *rows_of(range(100, 200))], settings)

    origins = [one.origin for one in found.parts["frozen"]]
    assert (len(origins), origins.count("seed")) == (20, 5)


def test_what_is_learned_or_confirmed_in_bulk_judges_nothing() -> None:
    learned, bulk = rows_of(range(100)), [decided(n, "A", "bulk") for n in range(200, 300)]

    found = divided([*learned, *bulk], learned=learned)

    assert numbers(found, "frozen", "recent") == set()
    assert numbers(found, "validation") <= set(range(100))


def test_the_only_group_of_a_unit_is_learned() -> None:
    settings = SnapshotSettings(frozen_share=0.99, recent_share=0.99, validation_share=0.5)

    found = divided([decided(n, f"unit {n}") for n in range(50)], settings)

    assert numbers(found, "training") == set(range(50))


def test_the_oldest_of_what_stays_out_is_released_beyond_the_cap() -> None:
    settings = replace(HALF, frozen_share=0)
    everything = numbers(divided(rows_of(range(200)), settings), "recent")

    found = divided(rows_of(range(200)), replace(settings, recent_cap=20))

    assert numbers(found, "recent") == set(sorted(everything)[-20:])
    assert everything - numbers(found, "recent") <= numbers(found, "training", "validation")
