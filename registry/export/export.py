"""The export of a version: a folder that is there whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError

from core.errors import InputError, StorageError
from core.whole import write_folder
from db.session import Database
from registry.export.adapter import write_adapter
from registry.export.beside import write_beside
from registry.export.merged import write_merged
from registry.export.readme import adapter_readme, merged_readme
from registry.export.source import Source
from registry.opening import check_version

Form = Literal["adapter", "merged"]

_FORMS: dict[Form, tuple[Callable[[Source, Path], None], Callable[[Source], str]]] = {
    "adapter": (write_adapter, adapter_readme),
    "merged": (write_merged, merged_readme),
}


def export_version(database: Database, name: str, models_dir: Path, form: Form, out: Path) -> None:
    """Write a version in a form that other programs read.

    Args:
        database: the record.
        name: the version's.
        models_dir: the folder of all versions.
        form: ``adapter`` for peft, or ``merged`` for transformers and vLLM.
        out: the folder to write; there is none yet, or an empty one. It is not among the versions.

    Raises:
        InputError: the version is no LLM, or the folder holds something or lies among the versions.
        ModelVersionError: the version is unknown or damaged, or its base is.
        StorageError: the folder cannot be written; nothing is left of it.
    """
    target = Path(os.path.realpath(out))
    if target.is_relative_to(os.path.realpath(models_dir)):
        raise InputError(
            f"{out} lies in {models_dir}, where versions are, and where pruning removes them: name "
            "a folder elsewhere with --out"
        )
    check_version(database, name, models_dir)
    source = Source.open(models_dir / name)
    write_weights, readme = _FORMS[form]

    def fill(folder: Path) -> None:
        write_weights(source, folder)
        write_beside(source, folder)
        (folder / "README.md").write_text(readme(source), "utf-8")

    try:
        _make_room(target)
        write_folder(target, fill)
    except FileExistsError as error:
        raise InputError(
            f"{out} is there already and not empty, or is where you are: name another folder with "
            "--out"
        ) from error
    except (OSError, SafetensorError) as error:
        told = error.strerror if isinstance(error, OSError) else None
        raise StorageError(
            f"the export cannot be written to {out}: {told or error}; free space there, or name "
            "with --out a folder that is not there yet"
        ) from error


def _make_room(out: Path) -> None:
    """Remove an empty folder; what holds something may be somebody's only copy.

    Raises:
        FileExistsError: it does, it is a file, or the shell is in it and would stay in nothing.
        OSError: it cannot be looked at, or not be removed.
    """
    if out.is_dir() and not any(out.iterdir()) and not out.samefile(Path.cwd()):
        out.rmdir()
    elif os.path.lexists(out):
        raise FileExistsError
