"""``paidan models prune``: the files of versions that nothing needs are removed."""

import click

from core.settings import get_settings
from paidan.cli.options import BY, JSON, opened_database, print_json

_MB = 1_000_000


@click.command()
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Champions before the present one that a rollback must reach.",
)
@click.option("--yes", is_flag=True, help="Remove them; without it, this only says what would go.")
@BY
@JSON
def prune(keep: int, by: str, *, yes: bool, as_json: bool) -> None:
    """Remove the files of versions that nothing needs; their rows and answers stay."""
    from registry import pruning

    settings = get_settings()
    folder = settings.resolved_models_dir
    with opened_database(settings) as database:
        if yes:
            found = pruning.prune(database, folder, keep, actor=by)
        else:
            found = pruning.plan_pruning(database, folder, keep)
    if as_json:
        print_json(
            {
                "removed": yes,
                "versions": found.versions,
                "snapshots": found.snapshots,
                "bytes": found.size,
                "kept": found.kept,
            }
        )
        return
    for name, reason in found.kept.items():
        click.echo(f"kept     {name}  {reason}")
    word = "removed" if yes else "would go"
    for name in (*found.versions, *found.snapshots):
        click.echo(f"{word:8} {name}")
    count = len(found.versions)
    click.echo(f"{count} versions, {len(found.snapshots)} snapshots, {found.size / _MB:,.1f} MB")
    if not yes and (count or found.snapshots):
        click.echo("remove them with: paidan models prune --yes")
