"""Who may read what Paidan makes in its home, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import StorageError
from core.files import check_socket_folder, fitting_name, open_as_its_folder, private_folder
from core.process import RoleLock
from core.publisher import Publisher
from core.settings import Settings
from paidan.redis_server import prepare_folders
from tests.support.cli import Cli, write


@pytest.fixture(autouse=True)
def _generous_umask() -> Iterator[None]:
    before = os.umask(0o002)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(home: Path) -> list[str]:
    """What in a home, and it itself, somebody else may read or enter."""
    return [str(p) for p in (home, *home.rglob("*")) if mode(p) & 0o077 and not p.is_symlink()]


def push_with_a_bad_row(cli: Cli, folder: Path) -> None:
    file = write(folder / "t.csv", "external_id,text,lane\n1,漏水,\n2,停电,fast\n")
    assert cli("push", file).code == 3


def test_a_home_and_all_in_it_are_its_owners_alone(cli: Cli, home: Path, tmp_path: Path) -> None:
    # Given a command that makes home, database, rejects, and locks beside
    push_with_a_bad_row(cli, tmp_path)
    RoleLock(home / "run" / "w.lock", "w").try_acquire()
    prepare_folders(home / "redis.sock", home / "redis")

    assert open_to_others(home) == []
    assert {path.name for path in home.iterdir()} >= {"paidan.db", "rejects", "run", "redis"}

    # And an export is what the user's umask makes it
    cli("export", tmp_path / "out.csv")
    assert mode(tmp_path / "out.csv") == 0o664


def test_sqlites_log_is_as_private_as_its_database(home: Path, cli: Cli, tmp_path: Path) -> None:
    from db import open_database

    database = open_database(Settings(home=home))
    with database.writing():
        assert [mode(path) for path in home.glob("paidan.db*")] == [0o600] * 3
    database.engine.dispose()


def test_a_home_that_an_older_version_left_open_is_closed(
    cli: Cli, home: Path, tmp_path: Path
) -> None:
    push_with_a_bad_row(cli, tmp_path)
    home.chmod(0o755)

    push_with_a_bad_row(cli, tmp_path)

    assert mode(home) == 0o700


def test_a_home_opened_to_a_group_stays_the_groups(cli: Cli, home: Path, tmp_path: Path) -> None:
    home.mkdir(parents=True)
    home.chmod(0o2770)

    push_with_a_bad_row(cli, tmp_path)

    assert mode(home) == 0o2770
    assert mode(home / "paidan.db") == 0o660
    assert mode(home / "rejects") & 0o777 == 0o770
    assert [mode(path) for path in (home / "rejects").iterdir()] == [0o660]


@pytest.mark.parametrize("wide", [0o755, 0o777])
def test_a_folder_that_holds_other_things_is_warned_of_and_left(
    cli: Cli, home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, wide: int
) -> None:
    home.mkdir(parents=True)
    (home / "somebody's").touch()
    home.chmod(wide)

    ran = cli("status")

    assert (ran.code, mode(home), mode(home / "paidan.db")) == (0, wide, 0o600)
    assert "open to all users" in ran.err


def test_a_file_in_a_folder_of_the_users_follows_the_umask(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with open(tmp_path / "theirs", "w", opener=open_as_its_folder):
        pass
    private_folder(tmp_path / "ours")
    with open(tmp_path / "ours" / "file", "w", opener=open_as_its_folder):
        pass

    assert mode(tmp_path / "theirs") == 0o664
    assert (mode(tmp_path / "ours"), mode(tmp_path / "ours" / "file")) == (0o700, 0o600)


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home so deep that its socket lies under the temporary directory."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Settings(home=tmp_path / ("d" * 120))


@pytest.mark.parametrize("what", ["open", "link", "file", "foreign"])
def test_a_foreign_folder_for_the_socket_is_refused_by_server_and_clients(
    far: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    folder = far.embedded_socket.parent
    if what == "link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "theirs")
    elif what == "file":
        folder.touch()
    else:
        folder.mkdir()
        folder.chmod(0o700 if what == "foreign" else 0o755)
    if what == "foreign":
        if os.getuid() == 0:
            os.chown(folder, 12345, 12345)
        else:
            monkeypatch.setattr(os, "getuid", lambda: 12345)

    def start() -> None:
        prepare_folders(far.embedded_socket, far.resolved_home / "redis")

    for use in (lambda: check_socket_folder(folder), lambda: Publisher(far), start):
        with pytest.raises(StorageError, match=r"somebody else may have made it\. Remove it"):
            use()


def test_a_socket_folder_of_our_own_is_taken(far: Settings) -> None:
    prepare_folders(far.embedded_socket, far.resolved_home / "redis")

    Publisher(far).close()
    assert mode(far.embedded_socket.parent) == 0o700


@pytest.mark.parametrize(
    "stem", ["a", "n" * 300, "名" * 100, "a" + "名" * 100, "\udcff" * 300, "🙂" * 70]
)
def test_a_names_stem_is_cut_between_characters(stem: str) -> None:
    name = fitting_name(stem, "-1.jsonl")

    assert name.endswith("-1.jsonl")
    assert stem.startswith(name.removesuffix("-1.jsonl"))
    assert min(len(os.fsencode(stem)) + 8, 252) <= len(os.fsencode(name)) <= 255
