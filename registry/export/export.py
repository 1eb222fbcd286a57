"""The export of a version: a folder that is there whole or not at all."""

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
        out: the folder to write; there is none yet, or an empty one.

    Raises:
        InputError: the version is no LLM, or the folder holds something.
        ModelVersionError: the version is unknown or damaged, or its base is.
        StorageError: the folder cannot be written; nothing is left of it.
    """
    check_version(database, name, models_dir)
    source = Source.open(models_dir / name)
    write_weights, readme = _FORMS[form]

    def fill(folder: Path) -> None:
        write_weights(source, folder)
        write_beside(source, folder)
        (folder / "README.md").write_text(readme(source), "utf-8")

    _refuse_filled(out)
    try:
        if out.exists():
            out.rmdir()
        write_folder(out.absolute(), fill)
    except (OSError, SafetensorError) as error:
        told = error.strerror if isinstance(error, OSError) else None
        raise StorageError(
            f"the export cannot be written to {out}: {told or error}; free space there, or name "
            "another folder with --out"
        ) from error


def _refuse_filled(out: Path) -> None:
    """Refuse a folder that holds something: it may be somebody's only copy.

    Raises:
        InputError: it does, or it is a file.
    """
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise InputError(f"{out} is there already and not empty: name another folder with --out")
