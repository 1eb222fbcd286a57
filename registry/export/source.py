"""What an export is made of: a version, and the base that it was trained on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from classifier.manifest import Manifest
from classifier.model.bases.base import Base
from classifier.setup import Setup
from classifier.version_files import read_manifest
from core.errors import InputError

LLM = "llm"


@dataclass(frozen=True, slots=True)
class Source:
    """An LLM version and its base.

    Parameters:
        directory: the version's.
        manifest: the version's.
        setup: the version's.
        base: found to be the one that it was trained on.
    """

    directory: Path
    manifest: Manifest
    setup: Setup
    base: Base

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Open a version whose own files the caller has checked (``registry.opening``).

        Raises:
            InputError: it is no LLM.
            ModelVersionError: its base is unknown, another one, or was changed.
            StorageError: a file is there and cannot be read.
        """
        manifest = read_manifest(directory, verify=False)
        if manifest.kind != LLM:
            raise InputError(
                f"model version {manifest.name} is of kind {manifest.kind}: LLM versions alone are "
                f"exported; other programs can read {directory} as it is (safetensors and JSON)"
            )
        setup = Setup.read(directory, manifest)
        base = setup.find_base(directory, manifest)
        base.check()
        return cls(directory, manifest, setup, base)
