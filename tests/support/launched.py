"""``paidan`` commands as processes of their own, and every process that they started."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from core.settings import Settings
from tests.support.processes import wait_until


def processes_of(home: Path) -> list[psutil.Process]:
    """All live processes started for this home: the environment tells.

    Valkey writes its title over its environment; the title names its socket.
    """
    found = []
    socket = str(Settings(home=home).embedded_socket)
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            of_home = environment.get("PAIDAN_HOME") == str(home) or any(
                socket in word for word in process.cmdline()
            )
            if of_home and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


class Launched:
    """A ``paidan`` command in the background, its output in a file."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.output = home.with_name(f"{arguments[0]}.out")
        with self.output.open("w") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "paidan", *arguments],
                env=os.environ | {"PAIDAN_HOME": str(home), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A shell has its background jobs ignore Ctrl-C, and they pass it on.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def await_output(self, text: str, within: float = 60) -> None:
        wait_until(
            lambda: text in self.output.read_text("utf-8"), within, f"{text!r} in the output"
        )

    def stop(self, sent: signal.Signals = signal.SIGINT) -> int:
        self.popen.send_signal(sent)
        return self.popen.wait(40)


Launch = Callable[..., Launched]


def run_paidan(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "paidan", *arguments],
        env=os.environ | {"PAIDAN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
