"""The seed: labelled tickets of a file, kept so that every later training learns them again."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from core.errors import SnapshotError
from core.files import private_folder
from core.whole import write_file
from training.samples import Sample
from training.snapshot.rows import Row
from training.snapshot.store import explained
from training.snapshot.tables import read_rows, rows_content

FOLDER = "seeds"
_CURE = "name the labelled file again ('paidan data snapshot --data')"


def store_seed(folder: Path, samples: Sequence[Sample]) -> str:
    """Keep labelled tickets, once, under the hash of their content; return it.

    What was erased of the same tickets before does not come back.

    Args:
        folder: of all snapshots.
        samples: as a file has them; ``source`` says where each stands.

    Raises:
        StorageError: they cannot be written.
    """
    content = rows_content([_row(number, one) for number, one in enumerate(samples, 1)])
    sha256 = hashlib.sha256(content).hexdigest()
    path = _path(folder, sha256)
    with explained(folder):
        private_folder(folder)
        private_folder(path.parent)
        if not path.exists():
            write_file(path, content)
    return sha256


def load_seed(folder: Path, sha256: str) -> list[Row]:
    """Return a seed's rows, with the units as the file named them.

    Raises:
        SnapshotError: it is missing or damaged.
        StorageError: it cannot be read.
    """
    path = _path(folder, sha256)
    if not path.is_file():
        raise SnapshotError(f"the seed {path} is missing: {_CURE}")
    with explained(folder):
        content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() not in (sha256, _renewed(path)):
        raise SnapshotError(f"{path} is damaged: {_CURE}")
    return read_rows(content, path)


def seeds_in(folder: Path) -> list[str]:
    """Return the hashes of all seeds, as they were when each was kept."""
    return sorted(path.stem for path in (folder / FOLDER).glob("*.parquet"))


def rewrite_seed(folder: Path, sha256: str, rows: Sequence[Row]) -> None:
    """Let a seed have these rows alone, under the same name; the new hash is kept beside it.

    Raises:
        StorageError: it cannot be written; the old one is there.
    """
    path, content = _path(folder, sha256), rows_content(rows)
    with explained(folder):
        # First the hash: a seed that was not rewritten yet has its own name's.
        write_file(_beside(path), hashlib.sha256(content).hexdigest().encode())
        write_file(path, content)


def _renewed(path: Path) -> str | None:
    """Return the hash that a seed has since rows were erased; None where none was."""
    beside = _beside(path)
    return beside.read_text("utf-8", errors="replace") if beside.is_file() else None


def _beside(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _row(number: int, sample: Sample) -> Row:
    place = sample.source or f"sample {number}"
    return Row(sample.text, sample.unit, "seed", place, sample.thought, weight=sample.weight)


def _path(folder: Path, sha256: str) -> Path:
    return folder / FOLDER / f"{sha256}.parquet"
