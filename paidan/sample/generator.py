"""Makes synthetic hotline tickets of an invented city, labelled with their handling unit.

Ticket i depends on the seed and on i alone, so any slice of the stream can be made by itself.

    python -m paidan.sample.generator --count 1000 --seed 3407 --start 0 tickets.jsonl
"""

import argparse
import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any

from paidan.sample.composer import Composer
from paidan.sample.corpus import load_corpus

DEFAULT_SEED = 3407

_CHINA = timezone(timedelta(hours=8))
_FIRST_CALL = datetime(2025, 1, 6, 8, 0, tzinfo=_CHINA)
_SECONDS_BETWEEN_CALLS = 97
_LIVE_RATE = 0.02
_OPERATOR_ERROR_RATE = 0.04


@dataclass(frozen=True)
class SampleUnit:
    """A handling unit of the invented city; ``parent`` is a unit's code or empty."""

    code: str
    name: str
    responsibilities: str
    parent: str


@dataclass(frozen=True)
class SampleTicket:
    """A synthetic ticket.

    Attributes:
        external_id: ``SYN-`` and the ticket's index in eight digits.
        title: what the operator put over it, sometimes saying little.
        text: the message, 30 to some 400 characters.
        received_at: aware (UTC+8), increasing with the index.
        unit: code of the unit that is right.
        operator_unit: code of the unit the operator chose; wrong in some 4 %.
        district: where in the city, a name.
        lane: ``bulk`` or, seldom, ``live``.
        meta: ``synthetic`` (always true), the ``matter`` and the caller's ``register``; of a ticket
            with two matters also ``side_unit``, the code of the unit of the lesser one.
    """

    external_id: str
    title: str
    text: str
    received_at: datetime
    unit: str
    operator_unit: str
    district: str
    lane: str
    meta: Mapping[str, Any]


@cache
def _units() -> tuple[SampleUnit, ...]:
    table = resources.files("paidan.sample").joinpath("units.csv").read_text(encoding="utf-8")
    return tuple(SampleUnit(**row) for row in csv.DictReader(table.splitlines()))


def load_units() -> list[SampleUnit]:
    """Return the 70 handling units of the sample, by code."""
    return list(_units())


def generate(count: int, *, seed: int = DEFAULT_SEED, start: int = 0) -> Iterator[SampleTicket]:
    """Yield the tickets ``start`` to ``start + count - 1`` of the stream that ``seed`` names."""
    codes = {unit.name: unit.code for unit in _units()}
    composer = Composer(load_corpus())
    for index in range(start, start + count):
        yield _ticket(index, Random(f"{seed}:{index}"), composer, codes)


def _ticket(index: int, rng: Random, composer: Composer, codes: Mapping[str, str]) -> SampleTicket:
    received_at = _FIRST_CALL + timedelta(
        seconds=index * _SECONDS_BETWEEN_CALLS + int(rng.random() * _SECONDS_BETWEEN_CALLS)
    )
    message = composer.compose(rng, received_at)
    subject = message.subject
    unit = subject.unit
    is_misheard = rng.random() < _OPERATOR_ERROR_RATE
    meta: dict[str, Any] = {
        "synthetic": True,
        "matter": subject.matter.title,
        "register": message.register,
    }
    if message.side_unit:
        meta["side_unit"] = codes[message.side_unit]
    return SampleTicket(
        external_id=f"SYN-{index:08d}",
        title=message.title,
        text=message.text,
        received_at=received_at,
        unit=codes[unit.name],
        operator_unit=codes[rng.choice(unit.neighbours) if is_misheard else unit.name],
        district=subject.place.district,
        lane="live" if rng.random() < _LIVE_RATE else "bulk",
        meta=meta,
    )


def _record(ticket: SampleTicket, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "external_id": ticket.external_id,
        "title": ticket.title,
        "text": ticket.text,
        "received_at": ticket.received_at.isoformat(),
        "district": ticket.district,
        "lane": ticket.lane,
        "unit": names[ticket.unit],
        "operator_unit": names[ticket.operator_unit],
        "meta": dict(ticket.meta),
    }


def main() -> None:
    """Write tickets as JSON lines; units stand by their names."""
    parser = argparse.ArgumentParser(prog="python -m paidan.sample.generator", description=__doc__)
    parser.add_argument("--count", type=int, required=True, help="how many tickets")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="which stream of tickets")
    parser.add_argument("--start", type=int, default=0, help="index of the first ticket")
    parser.add_argument("out", type=Path, help="the .jsonl file to write")
    options = parser.parse_args()
    names = {unit.code: unit.name for unit in _units()}
    with options.out.open("w", encoding="utf-8") as out:
        for ticket in generate(options.count, seed=options.seed, start=options.start):
            out.write(json.dumps(_record(ticket, names), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
