"""The same run without a break, in this process: what the broken ones are compared with."""

from db.run_tables import Run
from tests.support.training_runs import work_off
from tests.whole.chaos_training.inquirer import Inquirer
from tests.whole.chaos_training.stack import Stack
from training.runs.workplace import Workplace


def learn_unbroken(stack: Stack, inquirer: Inquirer, kind: str) -> Run:
    """Work off another run of a kind while no trainer is there; return it."""
    run_id = inquirer.ask(kind)
    work_off(stack.database, stack.settings, run_id)
    Workplace(stack.settings, run_id).clear()
    return inquirer.find(run_id)
