"""The files that a run's recipe names, kept for this run and those like it.

They are checked when the run is asked for, and copied beside the versions: later runs start by
themselves, and nobody may have moved or changed what they need. Of soft labels the hashes of texts
are kept, not the texts.
"""

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

from classifier.labels.template import load_template
from core.errors import InputError, StorageError
from core.files import private_folder
from core.toml_text import parse_toml
from core.whole import write_file
from training.adapter.recipe_paths import SOFT, named_paths
from training.adapter.soft.file import read_soft_labels

FOLDER = "recipes"
"""In the folder of all versions."""


def keep_files(recipe: str, path: Path, models_dir: Path, units: Collection[str]) -> dict[str, str]:
    """Check and copy the files that a recipe names.

    Args:
        recipe: TOML.
        path: where it was read; relative paths are from its folder.
        models_dir: the folder of all versions.
        units: codes of all units that there are.

    Returns:
        The setting that names a file -> its copy's path in ``models_dir``.

    Raises:
        InputError: the recipe is no TOML, or a file is missing or malformed.
        StorageError: a copy cannot be written.
    """
    try:
        sections = parse_toml(recipe)
    except ValueError as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    kept = {}
    for setting, file in named_paths(sections, path.absolute().parent):
        if setting == SOFT:
            told = read_soft_labels(file, frozenset(units))
            lines = (json.dumps({"sha256": one, "units": told[one]}) for one in sorted(told))
            content, suffix = "".join(f"{line}\n" for line in lines), "jsonl"
        else:
            content, suffix = load_template(str(file)).text + "\n", "txt"
        kept[setting] = f"{FOLDER}/{_keep(models_dir, content.encode(), suffix)}"
    return kept


def _keep(models_dir: Path, content: bytes, suffix: str) -> str:
    folder, name = models_dir / FOLDER, f"{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        private_folder(folder)
        write_file(folder / name, content)
    except OSError as error:
        raise StorageError(
            f"{folder / name} cannot be written: {error.strerror}; set PAIDAN_MODELS_DIR to a "
            "folder that this user may write"
        ) from error
    return name
