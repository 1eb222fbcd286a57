"""Labelled tickets, decisions and snapshots of them."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from db import Database, corrections, tickets
from db.models import Classification, Ticket
from db.provenance import Asked
from db.tickets import NewTicket
from training.samples import Sample
from training.snapshot.building import build_snapshot
from training.snapshot.rows import Row
from training.snapshot.settings import SnapshotSettings
from training.snapshot.snapshot import Snapshot

_CHARACTERS = "东南西北中山水火土木金日月星云雨风雷电花草树鸟鱼虫马牛羊门窗路桥车船"

HALF = SnapshotSettings(frozen_share=0.5, recent_share=0.5)
"""Large shares, so that few tickets show where they go."""


def text(number: int) -> str:
    """A text that is like no other number's."""
    return "".join(random.Random(number).choices(_CHARACTERS, k=20))


def like(number: int) -> str:
    """A near-duplicate of the number's text."""
    return text(number) + "吗"


def samples(numbers: Sequence[int], units: str = "AB") -> list[Sample]:
    """A file's labelled tickets; units take turns."""
    return [
        Sample(text(n), units[n % len(units)], source=f"line {at}")
        for at, n in enumerate(numbers, 2)
    ]


def row(number: int, unit: str = "A", **values: object) -> Row:
    """A row of the seed, in a group of its own."""
    made = Row(text(number), unit, "seed", f"line {number}", group=number)
    return replace(made, **values)


def decided(number: int, unit: str = "A", asked: str = "doubtful", **values: object) -> Row:
    """A row that a person decided, in a group of its own."""
    made = row(number, unit, origin="decision", place=f"ticket {number}", ticket=number)
    return replace(made, asked=asked, **values)


def add_decided(
    database: Database, given: Sequence[tuple[str, str]], asked: Asked | None = None
) -> list[int]:
    """Let people decide new tickets, (text, unit) each; return their ids.

    What is confirmed in bulk was answered by a version "v", which must be there.
    """
    ids = []
    with database.writing() as session:
        for text_, unit in given:
            new = NewTicket(external_id=f"d{random.random()}", text=text_)
            [ticket] = tickets.insert(session, [new]).all_ids
            found = session.get_one(Ticket, ticket)
            if asked is Asked.BULK:
                answer = {"model_version": "v", "probability": 1.0, "top_k": [], "round": 0}
                session.add(Classification(ticket_id=ticket, unit_code=unit, **answer))
                session.flush()
            corrections.decide(session, found, unit, actor="li", asked=asked)
            ids.append(ticket)
    return ids


def build(
    database: Database,
    models_dir: Path,
    seed: Sequence[Sample] | None = None,
    settings: SnapshotSettings = HALF,
    learned: Sequence[Sample] = (),
) -> Snapshot:
    """Build a snapshot with large shares."""
    return build_snapshot(database, seed, models_dir=models_dir, settings=settings, learned=learned)


def texts_of(snapshot: Snapshot, *parts: str) -> set[str]:
    """The texts of some parts."""
    return {one.text for part in parts for one in snapshot.parts[part]}
