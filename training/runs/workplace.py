"""Where a run's process works: a private folder, and one beside the versions."""

import shutil

from core.errors import StorageError
from core.files import private_folder
from core.process import RoleLock
from core.settings import Settings
from core.whole import write_file

_RUNS, _STAGING = "runs", ".run-"


class Workplace:
    """The folders of a run; both are gone once it has ended.

    Attributes:
        folder: under the home, for what contains tickets, and for checkpoints.
        checkpoints: of an LLM's training.
        made: has the name of the version that was made, before it is moved to the others.
        checkpoint: has the step of the newest one.
        points: the curves, before they are in the record.
        temporary: the process' own ``TMPDIR``, so that nothing of a killed one stays elsewhere.
        staging: beside the versions, on their file system: a version is made here, and is moved
            there when it is whole.
    """

    def __init__(self, settings: Settings, run_id: int) -> None:
        self._home = settings.resolved_home
        self.folder = self._home / _RUNS / str(run_id)
        self.checkpoints = self.folder / "checkpoints"
        self.made = self.folder / "version"
        self.checkpoint = self.folder / "checkpoint"
        self.points = self.folder / "points.jsonl"
        self.temporary = self.folder / "tmp"
        self.staging = settings.resolved_models_dir / f"{_STAGING}{run_id}"
        self._lock_path = self._home / "run" / f"training-run-{run_id}.lock"
        self._name = f"training run {run_id}"

    def lock(self) -> RoleLock:
        """Return the lock that the one process at work on the run holds."""
        return RoleLock(self._lock_path, self._name)

    def prepare(self) -> None:
        """Make the folders, without what a killed attempt left half done.

        Raises:
            StorageError: they cannot be made.
        """
        try:
            for left in (self.temporary, self.staging):
                shutil.rmtree(left, ignore_errors=True)
            for folder in (self._home, self.folder.parent, self.folder, self.temporary):
                private_folder(folder)
            self.checkpoints.mkdir(exist_ok=True)
            self.staging.mkdir(parents=True)
        except OSError as error:
            raise StorageError(
                f"a run cannot work in {error.filename}: {error.strerror}; set PAIDAN_HOME and "
                "PAIDAN_MODELS_DIR to folders that this user may write"
            ) from error

    def forget_checkpoints(self) -> None:
        """Remove all checkpoints, so that the training starts anew."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        self.checkpoints.mkdir()
        self.checkpoint.unlink(missing_ok=True)

    def note_checkpoint(self, step: int) -> None:
        """Note that there is a whole checkpoint of a step."""
        write_file(self.checkpoint, str(step).encode())

    def checkpoint_step(self) -> int | None:
        """Return the step of the newest checkpoint, None where there is none."""
        try:
            return int(self.checkpoint.read_bytes())
        except FileNotFoundError:
            return None

    def made_version(self) -> str | None:
        """Return the name of the version that was made here, None where there is none yet."""
        try:
            return self.made.read_text("utf-8") or None
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Remove all that the run needed while it was under way."""
        for folder in (self.staging, self.folder):
            shutil.rmtree(folder, ignore_errors=True)
        self._lock_path.unlink(missing_ok=True)


def left_behind(settings: Settings) -> list[int]:
    """Return the runs that have a folder in this home or, of any home, beside the versions."""
    folders = (settings.resolved_home / _RUNS, ""), (settings.resolved_models_dir, _STAGING)
    names = (
        path.name.removeprefix(start)
        for folder, start in folders
        for path in folder.glob(f"{start}[0-9]*")
    )
    return sorted({int(name) for name in names if name.isdecimal()})
