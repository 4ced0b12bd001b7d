"""What an operator can say with `kill`.

| signal | meaning |
|---|---|
| SIGTERM, SIGINT | drain and stop; a second one cancels at once |
| SIGHUP | read the configuration again, and restart what it changed |
| SIGUSR1 | tell the tree: states, mailboxes, and the stack of each actor |
| SIGUSR2 | restart the workers one after another |
"""

import signal
from collections.abc import Awaitable, Callable

import structlog
import trio

from .describe import described
from .errors import ConfigError, ReloadFailed
from .system import System

log = structlog.get_logger("runtime")


async def watch_signals(system: System, read_again: Callable[[], Awaitable[object]] | None = None) -> None:
    """Obey signals until the system has stopped.

    `read_again` is what SIGHUP does: it reads the configuration and calls `system.reconfigure`. A ConfigError or
    ReloadFailed that it raises is logged, and everything goes on as it was.
    """
    numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]
    with trio.open_signal_receiver(*numbers) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_with, system, nursery.cancel_scope)
            async for number in signals:
                log.info("signal", name=signal.Signals(number).name, again=system.stopping)
                match number:
                    case signal.SIGHUP:
                        # In tasks of their own: a drain that is asked for meanwhile must not wait for them.
                        nursery.start_soon(_read_again, read_again)
                    case signal.SIGUSR1:
                        log.info("status", tree=described(system.status(), system.stacks()))
                    case signal.SIGUSR2:
                        nursery.start_soon(system.restart_workers)
                    case _ if system.stopping:
                        system.cancel()
                    case _:
                        system.request_stop()


async def _read_again(read_again: Callable[[], Awaitable[object]] | None) -> None:
    if read_again is None:
        log.warning("the configuration is not read again: nothing was said about how")
        return
    try:
        await read_again()
    except (ConfigError, ReloadFailed) as error:
        log.error("configuration not taken", reason=str(error))


async def _leave_with(system: System, scope: trio.CancelScope) -> None:
    await system.stopped.wait()
    scope.cancel()
