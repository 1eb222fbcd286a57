"""Commands about base models: add, list, build."""

from collections.abc import Iterator
from pathlib import Path

import click

from core.settings import get_settings
from paidan.cli.options import JSON, hint_of_missing, print_json

# The seed of the synthetic tickets from which the shipped stand-in was made.
_STAND_IN_STREAM = 20_250_106


@click.group()
def base() -> None:
    """Add, list and build base models, on which adapters are trained."""


@base.command()
@click.argument("source")
@click.option("--name", help="What to call it [default: the directory's, file's or model's name].")
def add(source: str, name: str | None) -> None:
    """Check a base model and enter it: a directory, a .gguf file, or an id of the Hugging Face hub.

    A .gguf file is converted once: its weights go beside the entry, in bfloat16.
    """
    from classifier.model.bases.entries import add_base

    click.echo(f"checking and hashing {source} ...", err=True)
    with hint_of_missing("ml"):
        added = add_base(source, _bases_dir(), name)
    click.echo(f"{added.name}: {added.architecture}, {_size(sum(added.sizes.values()))}")
    click.echo(f"train on it with: paidan train --data FILE --kind llm --base {added.name}")


@base.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List the base models."""
    from classifier.model.bases.entries import list_bases

    bases = list_bases(_bases_dir())
    if as_json:
        print_json([each.model_dump(mode="json") | {"sha256": each.sha256} for each in bases])
        return
    for each in bases:
        click.echo(
            f"{each.name}  {each.architecture}  {_size(sum(each.sizes.values()))}  "
            f"{each.sha256[:12]}  {each.path}"
        )


@base.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="Unlabelled tickets to learn from.")
@click.option("--seed", default=3407, show_default=True, help="Of weights and order.")
@click.option(
    "--passes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How often to read them: more often where they are few.",
)
def build(directory: Path, data: Path | None, seed: int, passes: int) -> None:
    """Build the stand-in base from scratch in DIRECTORY: some minutes on two cores.

    It is a tiny language model of tickets that stands in for the LLM where there is no GPU. By
    default it learns from synthetic tickets, which remakes the one that is shipped.
    """
    from paidan.progress.training import TrainingProgress

    with hint_of_missing("ml"):
        from classifier.model.bases.entries import STAND_IN, find_base
        from classifier.model.bases.files import RECIPE
        from training.standin.build import build_standin
        from training.standin.settings import StandinSettings

    texts = _synthetic() if data is None else _unlabelled(data)
    with TrainingProgress() as progress:
        build_standin(
            directory, texts, seed=seed, settings=StandinSettings(passes=passes), progress=progress
        )
    own = find_base(STAND_IN, _bases_dir()).path / RECIPE
    (directory / RECIPE).write_bytes(own.read_bytes())  # it suits another one as small
    click.echo(f"built {directory}; enter it with: paidan base add {directory} --name NAME")


def _synthetic() -> Iterator[tuple[str | None, str]]:
    """Yield synthetic tickets without their labels, far from those that demo and tests take."""
    from paidan.sample.generator import generate
    from training.standin.build import TICKETS

    return ((ticket.title, ticket.text) for ticket in generate(TICKETS, seed=_STAND_IN_STREAM))


def _unlabelled(file: Path) -> list[tuple[str | None, str]]:
    """Read a file's tickets without their labels."""
    from paidan.cli.ticket_file import read_file
    from producer.tickets.options import ReadOptions
    from producer.tickets.outcome import Reject

    options = ReadOptions(columns={}, max_chars=get_settings().max_ticket_chars)
    tickets = (item for _, item in read_file(file, options, None))
    return [(t.title, t.text) for t in tickets if not isinstance(t, Reject)]


def _bases_dir() -> Path:
    from classifier.model.bases.entries import BASES

    return get_settings().resolved_models_dir / BASES


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"


COMMANDS = (base,)
