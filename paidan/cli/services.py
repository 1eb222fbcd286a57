"""Commands that run parts: demo, up, worker, trainer, relay, migrate."""

import os
import signal
import threading
from pathlib import Path

import click

from core.settings import get_settings
from paidan.cli.options import hint_of_missing, look_for

_GPU = click.option("--gpu", help="The GPU: index, UUID or part of its name ('RTX 4090').")
_GPU_MEMORY = click.option(
    "--gpu-memory",
    metavar="SIZE",
    expose_value=False,
    callback=lambda _, __, size: os.environ.update(PAIDAN_GPU_MEMORY=size) if size else None,
    help="What Paidan may take of the GPU's memory, e.g. 20GiB; sets PAIDAN_GPU_MEMORY.",
)
_CPU = click.option("--cpu", is_flag=True, help="Use no GPU.")


@click.command()
@click.option("--tickets", "count", default=2000, show_default=True, help="Tickets to push.")
@click.option(
    "--home", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True
)
def demo(count: int, home: Path) -> None:
    """Show the whole way on synthetic tickets, with nothing installed but Paidan."""
    from paidan.embedded.interrupts import interrupts_raised

    with interrupts_raised():
        with hint_of_missing("ml"):
            look_for("torch", "transformers", "peft", "trl")
            from paidan.demo.run import run_demo
        run_demo(home, count)


@click.command()
@_GPU
@_GPU_MEMORY
@_CPU
def up(gpu: str | None, *, cpu: bool) -> None:
    """Run the embedded stack in the foreground: Redis, relay, worker, trainer."""
    from paidan.embedded.interrupts import interrupts_raised
    from paidan.embedded.stack import EmbeddedStack

    settings = get_settings()
    arguments = ["--gpu", gpu] if gpu else []
    if cpu:
        arguments.append("--cpu")
    with interrupts_raised():
        try:
            with EmbeddedStack(settings, arguments) as stack:
                click.echo(
                    f"Paidan is up; its state is in {settings.resolved_home}. Ctrl-C stops it."
                )
                stack.watch()
        except KeyboardInterrupt:
            click.echo("Paidan stopped.")


@click.command()
@_GPU
@_GPU_MEMORY
@_CPU
def worker(gpu: str | None, *, cpu: bool) -> int:
    """Run one worker: it claims tickets and classifies them."""
    from worker.main import run_worker

    return run_worker(get_settings(), wanted_gpu=gpu, cpu=cpu)


@click.command()
@_GPU
@_CPU
def trainer(gpu: str | None, *, cpu: bool) -> int:
    """Run one trainer: it works off training runs, one at a time (paidan runs)."""
    from training.runs.main import run_trainer
    from worker.gpu import pin

    return run_trainer(get_settings(), pin(gpu, cpu=cpu))


@click.command()
def relay() -> None:
    """Run one relay: it frees dead claims and publishes what waits."""
    from core.publisher import Publisher
    from db import open_database
    from producer.relay import Relay

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = get_settings()
    Relay(open_database(settings), Publisher(settings), settings).run(stop)


@click.command()
def migrate() -> None:
    """Create or upgrade the tables of the database."""
    from db import Database, open_database
    from db.schema import migrate as upgrade
    from db.schema import schema_revision

    settings = get_settings()
    if settings.database_url is None:  # the embedded one is made and upgraded where it is opened
        database = open_database(settings)
    else:
        database = Database(settings.resolved_database_url)
        upgrade(database)
    click.echo(f"{database.shown_url} is at revision {schema_revision(database)}")


COMMANDS = (demo, up, worker, trainer, relay, migrate)
