"""Where a version comes from: the run, snapshot and champion before it, and the code that ran."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pydantic import JsonValue

from classifier.manifest import BaseReference, Lineage

_ROOT = Path(__file__).parents[1]
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Origin:
    """What whoever starts a training knows of it.

    Parameters:
        parent: the champion of that time; None where there was none.
        snapshot: sha256 of the snapshot that was learned; None for files alone.
        run: the training run's id; None for a command.
    """

    parent: str | None = None
    snapshot: str | None = None
    run: int | None = None


UNKNOWN = Origin()


def lineage_of(
    origin: Origin, settings: Mapping[str, JsonValue], base: BaseReference | None
) -> Lineage:
    """Return a version's lineage.

    Args:
        origin: what started its training.
        settings: all settings of the training.
        base: an LLM's base.
    """
    recipe = json.dumps(dict(settings), sort_keys=True, ensure_ascii=False)
    return Lineage(
        base=base,
        snapshot=origin.snapshot,
        parent=origin.parent,
        recipe_sha256=hashlib.sha256(recipe.encode("utf-8", "surrogatepass")).hexdigest(),
        paidan=paidan_version(),
        commit=commit(_ROOT),
        run=origin.run,
    )


def paidan_version() -> str:
    """Return the version of the installed Paidan."""
    try:
        return metadata.version("paidan")
    except metadata.PackageNotFoundError:  # a checkout on the path that nobody installed
        return "unknown"


def commit(root: Path) -> str | None:
    """Return the commit of a checkout, with ``-dirty`` where files differ from it.

    Args:
        root: the folder of the packages. Where it is no checkout of its own, as in an installed
            wheel, there is none; a repository around it is somebody else's.
    """
    if not (root / ".git").exists():
        return None
    command = ["git", "--no-optional-locks", "-C", str(root), "describe", "--always", "--dirty"]
    try:
        told = subprocess.run(
            [*command, "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired):  # no git here: the version has to do
        return None
    return told.stdout.strip() or None
