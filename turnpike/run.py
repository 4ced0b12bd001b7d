"""`turnpike run`: from a configuration to a running shop, and back down in order.

The order is what each part needs: the database, its schema, readers, then the tree of actors. Nothing is
started half: whatever fails on the way up takes down what was up already, and says one sentence.
"""

import os
import secrets as randomness
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import trio
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actors.environment import Environment, Secrets, read_secret
from actors.settings import Configuration, load_configuration
from actors.tree import build_tree, check_tree
from actors.xray import node_of
from integrations.telegram.bot import BadToken, BotUnreachable, open_bot
from runtime import Clock, System, SystemClock, watch_signals
from storage.embedded.folder import DataFolder, default_data_folder
from storage.embedded.server import open_embedded
from storage.migrate import migrate
from storage.readers import open_readers
from storage.session import owner_conninfo, reader_conninfo
from turnpike.failure import CannotRun
from turnpike.logs import set_up_logs

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Database:
    """How to connect as each role."""

    owner: str
    writer: str
    reader: str


def run_shop(config: Path, data: Path | None) -> int:
    """Run until told to stop; the exit status."""
    set_up_logs()
    configuration = load_configuration(config)
    check_tree(configuration)
    secrets = read_secrets(configuration)
    with data_folder(data or default_data_folder("shop", config.resolve().parent)) as folder:
        trio.run(partial(_run, configuration, secrets, folder))
    return 0


@contextmanager
def data_folder(folder: Path) -> Iterator[Path]:
    """Make the data folder if it is not there, and have it alone; raises `CannotRun` or `DataFolderInUse`."""
    try:
        # As root, PostgreSQL runs as somebody else, who must be able to pass through to its own folder.
        folder.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise CannotRun(
            f"cannot make the data folder {folder} ({error.strerror}); give another with --data"
        ) from None
    with DataFolder(folder).locked():
        yield folder


async def _run(configuration: Configuration, secrets: Secrets, folder: Path) -> None:
    async with interruptible():
        await serve_shop(configuration, secrets, folder, clock=SystemClock(), report=print_step)


def read_secrets(configuration: Configuration) -> Secrets:
    """The secrets that the configuration names; raises `ConfigError` for one that is missing."""
    telegram, cryptopay = configuration.settings.telegram, configuration.settings.cryptopay
    bot = read_secret(os.environ, telegram.token_env, telegram.token_file, "telegram: the bot's token")
    if cryptopay is None:
        return Secrets(bot)
    crypto = read_secret(os.environ, cryptopay.token_env, cryptopay.token_file, "cryptopay: the app's token")
    return Secrets(bot, crypto)


async def serve_shop(
    configuration: Configuration,
    secrets: Secrets,
    folder: Path,
    *,
    clock: Clock,
    report: Report,
    sandbox: bool = False,
    task_status: trio.TaskStatus[System] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Bring the shop up, report the running system, and return when it was stopped in order."""
    username = await _bot_username(configuration, secrets, report)
    async with (
        _open_database(configuration, folder, report) as database,
        open_readers(database.reader) as readers,
    ):
        environment = Environment(
            configuration=configuration,
            secrets=secrets,
            writer_conninfo=database.writer,
            readers=readers,
            nodes=tuple(
                node_of(entry, folder, randomness.token_hex(8)) for entry in configuration.settings.nodes
            ),
            data_folder=folder,
            bot_username=username,
            sandbox=sandbox,
        )
        system = System(build_tree(environment), clock=clock)
        report("starting the actors")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch_signals, system)
            await nursery.start(system.run)
            report("ready")
            task_status.started(system)


async def _bot_username(configuration: Configuration, secrets: Secrets, report: Report) -> str | None:
    """Check the token and learn the bot's name; None while Telegram is down, which must not stop access and expiry."""
    api = configuration.settings.telegram.api
    try:
        async with open_bot(secrets.bot_token, api_base=api) as bot:
            return str(bot.username)
    except BadToken as error:
        raise CannotRun(str(error)) from None
    except BotUnreachable as error:
        report(f"{error}; starting without it, messages follow when it is back")
        return None


@asynccontextmanager
async def _open_database(
    configuration: Configuration, folder: Path, report: Report
) -> AsyncIterator[Database]:
    variable = configuration.settings.database.url_env
    if variable is None:
        async with open_embedded(folder / "postgres", on_progress=report) as server:
            await migrate(owner_conninfo(server.conninfo()), on_progress=report)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_fail_with, server.wait_dead)
                yield Database(
                    server.conninfo(),
                    server.conninfo(user="turnpike_writer"),
                    reader_conninfo(server.conninfo(user="turnpike_reader")),
                )
                nursery.cancel_scope.cancel()
        return
    url = _checked(read_secret(os.environ, variable, None, "database: the server's address"), variable)
    await migrate(owner_conninfo(url), on_progress=report)
    yield Database(url, _as_role(url, "turnpike_writer"), reader_conninfo(_as_role(url, "turnpike_reader")))


def _checked(url: str, variable: str) -> str:
    try:
        conninfo_to_dict(url)
    except ProgrammingError:  # its text repeats the address, password included
        raise CannotRun(
            f"database: {variable} does not hold an address, expected one like postgresql://user:password@host/name"
        ) from None
    return url


def _as_role(url: str, role: str) -> str:
    """The operator's address, with a session that acts as the role from its first statement on."""
    given = conninfo_to_dict(url)
    options = f"{given.get('options') or ''} -c role={role}".strip()
    return make_conninfo("", **{**given, "options": options})


async def _fail_with(wait_dead: Callable[[], Awaitable[str]]) -> None:
    raise CannotRun(await wait_dead())


@asynccontextmanager
async def interruptible() -> AsyncIterator[None]:
    """Make SIGTERM and SIGINT end what runs inside in order, until a running system takes them over."""
    async with trio.open_nursery() as nursery:
        await nursery.start(_cancel_on_signal, nursery.cancel_scope)
        yield
        nursery.cancel_scope.cancel()


async def _cancel_on_signal(scope: trio.CancelScope, *, task_status: trio.TaskStatus[None]) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()


def print_step(step: str) -> None:
    """Say on the terminal what is being done."""
    click.echo(f"  {step}", err=True)
