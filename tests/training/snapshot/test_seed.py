"""A file's labelled tickets are kept once, by their hash."""

from pathlib import Path

import pytest

from core.errors import SnapshotError
from tests.support.snapshots import samples
from training.samples import Sample
from training.snapshot.seed import load_seed, store_seed


def test_a_seed_is_kept_once_and_read_again(tmp_path: Path) -> None:
    given = [*samples(range(3)), Sample("路灯坏了", "A", "thought")]

    sha256 = store_seed(tmp_path, given)

    assert store_seed(tmp_path, given) == sha256
    assert store_seed(tmp_path, given[:2]) != sha256
    assert len(list((tmp_path / "seeds").iterdir())) == 2
    rows = load_seed(tmp_path, sha256)
    assert [row.as_sample() for row in rows] == given
    assert [row.place for row in rows] == ["line 2", "line 3", "line 4", "sample 4"]


@pytest.mark.parametrize("harm", ["missing", "changed", "hash changed"])
def test_a_seed_that_is_gone_or_changed_is_to_be_named_again(tmp_path: Path, harm: str) -> None:
    sha256 = store_seed(tmp_path, samples(range(3)))
    path = tmp_path / "seeds" / f"{sha256}.parquet"
    if harm == "missing":
        path.unlink()
    else:
        if harm == "hash changed":
            path.with_suffix(".sha256").write_bytes(b"\xff")
        path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(SnapshotError, match=r"seeds.*--data"):
        load_seed(tmp_path, sha256)
