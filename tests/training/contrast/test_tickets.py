"""Tickets for a comparison are those that neither version can have learned."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from classifier.manifest import Manifest
from db import Database
from registry.lineage import Origin, lineage_of
from tests.support.make import add_units
from tests.support.snapshots import HALF, add_decided, samples, text
from tests.support.versions import a_manifest
from training.contrast.tickets import unlearned_samples
from training.snapshot.building import build_snapshot

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def made(at: datetime, snapshot: str | None = None) -> Manifest:
    lineage = lineage_of(Origin(snapshot=snapshot), {}, None)
    return a_manifest(created_at=at, lineage=lineage)


def test_versions_made_from_files_are_compared_on_what_was_decided_since(
    database: Database, tmp_path: Path
) -> None:
    add_units(database)
    add_decided(database, [(text(1), "A"), (text(2), "B")])
    later = datetime.now(UTC) + timedelta(hours=1)

    with database.reading() as session:
        since, told = unlearned_samples(session, tmp_path, [made(LONG_AGO), made(LONG_AGO)])
        none, _ = unlearned_samples(session, tmp_path, [made(LONG_AGO), made(later)])

    assert [(sample.text, sample.unit) for sample in since] == [(text(1), "A"), (text(2), "B")]
    assert told == "tickets that people decided since 2020-01-01 00:00"
    assert none == []


def test_versions_made_from_snapshots_are_compared_on_what_the_newest_keeps_for_judging(
    database: Database, tmp_path: Path
) -> None:
    add_units(database)
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(100, 120)])
    snapshot = build_snapshot(database, samples(range(40)), models_dir=tmp_path, settings=HALF)
    manifests = [made(LONG_AGO, snapshot.sha256), made(LONG_AGO, "of before")]

    with database.reading() as session:
        found, told = unlearned_samples(session, tmp_path, manifests)
        mixed, _ = unlearned_samples(session, tmp_path, [*manifests, made(LONG_AGO)])

    judged = {one.text for one in (*snapshot.frozen, *snapshot.recent)}
    assert {sample.text for sample in found} == judged
    assert judged.isdisjoint(one.text for one in snapshot.training)
    assert told == f"frozen and recent tickets of snapshot {snapshot.path.name}"
    assert len(mixed) == 20  # one of them may have learned anything before
