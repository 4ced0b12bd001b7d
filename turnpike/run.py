"""`turnpike run`: from a configuration to a running shop, and back down in order.

The order is what each part needs: the database, its schema, readers, then the tree of actors. Nothing is
started half: whatever fails on the way up takes down what was up already, and says one sentence.
"""

import gc
import os
import secrets as randomness
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click
import structlog
import trio

from actors.agents import agent_client
from actors.environment import Environment, Secrets, read_secret
from actors.grace import hosts_in_grace
from actors.metrics_page import open_metrics_page
from actors.nodes import node_of
from actors.reading import Reading
from actors.settings import Configuration, load_configuration
from actors.tree import build_tree, check_tree
from integrations.cryptopay.client import check_token
from integrations.telegram.bot import BadToken, BotUnreachable, open_bot
from integrations.xray.node import Node
from runtime import Clock, ConfigError, System, SystemClock, watch_signals
from runtime.control import serve_control
from runtime.watchdog import watch_loop
from storage.embedded.folder import DataFolder, default_data_folder
from storage.flush import no_step
from storage.readers import open_readers
from turnpike.control import control_socket
from turnpike.database import open_database
from turnpike.failure import CannotRun
from turnpike.logs import set_up_logs

Report = Callable[[str], None]

log = structlog.get_logger("turnpike")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator wants to run: the configuration, and the secrets that it names."""

    configuration: Configuration
    secrets: Secrets


Read = Callable[[], Wanted]


def run_shop(config: Path, data: Path | None) -> int:
    """Run until told to stop; the exit status."""
    set_up_logs()
    read = partial(_read, config)
    wanted = read()
    with data_folder(data or default_data_folder("shop", config.resolve().parent)) as folder:
        trio.run(partial(_run, wanted, read, folder))
    return 0


def _read(config: Path) -> Wanted:
    """Read the file and the secrets that it names; raises `ConfigError` with one line for a mistake."""
    configuration = load_configuration(config)
    check_tree(configuration)
    telegram, cryptopay = configuration.settings.telegram, configuration.settings.cryptopay
    bot = read_secret(os.environ, telegram.token_env, telegram.token_file, "telegram: the bot's token")
    secrets = Secrets(bot)
    if (cards := configuration.settings.cards) is not None:
        what = "cards: the payment provider's token"
        secrets = replace(
            secrets, cards_token=read_secret(os.environ, cards.token_env, cards.token_file, what)
        )
    if cryptopay is None:
        return Wanted(configuration, secrets)
    crypto = read_secret(os.environ, cryptopay.token_env, cryptopay.token_file, "cryptopay: the app's token")
    try:
        check_token(crypto)
    except ValueError as error:
        raise ConfigError(f"cryptopay: {error}") from None
    return Wanted(configuration, replace(secrets, cryptopay_token=crypto))


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


async def _run(wanted: Wanted, read: Read, folder: Path) -> None:
    async with interruptible():
        await serve_shop(wanted, read, folder, clock=SystemClock(), report=print_step)


async def serve_shop(
    wanted: Wanted,
    read: Read,
    folder: Path,
    *,
    clock: Clock,
    report: Report,
    sandbox: bool = False,
    step: Callable[[str], None] = no_step,
    task_status: trio.TaskStatus[System] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Bring the shop up, report the running system, and return when it was stopped in order.

    `read` reads what is wanted once more, when SIGHUP asks for it; `step` is that of the actors' environment.
    """
    username = await _bot_username(wanted, report)
    url_env = wanted.configuration.settings.database.url_env
    async with (
        open_database(url_env, folder / "postgres", report) as database,
        open_readers(database.reader) as readers,
    ):
        environment = Environment(
            configuration=wanted.configuration,
            secrets=wanted.secrets,
            writer_conninfo=database.writer,
            readers=Reading(readers),
            nodes=_nodes(wanted, folder),
            data_folder=folder,
            bot_username=username,
            sandbox=sandbox,
            step=step,
        )
        system = System(build_tree(environment), clock=clock)
        report("starting the actors")
        _settle_memory()
        async with (
            watch_loop() as turns,
            open_metrics_page(environment, system, turns, clock),
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(watch_signals, system, partial(_read_again, system, environment, read))
            await nursery.start(system.run)
            await nursery.start(serve_control, system, control_socket(folder))
            report("ready")
            task_status.started(system)


def _settle_memory() -> None:
    """Take what lives as long as the process out of the collector's rounds: each would hold the loop for 50 ms (E2)."""
    gc.collect()
    gc.freeze()


async def _read_again(system: System, environment: Environment, read: Read) -> None:
    """Have the actors that a changed configuration touches start with it; raises `ConfigError` if it cannot be had."""
    wanted = await trio.to_thread.run_sync(read)
    asked, present = wanted.configuration.settings, environment.configuration.settings
    if asked.database != present.database:
        raise ConfigError("database: another one needs a restart of the process")
    if asked.metrics != present.metrics:
        raise ConfigError("metrics: another port needs a restart of the process")
    fresh = replace(
        environment,
        configuration=wanted.configuration,
        secrets=wanted.secrets,
        nodes=_nodes(wanted, environment.data_folder),
    )
    restarted = await system.reconfigure(build_tree(fresh))
    log.info("configuration taken", restarted=restarted)


def _nodes(wanted: Wanted, folder: Path) -> tuple[Node, ...]:
    settings = wanted.configuration.settings
    entries, grace = settings.nodes, hosts_in_grace(settings.grace, settings.gateway.public_url)
    for entry in entries:
        agent_client(entry, folder)
    return tuple(node_of(entry, folder, randomness.token_hex(8), grace) for entry in entries)


async def _bot_username(wanted: Wanted, report: Report) -> str | None:
    """Check the token and learn the bot's name; None while Telegram is down, which must not stop access and expiry."""
    api = wanted.configuration.settings.telegram.api
    try:
        async with open_bot(wanted.secrets.bot_token, api_base=api) as bot:
            return str(bot.username)
    except BadToken as error:
        raise CannotRun(str(error)) from None
    except BotUnreachable as error:
        report(f"{error}; starting without it, messages follow when it is back")
        return None


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
