"""The data folder: what lies where in it, who owns what, and that one process at a time uses it.

    lock               held by the process that uses the folder, with its number
    cluster/           PostgreSQL's own data            (of PostgreSQL's account)
    log/               its log, in files of bounded size (of PostgreSQL's account)
    socket/            its socket                       (of PostgreSQL's account)
    start.log          what it said before its log was open
    pg_hba.conf …      who may connect: written anew at each start

As root we write nothing inside what belongs to PostgreSQL's account, where a link could lead us astray.
"""

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from storage.embedded.account import Account, account_for
from storage.errors import StorageError

SYSTEM_FOLDER: Final = Path("/var/lib/turnpike")
PORT: Final = 5432
"""Nothing listens on it; libpq makes the socket's name of it."""

_SOCKET_BYTES_MAX: Final = 100
"""The kernel's limit for a socket's path is 107 bytes."""

_LOG_FILES_KEPT: Final = 5


class DataFolderUnusable(StorageError):
    """The data folder cannot be used where it is; the message says why."""


class DataFolderInUse(StorageError):
    """Another process uses the data folder; the message names it."""


def default_data_folder(name: str, beside: Path) -> Path:
    """Where the data of `name` lie by default: in `.turnpike` under the folder `beside`.

    As root, if PostgreSQL's account could not reach that (a checkout below /root), in /var/lib/turnpike instead.
    """
    beside = beside.resolve()
    preferred = beside / ".turnpike" / name
    if os.geteuid() != 0 or account_for(preferred / "cluster").obstacle(preferred) is None:
        return preferred
    return SYSTEM_FOLDER / f"{name}-{_digest(beside)}"


class DataFolder:
    """The paths in a data folder, and what is done with them before the server starts."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.cluster = self.path / "cluster"
        self.log = self.path / "log"
        self.start_log = self.path / "start.log"
        self.access_rules = self.path / "pg_hba.conf"
        self.account_map = self.path / "pg_ident.conf"

    def create(self, account: Account) -> None:
        """Make what is missing; raises `DataFolderUnusable` if `account` could not reach the folder."""
        obstacle = account.obstacle(self.path)
        if obstacle is not None:
            raise DataFolderUnusable(
                f"PostgreSQL runs as {account.name!r}, which may not enter {obstacle}, so its data cannot lie in "
                f"{self.path}: choose a data folder that every user can reach, such as one in {SYSTEM_FOLDER}"
            )
        try:
            missing = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
            for folder in reversed(missing):
                folder.mkdir(mode=0o700)
                if not account.is_ours:
                    folder.chmod(0o711)  # may be passed, not listed
            make_private(self.log, account)
        except OSError as error:
            raise DataFolderUnusable(
                f"the data folder {self.path} cannot be made ({error.strerror}: {error.filename}): "
                "choose one that may be written"
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Use the folder alone; raises `DataFolderInUse` at once if another process has it.

        The kernel gives the lock back when we die, however we die.
        """
        try:
            descriptor = os.open(
                self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
        except PermissionError as error:
            raise DataFolderUnusable(
                f"the data folder {self.path} belongs to another user: run as that user, or choose another data folder"
            ) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
                raise DataFolderInUse(
                    f"the data folder {self.path} is in use by process {holder}: stop that one first, "
                    "or choose another data folder"
                ) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def socket_folder(self, account: Account) -> Path:
        """A folder that only `account` and root may enter, with a path short enough for a socket."""
        inside = self.path / "socket"
        if _fits(inside):
            make_private(inside, account)
            return inside
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR", "/tmp"))
        for base in (runtime, Path("/tmp")):
            folder = base / f"turnpike-{account.uid}-{_digest(self.path)}"
            if _fits(folder) and base.is_dir() and account.obstacle(base) is None:
                make_private(folder, account)
                return folder
        raise DataFolderUnusable(
            f"the path {self.path} is too long for a socket: choose a shorter data folder"
        )

    def prune_log(self) -> None:
        """Remove all but the newest files of the log."""
        files = sorted(self.log.glob("*.log"))  # their names are the times they were begun
        for old in files[:-_LOG_FILES_KEPT]:
            old.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line of this start's log that says why the server ended, or else its last line."""
        lines: list[str] = []
        for file in (self.start_log, *sorted(self.log.glob("*.log"))[-1:]):
            if file.exists():
                lines += file.read_text(errors="replace").splitlines()[-50:]
        # What it told a client is prefixed with user@database, and is not about itself.
        lines = [line for line in lines if "@" not in line.partition(": ")[0]]
        reasons = [line for line in lines if "FATAL:" in line or "PANIC:" in line or "error:" in line]
        return (reasons or lines or ["it said nothing"])[-1].strip()


def make_private(folder: Path, account: Account) -> None:
    """Make `folder` if it is missing, for `account` alone; raises `DataFolderUnusable` if somebody else made it."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.lstat().st_uid == os.geteuid() and not account.is_ours:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and not status.st_mode & 0o077
    if not private:
        raise DataFolderUnusable(
            f"{folder} should be a folder that belongs to {account.name!r} and that nobody else may enter: "
            "remove it and start again"
        )


def replace_file(path: Path, text: str) -> None:
    """Write a file that others may read, in one step, and never through a link."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o644)
        file.write(text)
    fresh.replace(path)


def remove_tree(folder: Path) -> None:
    """Remove what an interrupted step left behind, if anything."""
    if folder.exists():
        shutil.rmtree(folder)


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= _SOCKET_BYTES_MAX


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
