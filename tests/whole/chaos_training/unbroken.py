"""The same run without a break, in this process: what the broken ones are compared with."""

from core.errors import RecordRefusedError
from db import runs
from db.claims import new_token
from db.run_tables import Run
from tests.whole.chaos_training.inquirer import Inquirer
from tests.whole.chaos_training.stack import Stack
from training.runs.errand import Errand
from training.runs.workplace import Workplace

_HOUR_S = 3600.0


def learn_unbroken(stack: Stack, inquirer: Inquirer, kind: str) -> Run:
    """Work off another run of a kind while no trainer is there; return it.

    Raises:
        RecordRefusedError: some other run waits or is at work.
    """
    run_id = inquirer.ask(kind)
    token = new_token()
    with stack.database.writing() as session:
        lease = runs.lease(session, token=token, holder="siege", device="siege", seconds=_HOUR_S)
    if lease is None or lease.run_id != run_id:
        raise RecordRefusedError(f"run {run_id} is not the one that waits")
    place = Workplace(stack.settings, run_id)
    Errand(stack.database, stack.settings, run_id, token, place).run()
    place.clear()
    return inquirer.find(run_id)
