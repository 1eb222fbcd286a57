"""Refused rows of a file: the first are shown, all are kept."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import click

from core.errors import InputError
from core.files import fitting_name, open_as_its_folder, private_folder
from core.settings import Settings


class Rejects:
    """Counts refused rows, shows the first ones and writes all of them to a JSONL file.

    Args:
        file: the input, for messages.
        target: where to write; made with the first refused row.
    """

    _SHOWN = 5

    def __init__(self, file: Path, target: Path) -> None:
        self.file = file
        self.target = target
        self.count = 0

    @classmethod
    def of(cls, file: Path, target: Path | None, settings: Settings) -> Self:
        """Return the rejects of a file; without a target they go to this home."""
        return cls(file, target or default_rejects(settings, file))

    def add(self, line: int, field: str, reason: str, row: Mapping[str, Any]) -> None:
        """Take down one row."""
        self.count += 1
        place = f"{self.file}, line {line}" + (f", {field}" if field else "")
        if self.count <= self._SHOWN:
            click.echo(f"refused: {place}: {reason}", err=True)
        record = {"file": str(self.file), "line": line, "field": field, "reason": reason}
        try:
            self._write(record | {"row": row})
        except OSError as error:
            raise InputError(
                f"{place}: {reason}; and {self.target} cannot be written ({error.strerror}): name "
                "another place with --rejects"
            ) from error

    def _write(self, record: Mapping[str, Any]) -> None:
        private_folder(self.target.parent)
        mode = "w" if self.count == 1 else "a"
        with open(self.target, mode, encoding="utf-8", opener=open_as_its_folder) as stream:
            text = json.dumps(record, ensure_ascii=False, default=str)
            stream.write(text.encode("utf-8", "backslashreplace").decode() + "\n")

    def report(self) -> None:
        """Say how many rows were refused and where they are."""
        if self.count:
            click.echo(f"rows refused: {self.count:,}; they are in {self.target}", err=True)


def default_rejects(settings: Settings, file: Path) -> Path:
    """Return the place for refused rows of a file, its own for each run."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = fitting_name(file.stem, f"-{stamp}-{os.getpid()}.jsonl")
    return settings.resolved_home / "rejects" / name
