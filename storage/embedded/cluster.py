"""PostgreSQL's own folder in the data folder: made once, checked at each start, and cleared of a predecessor.

Who may connect is decided by `peer`: the kernel tells the server which system account is at the other end of the
socket, and only ours and root may take on the database's roles. The folder of the socket keeps everybody else out
already; but as root the server may run as `nobody`, and other services of the machine may be `nobody` too.
"""

import os
import pwd
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import trio

from storage.embedded.account import Account
from storage.embedded.folder import PORT, DataFolder, make_private, remove_tree, replace_file
from storage.embedded.process import end, launch, wait_exit, wait_pidfd
from storage.embedded.programs import MAJOR
from storage.errors import StorageError

SUPERUSER: Final = "turnpike"

_INITDB_LIMIT_S: Final = 120.0
_PREDECESSOR_LIMIT_S: Final = 30.0
_ROTATE_AT: Final = "10MB"


class ClusterUnusable(StorageError):
    """PostgreSQL's data cannot be used by this program; the message says why and what to do."""


async def prepare_cluster(
    folder: DataFolder,
    programs: Path,
    account: Account,
    settings: Mapping[str, str],
    on_progress: Callable[[str], None],
) -> None:
    """Make the cluster if it is missing, or see that it is one of ours; write anew who may connect."""
    if folder.cluster.exists():
        await _end_predecessor(folder.cluster, on_progress)
        _check_major(folder.cluster)
    else:
        on_progress(f"making a PostgreSQL {MAJOR} database in {folder.path}")
        await _make(folder, programs, account, settings)
    ours = sorted({pwd.getpwuid(uid).pw_name for uid in (0, os.geteuid())})
    replace_file(folder.access_rules, "local all all peer map=turnpike\n")
    replace_file(folder.account_map, "".join(f'turnpike "{name}" all\n' for name in ours))


def server_command(
    folder: DataFolder, programs: Path, socket: Path, settings: Mapping[str, str]
) -> list[str | Path]:
    """The command line of the server; `settings` are added to ours and win over them."""
    ours = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": '"{}"'.format(str(socket).replace('"', '""')),
        "unix_socket_permissions": "0700",
        "hba_file": str(folder.access_rules),
        "ident_file": str(folder.account_map),
        "cluster_name": "turnpike",
        "logging_collector": "on",
        "log_directory": str(folder.log),
        "log_filename": "%Y-%m-%dT%H%M%S.log",
        "log_rotation_age": "0",
        "log_rotation_size": _ROTATE_AT,
        "log_line_prefix": "%m [%p] %q%u@%d %a: ",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    command: list[str | Path] = [programs / "postgres", "-D", folder.cluster]
    for name, value in {**ours, **settings}.items():
        command += ["-c", f"{name}={value}"]
    return command


async def _make(folder: DataFolder, programs: Path, account: Account, settings: Mapping[str, str]) -> None:
    """Made beside its place and then moved there: a cluster is either whole or not there."""
    partial = folder.cluster.with_name("cluster.partial")
    await trio.to_thread.run_sync(remove_tree, partial)
    make_private(partial, account)
    command: list[str | Path] = [programs / "initdb", "-D", partial, "-U", SUPERUSER, "-E", "UTF8"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--data-checksums", "--auth=peer", "--no-instructions"]
    if settings.get("fsync") == "off":
        command.append("--no-sync")
    process = launch(command, account, folder.start_log)
    try:
        with trio.move_on_after(_INITDB_LIMIT_S):
            await wait_exit(process)
    finally:
        status = await end(process, [(signal.SIGINT, 5.0)])
    if status != 0:
        raise ClusterUnusable(f"the database could not be made in {folder.path}: {folder.last_words()}")
    partial.rename(folder.cluster)


def _check_major(cluster: Path) -> None:
    try:
        major = (cluster / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise ClusterUnusable(
            f"{cluster} does not hold the data of a PostgreSQL ({error.strerror}: {error.filename}): "
            "restore a backup into a new data folder, or move it away to begin with an empty database"
        ) from error
    if major != MAJOR:
        raise ClusterUnusable(
            f"the data in {cluster} are of PostgreSQL {major}, and this version of turnpike brings PostgreSQL {MAJOR}: "
            "restore a backup into a new data folder, or go back to the version that made it"
        )


async def _end_predecessor(cluster: Path, on_progress: Callable[[str], None]) -> None:
    """Stop a server that outlived its turnpike. We hold the folder's lock, so nobody else is using it."""
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        descriptor = os.pidfd_open(pid)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return  # never there, or gone: what it left behind PostgreSQL clears up by itself
    try:
        if not _serves(pid, cluster):
            # Another process has that number now (a reboot, a container), and PostgreSQL would not start beside it.
            pid_file.unlink(missing_ok=True)
            return
        on_progress("stopping the PostgreSQL that a killed predecessor left running")
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.pidfd_send_signal(descriptor, number)
            with trio.move_on_after(_PREDECESSOR_LIMIT_S):
                await wait_pidfd(descriptor)
                return
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)
    raise ClusterUnusable(
        f"the PostgreSQL with process number {pid} on {cluster} does not stop: end it, then start again"
    )


def _serves(pid: int, cluster: Path) -> bool:
    """Whether the process is a PostgreSQL at home in this cluster; a zombie is not."""
    process = Path("/proc") / str(pid)
    try:
        name, home = (process / "comm").read_text().strip(), (process / "cwd").readlink()
    except OSError:
        return False
    return name == "postgres" and home == cluster
