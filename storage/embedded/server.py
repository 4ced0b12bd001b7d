"""The embedded server's life: started as our child, ready when a connection is, ended when we end."""

import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

import trio
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from storage.addresses import DatabaseUnreachable
from storage.connection import open_connection
from storage.embedded.account import account_for
from storage.embedded.cluster import SUPERUSER, prepare_cluster, server_command
from storage.embedded.folder import PORT, DataFolder
from storage.embedded.process import end, launch, wait_exit
from storage.embedded.programs import find_programs
from storage.errors import StorageError

START_LIMIT_S: Final = 120.0
"""Recovery after a crash of the machine takes as long as there is log to replay."""

_STOP: Final = ((signal.SIGINT, 4.0), (signal.SIGQUIT, 5.5))
"""Fast shutdown; then an immediate one, after which the next start recovers. PostgreSQL gives its own children 5 s
before it kills them; killed by us before that, it would leave them behind."""

_TELL_EVERY_S: Final = 5.0
_TRY_EVERY_S: Final = 0.03
_PRUNE_EVERY_S: Final = 600.0
_NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})


class ServerFailed(StorageError):
    """The embedded PostgreSQL did not start; the message has its own last words."""


class EmbeddedPostgres:
    """A running server; made by `start_embedded` or `open_embedded`."""

    def __init__(self, folder: DataFolder, socket: Path, process: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._socket = socket
        self._process = process
        self._held = ExitStack()

    @property
    def pid(self) -> int:
        """The process number of the server."""
        return self._process.pid

    def conninfo(self, dbname: str = "turnpike", user: str = SUPERUSER) -> str:
        """The connection string for a database and a role; add the session's settings with `storage.session`."""
        return make_conninfo("", host=str(self._socket), port=PORT, dbname=dbname, user=user)

    async def wait_dead(self) -> str:
        """Watch over the server, keeping its log bounded; returns how it ended once it has, for whatever reason."""
        while True:
            with trio.move_on_after(_PRUNE_EVERY_S):
                status = await wait_exit(self._process)
                return f"PostgreSQL has ended with status {status}: {self._folder.last_words()}"
            await trio.to_thread.run_sync(self._folder.prune_log)

    async def stop(self) -> None:
        """Shut down, within `_STOP`'s seconds, and let go of the data folder. May be called again."""
        await end(self._process, _STOP)
        if self._socket.parent != self._folder.path:
            with suppress(
                OSError
            ):  # gone, or not empty after a server that was killed: used again by the next
                self._socket.rmdir()
        self._held.close()


@asynccontextmanager
async def open_embedded(
    data_folder: Path,
    *,
    on_progress: Callable[[str], None] = lambda _: None,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> AsyncIterator[EmbeddedPostgres]:
    """Run the server for the length of the block; parameters and errors are those of `start_embedded`."""
    server = await start_embedded(data_folder, on_progress=on_progress, settings=settings)
    try:
        yield server
    finally:
        await server.stop()


async def start_embedded(
    data_folder: Path,
    *,
    on_progress: Callable[[str], None] = lambda _: None,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> EmbeddedPostgres:
    """Start the server on `data_folder`, made if it is missing; the caller must `stop` it.

    `settings` are PostgreSQL's own (`{"fsync": "off"}` for tests). Only the main thread can start a server.
    Raises a `StorageError`: `DataFolderInUse` if another process has the folder, `DataFolderUnusable`,
    `ClusterUnusable`, `NoAccount`, `ProgramsMissing`, `ServerFailed`.
    """
    folder = DataFolder(data_folder)
    account = account_for(folder.cluster)
    with ExitStack() as held:
        folder.create(account)
        held.enter_context(folder.locked())
        programs = await find_programs(folder, account, on_progress)
        await prepare_cluster(folder, programs, account, settings, on_progress)
        folder.prune_log()
        socket = folder.socket_folder(account)
        process = launch(server_command(folder, programs, socket, settings), account, folder.start_log)
        server = EmbeddedPostgres(folder, socket, process)
        try:
            await _until_ready(server, process, folder, on_progress)
        except BaseException:
            await server.stop()
            raise
        server._held = held.pop_all()
        return server


async def _until_ready(
    server: EmbeddedPostgres,
    process: subprocess.Popen[bytes],
    folder: DataFolder,
    on_progress: Callable[[str], None],
) -> None:
    tell_at = trio.current_time() + _TELL_EVERY_S
    with trio.move_on_after(START_LIMIT_S):
        while process.poll() is None:
            try:
                await _ensure_database(server.conninfo(dbname="postgres"))
                return
            except DatabaseUnreachable:
                if trio.current_time() > tell_at:
                    on_progress(f"PostgreSQL is getting ready: {folder.last_words()}")
                    tell_at += _TELL_EVERY_S
            with trio.move_on_after(_TRY_EVERY_S):
                await wait_exit(process)
        raise ServerFailed(f"PostgreSQL did not start on {folder.path}: {folder.last_words()}")
    raise ServerFailed(
        f"PostgreSQL on {folder.path} was not ready within {START_LIMIT_S:.0f} s: {folder.last_words()}"
    )


async def _ensure_database(conninfo: str) -> None:
    async with open_connection(conninfo) as connection:
        cursor = await connection.execute("SELECT 1 FROM pg_database WHERE datname = 'turnpike'")
        if await cursor.fetchone() is None:
            await connection.execute(SQL("CREATE DATABASE {}").format(Identifier("turnpike")))
