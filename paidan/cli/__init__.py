"""The ``paidan`` command line. Commands import what they need when they run, so help is quick.

A command's file holds its ``options`` and what it prints; the work is a room's below. ``services``
runs the parts. ``push`` reads a ``ticket_file``; its ``submission`` writes the tickets, with
``notes`` and ``rejects`` of single rows. ``status`` counts them, ``export`` writes a row a ticket
(``export_file``, in the form of ``sheets``, formulas made ``inert``). ``correct`` reads each
``decision_row``, finds the ``named_ticket`` and enters the ``decisions``; ``returns`` enters what
each ``return_row`` gives back. ``quality`` estimates how right the routed tickets are and tells it
in a ``quality_report``. ``dead`` gives new attempts, ``erase`` empties a ticket. ``taxonomy`` reads
a ``unit_file``. ``train`` and ``evaluate`` read ``labelled`` tickets, whose ``labels`` name units;
so does ``data``, which keeps snapshots; ``trainings`` makes a version, ``models`` promotes it.
``models_compare`` sets two side by side, also on a ``comparison_page``, ``models_export`` writes
one for other programs, ``models_prune`` removes what nothing needs.
``bases`` adds what an LLM is trained on. ``runs`` asks a trainer for a version and tells of it in
a ``run_report``, with the version's ``run_standing``. ``recalibrate`` sets a version's threshold
anew and tells it in a ``recalibration_report``. ``shadow`` has a version answer unseen.

Exit codes: 0 all done; 1 an error, told on stderr; 2 wrong usage; 3 done, but part of the input
was refused or a ticket died; 130 interrupted.
"""

import logging
import os
import sys

import click

from core.errors import PaidanError
from core.faults import describe
from core.logging import configure
from core.process import collect_seldom
from core.terminal import without_controls
from paidan import __version__
from paidan.cli import (
    bases,
    correct,
    data,
    dead,
    erase,
    evaluate,
    export,
    models,
    push,
    quality,
    recalibrate,
    returns,
    runs,
    services,
    shadow,
    status,
    taxonomy,
    train,
)

logger = logging.getLogger(__name__)


class _InOrder(click.Group):
    """Lists commands in the order of the work, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names as they were added."""
        del ctx
        return list(self.commands)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option without its line: who reads help has found it."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.hidden = True
        return option


@click.group(
    cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="paidan", hidden=True)  # help fits a screen
@click.option("-v", "--verbose", is_flag=True, help="Log every step.", hidden=True)  # told below
def paidan(*, verbose: bool) -> None:
    """Paidan (派单): dispatch free-text tickets to handling units.

    paidan -v COMMAND logs every step.
    """
    configure("DEBUG" if verbose else "INFO")


for command in (
    *services.COMMANDS,
    *push.COMMANDS,
    *status.COMMANDS,
    *export.COMMANDS,
    *correct.COMMANDS,
    *returns.COMMANDS,
    *quality.COMMANDS,
    *dead.COMMANDS,
    *erase.COMMANDS,
    *taxonomy.COMMANDS,
    *data.COMMANDS,
    *train.COMMANDS,
    *evaluate.COMMANDS,
    *models.COMMANDS,
    *runs.COMMANDS,
    *recalibrate.COMMANDS,
    *shadow.COMMANDS,
    *bases.COMMANDS,
):
    paidan.add_command(command)


def main() -> None:
    """Run the command line; errors of ours are told in one line, never as a traceback."""
    # Two processes whose threads wait by spinning (torch's, by default) slow each other twentyfold
    # where they share cores: a training beside a worker, for one.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    collect_seldom()
    try:
        code = paidan.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except PaidanError as error:
        click.echo("paidan: " + without_controls(str(error), keep="\n"), err=True)
        sys.exit(1)
    except Exception as error:  # its text may quote a ticket
        logger.debug(
            "an error that nobody expected", exc_info=error, extra={"action": "command.failed"}
        )
        click.echo(
            f"paidan: an error that nobody expected: {describe(error)}; 'paidan -v …' shows the "
            "way there",
            err=True,
        )
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
