"""``paidan models export``: an LLM version for peft, transformers or vLLM."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.settings import get_settings
from paidan.cli.options import hint_of_missing, opened_database

if TYPE_CHECKING:
    from registry.export.export import Form


@click.command()
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["adapter", "merged"]),
    required=True,
    help="adapter: for peft, beside its base. merged: one model, for transformers and vLLM.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to write; there is none yet, or an empty one.",
)
def export(name: str, form: "Form", out: Path) -> None:
    """Write LLM version NAME as other programs read it, with its head beside it."""
    from db import versions

    with hint_of_missing("ml"):
        from registry.export.export import export_version

    settings = get_settings()
    with opened_database(settings) as database:
        with database.reading() as session:
            name = versions.named(session, name)
        export_version(database, name, settings.resolved_models_dir, form, out)
    click.echo(f"{name} is in {out}; README.md there says how it is used")
