"""Which system account PostgreSQL runs as, and which folders that account can reach.

PostgreSQL refuses to run as root. Where we are root it runs as `turnpike` if the system has that account, else as
`nobody`; we make no account, and we open no folder that we did not make: the operator's system is theirs.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.errors import StorageError

_PREFERRED: Final = ("turnpike", "nobody")


class NoAccount(StorageError):
    """There is no system account that PostgreSQL could run as."""


@dataclass(frozen=True, slots=True)
class Account:
    """A system account with an entry in the password database, which PostgreSQL insists on."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether we run as this account ourselves."""
        return self.uid == os.geteuid()

    def obstacle(self, path: Path) -> Path | None:
        """The first existing folder on the way to `path`, itself included, that this account may not enter.

        Looks at owner, group and mode; an access list that says otherwise is not seen.
        """
        if self.is_ours:
            return None
        way = [path, *path.parents]
        return next(
            (folder for folder in reversed(way) if folder.is_dir() and not self._may_enter(folder)), None
        )

    def _may_enter(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            needed = stat.S_IXUSR
        elif status.st_gid == self.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        return bool(status.st_mode & needed)


def our_account() -> Account:
    """The account of this process; raises `NoAccount` if its number has no name (some containers)."""
    try:
        return _from_entry(pwd.getpwuid(os.geteuid()))
    except KeyError:
        raise NoAccount(
            f"user number {os.geteuid()} has no entry in /etc/passwd, and PostgreSQL needs one: "
            "add it, or run as a user that has one"
        ) from None


def account_for(cluster: Path) -> Account:
    """The account that the server of `cluster` runs as: us, or as root its owner if it exists, else the default."""
    if os.geteuid() != 0:
        return our_account()
    if cluster.exists() and cluster.stat().st_uid != 0:
        try:
            return _from_entry(pwd.getpwuid(cluster.stat().st_uid))
        except KeyError:
            raise NoAccount(
                f"{cluster} belongs to user number {cluster.stat().st_uid}, which has no entry in /etc/passwd: "
                "give the folder to an existing user (chown -R)"
            ) from None
    for name in _PREFERRED:
        try:
            return _from_entry(pwd.getpwnam(name))
        except KeyError:
            continue
    raise NoAccount("PostgreSQL does not run as root: make an account for it (useradd --system turnpike)")


def _from_entry(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
