"""`turnpike sandbox`: the whole system on this machine, with nobody else's account and nobody's money.

Everything is real but the two services that belong to others, Telegram and Crypto Pay: these are servers of our own
on loopback that speak the same protocols, so the shop differs from a live one in two base addresses only.
"""

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path

import click
import msgspec
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from actors.environment import Secrets
from actors.nodes import NodeEntry
from actors.settings import Configuration, Gateway, Metrics, configuration_of, load_configuration
from actors.tree import check_tree
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN, CryptoPaySandbox
from integrations.http_server import CannotListen, serve
from integrations.sandbox_store import Store, StoreError
from integrations.telegram.sandbox import SANDBOX_PROVIDER_TOKEN, SANDBOX_TOKEN, TelegramSandbox
from runtime import AdjustableClock, SystemClock
from storage.embedded.folder import default_data_folder
from turnpike.failure import CannotRun
from turnpike.logs import set_up_logs
from turnpike.run import Read, Wanted, data_folder, interruptible, print_step, serve_shop

_LOOPBACK = "127.0.0.1"
_HOME = Path(__file__).parents[1]


def run_sandbox(port: int, config: Path | None, data: Path | None) -> int:
    """Run until told to stop; the exit status."""
    read = partial(sandbox_shop, config, port)
    wanted = read()
    with data_folder(data or default_data_folder("sandbox", _HOME)) as folder:
        set_up_logs(folder / "turnpike.log")
        trio.run(partial(_run, wanted, read, folder, port))
    return 0


async def _run(wanted: Wanted, read: Read, folder: Path, port: int) -> None:
    click.echo("turnpike sandbox", err=True)
    async with interruptible(), _open_servers(folder, port) as clock, trio.open_nursery() as nursery:
        start = partial(serve_shop, sandbox=True, clock=clock, report=print_step)
        await nursery.start(start, wanted, read, folder)
        _welcome(folder, port)
    click.echo("stopped", err=True)


def _welcome(folder: Path, port: int) -> None:
    click.echo(f"\n  Open  http://{_LOOPBACK}:{port}  and write /start to the bot.\n")
    click.echo(f"  Data and logs are in {folder}; delete that folder to start afresh.")
    click.echo("  Ctrl-C stops everything.\n")


def sandbox_shop(config: Path | None, port: int) -> Wanted:
    """The sandbox's shop, or the operator's own plans, with every address on loopback.

    So of the operator's nodes, those stay whose `host` is there already.
    """
    if config is None:
        text = files("turnpike").joinpath("sandbox.toml").read_text(encoding="utf-8")
        loaded = configuration_of(tomllib.loads(text), "sandbox.toml")
    else:
        loaded = load_configuration(config)
    replace = msgspec.structs.replace
    settings = loaded.settings
    plain = NodeEntry(name="sandbox", label="Sandbox", host=_LOOPBACK, port=port + 3, listen=_LOOPBACK)
    nodes = [entry for entry in settings.nodes if entry.host == _LOOPBACK]
    changed = replace(
        settings,
        telegram=replace(settings.telegram, api=f"http://{_LOOPBACK}:{port}"),
        cryptopay=settings.cryptopay and replace(settings.cryptopay, api=f"http://{_LOOPBACK}:{port + 1}"),
        gateway=Gateway(_LOOPBACK, port + 2, f"http://{_LOOPBACK}:{port + 2}"),
        metrics=Metrics(port + 4),
        nodes=nodes or [plain],
    )
    configuration = Configuration(loaded.name, changed, loaded.catalogue, loaded.tree)
    check_tree(configuration)
    return Wanted(configuration, Secrets(SANDBOX_TOKEN, SANDBOX_CRYPTOPAY_TOKEN, SANDBOX_PROVIDER_TOKEN))


@asynccontextmanager
async def _open_servers(folder: Path, port: int) -> AsyncIterator[AdjustableClock]:
    """The Bot API with the chat page, Crypto Pay, and the clock that both share with the shop."""
    try:
        store = Store(folder / "sandbox.sqlite")
    except StoreError as error:
        raise CannotRun(str(error)) from None
    travels = TimeTravel(store)
    telegram = TelegramSandbox(store, travels.clock.now, token=SANDBOX_TOKEN, advance=travels.advance)
    cryptopay = CryptoPaySandbox(
        store,
        travels.clock.now,
        token=SANDBOX_CRYPTOPAY_TOKEN,
        webhook_url=f"http://{_LOOPBACK}:{port + 2}/webhooks/cryptopay",
    )
    pages = Starlette(routes=[Route("/trace", _trace), Mount("/", telegram.app)])
    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(partial(serve, pages, host=_LOOPBACK, port=port, name="the chat page"))
            await nursery.start(
                partial(serve, cryptopay.app, host=_LOOPBACK, port=port + 1, name="the Crypto Pay sandbox")
            )
        except CannotListen as error:
            raise CannotRun(str(error)) from None
        nursery.start_soon(telegram.run)
        nursery.start_soon(cryptopay.run)
        yield travels.clock
        nursery.cancel_scope.cancel()
    store.close()


async def _trace(request: Request) -> Response:
    """Where a request comes from, in the form that `turnpike probe` reads."""
    client = request.client.host if request.client else ""
    return PlainTextResponse(f"ip={client}\n")


class TimeTravel:
    """The sandbox's clock: real time and a distance, which is kept so that a restart does not go back in time."""

    def __init__(self, store: Store) -> None:
        self._kept = store.collection("sandbox/clock", float)
        self._ahead = timedelta(seconds=self._kept.get("ahead") or 0.0)
        self.clock = AdjustableClock(SystemClock().now() + self._ahead)

    def advance(self, by: timedelta) -> None:
        """Move the clock forward; everything that waits for a time before the new one happens now."""
        self._ahead += by
        self._kept.put("ahead", self._ahead.total_seconds())
        self.clock.move(by)
