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
    if hashlib.sha256(content).hexdigest() != sha256:
        raise SnapshotError(f"{path} is damaged: {_CURE}")
    return read_rows(content, path)


def _row(number: int, sample: Sample) -> Row:
    place = sample.source or f"sample {number}"
    return Row(sample.text, sample.unit, "seed", place, sample.thought, weight=sample.weight)


def _path(folder: Path, sha256: str) -> Path:
    return folder / FOLDER / f"{sha256}.parquet"
