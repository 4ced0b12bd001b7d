"""An Xray that is kept running on the node's machine, with what its `Store` holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import trio

from integrations.xray.agent.fence import fenced, own_addresses
from integrations.xray.agent.protocol import Health, Lines
from integrations.xray.agent.store import Store
from integrations.xray.process import XrayStartFailed, open_xray
from integrations.xray.stream import Config
from integrations.xray.version import xray_version

Report = Callable[[str], None]

#: Seconds before Xray is started again; each failure doubles them.
_PAUSE_MIN: Final = 0.1
_PAUSE_MAX: Final = 10.0

#: Seconds after which a run counts as a good one.
_SETTLED_SECONDS: Final = 60.0


class Steward:
    """The one Xray of an agent."""

    def __init__(self, folder: Path, port: int, report: Report) -> None:
        """`folder` belongs to the agent alone, `port` is the agent's: no customer gets there.

        `report` is told in a sentence whatever happens to Xray.
        """
        self.store = Store(folder)
        self.api_socket = folder / "api.sock"
        self._folder = folder
        self._port = port
        self._report = report
        self._restarts = 0
        self._problem = ""
        self._up_since: float | None = None
        #: Set when there is something new to start with.
        self._renewed = trio.Event()
        #: Set when a start has ended, well or badly.
        self._tried = trio.Event()
        self._scope = trio.CancelScope()
        self._taking = trio.Lock()

    async def run(self) -> None:
        """Keep Xray running until cancelled."""
        pause = _PAUSE_MIN
        while True:
            self._renewed = trio.Event()
            began = trio.current_time()
            with trio.CancelScope() as self._scope:
                await self._run_once()
            self._up_since = None
            if self._renewed.is_set():
                pause = _PAUSE_MIN
                self._report("the panel has sent another configuration")
                continue
            self._report(self._problem)
            self._restarts += 1
            pause = _PAUSE_MIN if trio.current_time() - began > _SETTLED_SECONDS else pause * 2
            with trio.move_on_after(min(pause, _PAUSE_MAX)):
                await self._renewed.wait()

    async def take(self, lines: Lines) -> str:
        """Run with the configuration and users that come now; return why it does not, or nothing.

        Xray starts anew only if it does not run or the configuration is another one: users alone are for the next
        start, and a running node gets them over its API.
        """
        async with self._taking:
            if await self.store.take(lines, await lines.next()) or self._up_since is None:
                self._tried = trio.Event()
                self._renewed.set()
                self._scope.cancel()
                await self._tried.wait()
            return self._problem if self._up_since is None else ""

    def health(self) -> Health:
        """How it is now."""
        up = 0.0 if self._up_since is None else trio.current_time() - self._up_since
        return Health(self._up_since is not None, int(up), self._restarts, self._problem, xray_version())

    async def _run_once(self) -> None:
        """Start, and return when Xray has ended."""
        tried = self._tried
        config = await self.store.config()
        if config is None:
            self._problem = "the panel has not sent a configuration yet"
            tried.set()
            await trio.sleep_forever()
        # Where the socket is, is this machine's business.
        config["api"] = {**cast(Config, config["api"]), "listen": str(self.api_socket)}
        config = fenced(config, await trio.to_thread.run_sync(own_addresses), self._port)
        try:
            async with open_xray(
                config, name="node", folder=self._folder, clients=self.store.clients()
            ) as xray:
                self._up_since, self._problem = trio.current_time(), ""
                self._report("Xray runs")
                tried.set()
                self._problem = await xray.wait_dead()
        except XrayStartFailed as error:
            self._problem = str(error)
        finally:
            tried.set()
