"""``paidan export``: a row a ticket, for spreadsheets and programs."""

import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from paidan.cli.options import FILE
from paidan.errors import InputError, StorageError
from paidan.settings import get_settings


@click.command()
@FILE
def export(file: Path) -> None:
    """Write a row a ticket to FILE (.csv or .jsonl; '-' prints JSONL)."""
    from db import open_database, report

    if str(file) != "-" and file.suffix.lower() not in (".csv", ".jsonl"):
        raise InputError(f"{file}: its name must end in .csv or .jsonl (or be '-' for JSONL)")
    database = open_database(get_settings())
    with database.reading() as session, _replaced(file) as stream:
        write = _write_csv if file.suffix.lower() == ".csv" else _write_jsonl
        count = write(stream, report.export_rows(session))
    click.echo(f"{count:,} tickets exported to {file}", err=True)


@contextmanager
def _replaced(file: Path) -> Iterator[TextIO]:
    """Open a file that takes its name only when it is complete; '-' is standard output."""
    if str(file) == "-":
        yield sys.stdout
        return
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    # Excel takes a CSV file for UTF-8 only with a byte order mark.
    encoding = "utf-8-sig" if file.suffix.lower() == ".csv" else "utf-8"
    try:
        with partial.open("w", encoding=encoding, newline="") as stream:
            yield stream
        partial.replace(file)
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _write_csv(stream: TextIO, rows: Iterable[dict[str, Any]]) -> int:
    from db.report import EXPORT_COLUMNS

    writer = csv.DictWriter(stream, EXPORT_COLUMNS)
    writer.writeheader()
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  (the last one is the answer)
        row["top_k"] = json.dumps(row["top_k"], ensure_ascii=False) if row["top_k"] else None
        writer.writerow(row)
    return count


def _write_jsonl(stream: TextIO, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  (the last one is the answer)
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


COMMANDS = (export,)
