"""What no workbook may be: damaged, or far larger unpacked than a table of its size."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from core.errors import InputError

# What a workbook may unpack to. XML of real tables shrinks to a tenth or a thirtieth.
_MAX_BYTES = 4 << 30
_MAX_STRINGS_BYTES = 512 << 20  # the table of texts is held in memory
_BOMB_BYTES = 16 << 20
_BOMB_RATIO = 200
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    EOFError,
    OSError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,  # defusedxml's refusals too
    AttributeError,
    NotImplementedError,
    RuntimeError,
)


@contextmanager
def refusing_damage(path: Path) -> Iterator[None]:
    """Take whatever openpyxl stumbles over for damage.

    Raises:
        InputError: names the first cause.
    """
    try:
        yield
    except InputError:
        raise
    except _FAULTS as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise InputError(
            f"{path}: a damaged workbook ({type(cause).__name__}: {str(cause)[:120]}); open it in "
            "Excel and save it again"
        ) from error


def check_size(path: Path, stream: BinaryIO) -> None:
    """Refuse what unpacks to far more than a table of its size: zipfile never reads on beyond.

    Raises:
        InputError: it does, or is damaged.
    """
    with refusing_damage(path), zipfile.ZipFile(stream) as archive:
        parts = archive.infolist()
    stream.seek(0)
    total = sum(part.file_size for part in parts)
    if total > _MAX_BYTES or any(map(_is_bomb, parts)):
        raise InputError(
            f"{path}: unpacks to {total >> 20:,} MiB, more than a workbook may; save the table "
            "as CSV (UTF-8)"
        )


def _is_bomb(part: zipfile.ZipInfo) -> bool:
    if part.filename.endswith("sharedStrings.xml") and part.file_size > _MAX_STRINGS_BYTES:
        return True
    ratio = part.file_size / max(1, part.compress_size)
    return part.file_size > _BOMB_BYTES and ratio > _BOMB_RATIO
