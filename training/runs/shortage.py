"""Says of an error whether a full disk is behind it: libraries hide that in errors of their own."""

import errno
import re

from core.errors import PaidanError, StorageError
from core.faults import chain
from training.runs.workplace import Workplace

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What safetensors (Rust) and torch's writer make of these.
_TOLD = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|os error (28|122|27)"
    r"|PytorchStreamWriter|file write failed|unexpected pos",
    re.IGNORECASE,
)


def explain(error: BaseException, place: Workplace) -> BaseException:
    """Return a ``StorageError`` that says what to do, where a disk was full; else the error."""
    if not is_of_a_full_disk(error):
        return error
    return StorageError(
        f"the disk is full, or a file may not grow: the run works in {place.folder} and "
        f"{place.staging}. Free space there, or set PAIDAN_HOME and PAIDAN_MODELS_DIR to folders "
        "with more room; then ask for another run (paidan runs start)"
    )


def is_of_a_full_disk(error: BaseException) -> bool:
    """Whether a full disk is behind an error that nobody has explained yet."""
    return not isinstance(error, PaidanError) and any(map(_tells_of_one, chain(error)))


def _tells_of_one(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    return bool(_TOLD.search(str(error)))
