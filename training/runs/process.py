"""The process in which a run is worked off: started, paused and ended with all that it started."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

from core.process import die_with_parent
from core.settings import Settings

logger = logging.getLogger(__name__)

_PROGRAM = "training.runs.child"
# No library may tell anybody what is trained here. What an operator sets himself stays.
_SILENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "WANDB_MODE": "offline",
    # Two processes whose threads wait by spinning slow each other twentyfold.
    "OMP_WAIT_POLICY": "PASSIVE",
}


class RunProcess:
    """A process group that ends with this process, however that ends.

    Args:
        settings: the child gets the very same.
        run_id: the run's.
        token: of the lease; goes through a pipe, for everybody may read arguments.
        temporary: its folder for temporary files.
    """

    def __init__(self, settings: Settings, run_id: int, token: str, temporary: Path) -> None:
        parent = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-m", _PROGRAM, str(run_id)],
            env=_environment(settings, temporary),
            stdin=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),
        )
        self._is_paused = False
        pipe = self._process.stdin
        assert pipe is not None
        try:
            with pipe:
                pipe.write(f"{token}\n".encode())
        except BrokenPipeError:  # it is dead already, as its exit code will tell
            logger.warning("a run's process died at once", extra={"action": "run.stillborn"})

    @property
    def pid(self) -> int:
        """The process' id, which is its group's, too."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return the exit code, None while it runs; what it left of its group is ended."""
        code = self._process.poll()
        if code is not None:
            self._signal(signal.SIGKILL)
        return code

    def pause(self) -> None:
        """Stop its work where it is, for as long as the lease may be another's."""
        if not self._is_paused:
            self._signal(signal.SIGSTOP)
            self._is_paused = True

    def go_on(self) -> None:
        """End a pause."""
        if self._is_paused:
            self._signal(signal.SIGCONT)
            self._is_paused = False

    def end(self) -> None:
        """Kill the process and all that it started."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return  # nobody is left


def how_it_ended(code: int) -> str:
    """Say how a process ended, for the record."""
    if code < 0:
        return f"its process was ended by signal {-code} ({signal.Signals(-code).name})"
    return f"its process ended with exit code {code} and told no outcome"


def _environment(settings: Settings, temporary: Path) -> dict[str, str]:
    others = {k: v for k, v in os.environ.items() if not k.startswith("PAIDAN_")}
    own = {"TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    return _SILENT | others | settings.as_environment() | own
