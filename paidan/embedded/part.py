"""A process of the embedded stack: how it is started, started again and ended."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from core.errors import StorageError
from core.files import open_private, private_folder
from core.process import die_with_parent

logger = logging.getLogger(__name__)

_RESTART_PAUSE_S = 1.0
_LEAST_GRACE_S = 0.1


class Part:
    """A running process with a name.

    It ends with this process however that ends (``die_with_parent``).

    Args:
        name: for messages and the log's file.
        command: with its arguments.
        environment: all of the process' variables.
        logs: a folder for its output; None leaves it on the terminal.
        umask: of the files it makes; -1 keeps that of this process.

    Raises:
        StorageError: the log cannot be written.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        logs: Path | None,
        umask: int = -1,
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._logs = logs
        self._umask = umask
        self._restart_at: float | None = None
        self._process = self._spawn()

    def exit_code(self) -> int | None:
        """Return the process' exit code, None while it runs."""
        return self._process.poll()

    def mend(self) -> None:
        """Start the process again a second after it died."""
        code = self.exit_code()
        if code is None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            logger.warning(
                "a part died", extra={"action": "part.died", "part": self.name, "code": code}
            )
            self._restart_at = now + _RESTART_PAUSE_S
        elif now >= self._restart_at:
            self._process = self._spawn()
            self._restart_at = None

    def end(self, deadline: float) -> None:
        """Ask the process to stop; kill it where it has not by ``deadline`` (monotonic)."""
        self._process.terminate()
        try:
            self._process.wait(max(_LEAST_GRACE_S, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.warning(
                "killed a part that did not stop",
                extra={"action": "part.killed", "part": self.name, "pid": self._process.pid},
            )
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        parent = os.getpid()
        output = self._log_file()
        try:
            return subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A Ctrl-C of the terminal reaches this process alone, which then stops the parts
                # in order.
                start_new_session=True,
                umask=self._umask,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),
            )
        finally:
            if output is not None:
                output.close()

    def _log_file(self) -> IO[bytes] | None:
        if self._logs is None:
            return None
        try:
            private_folder(self._logs)
            return open(self._logs / f"{self.name}.log", "ab", opener=open_private)
        except OSError as error:
            raise StorageError(f"cannot write logs to {self._logs}: {error.strerror}") from error
