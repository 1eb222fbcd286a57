"""The embedded Redis: private, durable, and told where it does not start."""

from pathlib import Path

import pytest

from core.errors import BrokerUnavailableError, StorageError
from core.settings import Settings
from paidan.redis_server import command, prepare_folders, wait_for_redis


def test_it_listens_on_a_private_socket_alone_and_loses_no_message(tmp_path: Path) -> None:
    words = command(tmp_path / "r.sock", tmp_path)

    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert (options["--port"], options["--unixsocketperm"]) == ("0", "700")
    assert (options["--appendonly"], options["--maxmemory-policy"]) == ("yes", "noeviction")
    assert options["--dir"] == str(tmp_path)


def test_a_socket_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "sockets").symlink_to(tmp_path / "theirs")

    with pytest.raises(StorageError):
        prepare_folders(tmp_path / "sockets" / "r.sock", tmp_path / "data")


def test_a_server_that_ended_is_told_with_its_exit_code(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, redis_url=f"unix://{tmp_path}/none.sock")

    with pytest.raises(BrokerUnavailableError, match=r"does not start \(exit code 1\)"):
        wait_for_redis(settings, lambda: 1)


def test_a_server_that_answers_is_waited_for_no_longer(redis_url: str, tmp_path: Path) -> None:
    wait_for_redis(Settings(home=tmp_path, redis_url=redis_url), lambda: None)
