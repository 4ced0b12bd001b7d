"""A copy of the database in a file, made by PostgreSQL's own `pg_dump`: one moment of it, while others may use it.

The file is in `pg_dump`'s custom format, compressed, for `pg_restore`.
"""

import os
import subprocess
from pathlib import Path
from typing import Final

import trio
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from storage.embedded.programs import installed_programs
from storage.errors import StorageError

LIMIT_S: Final = 3600.0
"""How long a backup may take."""

KEPT: Final = 3
"""So many backups stay in their folder, the newest ones."""

_SUFFIX: Final = ".dump"


class BackupFailed(StorageError):
    """There is no backup, and nothing was changed; the message has `pg_dump`'s own words."""


async def back_up(conninfo: str, folder: Path, name: str) -> Path:
    """Write the whole database to a file of this name in `folder`, all of it or nothing; gives the file.

    `conninfo` is the owner's. Raises `BackupFailed` or `ProgramsMissing`.
    """
    target = folder / f"{name}{_SUFFIX}"
    partial = target.with_suffix(".partial")
    await trio.to_thread.run_sync(_prepare, folder, partial)
    reason = f"it took longer than {LIMIT_S:.0f} s"
    with trio.move_on_after(LIMIT_S):
        reason = await _dump(conninfo, partial)
    await trio.to_thread.run_sync(_finish, partial, None if reason else target)
    if reason:
        raise BackupFailed(
            f"the database could not be backed up to {folder}, so it was not migrated ({reason}): "
            "make room there, or mend what that says, and start again"
        )
    return target


async def _dump(conninfo: str, target: Path) -> str:
    """Have `pg_dump` write the file; gives why it failed, or nothing."""
    given = conninfo_to_dict(conninfo)
    # Arguments can be read by everybody on the machine, an environment cannot.
    password = str(given.pop("password", None) or "")
    environment = {"LC_ALL": "C", "PATH": os.defpath, **({"PGPASSWORD": password} if password else {})}
    command: list[str | Path] = [installed_programs() / "pg_dump", "--format=custom", "--no-password"]
    command += ["--file", target, "--dbname", make_conninfo("", **given)]
    ended = await trio.run_process(
        command, stdin=b"", stdout=subprocess.DEVNULL, capture_stderr=True, check=False, env=environment
    )
    if ended.returncode == 0:
        return ""
    said = ended.stderr.decode(errors="replace").strip().splitlines()
    return said[0] if said else f"pg_dump ended with status {ended.returncode}"


def _prepare(folder: Path, partial: Path) -> None:
    """Only the owner reads what is in a backup, from its first byte on."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise BackupFailed(
            f"the database could not be backed up to {folder} ({error.strerror}), so it was not migrated: "
            "make that folder writable, and start again"
        ) from None


def _finish(partial: Path, target: Path | None) -> None:
    """Give the file its name, and keep the newest; without a name, leave nothing behind."""
    if target is None:
        partial.unlink(missing_ok=True)
        return
    partial.replace(target)
    backups = sorted(target.parent.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
    for old in backups[:-KEPT]:
        old.unlink()
