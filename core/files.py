"""Files and folders that Paidan makes for itself: who may read them, and what they may be called.

The files under ``PAIDAN_HOME`` contain tickets. A home that Paidan makes is private: its owner's
alone. Somebody may open a home to a group and to nobody else. It stays so, and what Paidan makes
in it is the group's too. A file that a user names (an export, ``--rejects``) follows the umask.
"""

import logging
import os
import stat
import tempfile
from pathlib import Path

from core.errors import StorageError

logger = logging.getLogger(__name__)

_MAX_NAME_BYTES = 255  # of every common file system
_OTHERS = stat.S_IRWXO
_GROUP = stat.S_IRWXG
# What an older Paidan left in its home: a folder with one of these is a home.
_MARKS = ("migrate.lock", "paidan.db", "redis", "rejects", "run")


def private_folder(path: Path) -> None:
    """Make a folder for its owner alone, or for the group too if its parent is private to a group.

    A folder that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    path.chmod(0o700 | _group_of(path.parent))


def private_home(home: Path) -> None:
    """Make the home, or close a home that an older Paidan left open to all.

    Only a folder of ours is closed. A folder that anybody may write to, or that contains other
    things, is somebody's choice: a warning tells of it.

    Raises:
        OSError: it cannot be made.
    """
    private_folder(home)
    state = home.stat()
    if not state.st_mode & _OTHERS:
        return
    is_ours = state.st_uid == os.getuid() and not state.st_mode & stat.S_IWOTH
    if is_ours and (any((home / mark).exists() for mark in _MARKS) or not any(home.iterdir())):
        home.chmod(0o700)
        logger.info(
            "the home was open to all users of this machine and is closed now",
            extra={"action": "home.closed"},
        )
        return
    logger.warning(
        "the home is open to all users of this machine: chmod 700 it, or 770 for a group's",
        extra={"action": "home.exposed", "mode": f"{stat.S_IMODE(state.st_mode):o}"},
    )


def open_private(path: str, flags: int) -> int:
    """Open as ``open``'s opener does; a new file is for those who may read its private folder."""
    folder = Path(path).parent
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    group = _group_of(folder) & 0o060
    if group and os.fstat(descriptor).st_uid == os.getuid():
        os.fchmod(descriptor, 0o600 | group)
    return descriptor


def open_as_its_folder(path: str, flags: int) -> int:
    """Open as ``open_private`` does in a private folder, and by the umask in any other."""
    if Path(path).parent.stat().st_mode & _OTHERS:
        return os.open(path, flags, 0o666)
    return open_private(path, flags)


def make_private_file(path: Path) -> None:
    """Make an empty file, if it is not there, for those who may read its private folder.

    Raises:
        OSError: it cannot be made.
    """
    if not path.exists():
        with open(path, "ab", opener=open_private):
            return


def _group_of(folder: Path) -> int:
    """Return the group's rights on a folder that is closed to others, none for any other folder."""
    mode = folder.stat().st_mode
    return 0 if mode & _OTHERS else mode & _GROUP


def fitting_name(stem: str, suffix: str) -> str:
    """Return a file's name; the stem of one that is too long is cut between two characters."""
    room = _MAX_NAME_BYTES - len(os.fsencode(suffix))
    kept = os.fsencode(stem)[:room]
    while True:
        name = os.fsdecode(kept)
        # A character that was cut in two reads as half surrogates, which the stem does not have.
        if stem.startswith(name):
            return f"{name}{suffix}"
        kept = kept[:-1]


def check_socket_folder(folder: Path) -> None:
    """Refuse a socket's folder that another user of this machine can have made.

    Everybody may make a folder of any name under the temporary directory, and clients take whoever
    answers on a socket in it for our Redis.

    Raises:
        StorageError: it is a link, no folder, another user's, or open to others.
    """
    try:
        state = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(state.st_mode):
        wrong = "is a link or a file"
    elif state.st_uid != os.getuid():
        wrong = f"belongs to user {state.st_uid}"
    elif state.st_mode & (_GROUP | _OTHERS):
        wrong = f"is open to others (mode {stat.S_IMODE(state.st_mode):o})"
    else:
        return
    raise StorageError(
        f"{folder}, where the embedded Redis has its socket, {wrong}: somebody else may have made "
        f"it. Remove it, or set PAIDAN_HOME to a shorter path, or TMPDIR to a folder of your own "
        f"instead of {tempfile.gettempdir()}"
    )
