"""What an operator can say with `kill`."""

import signal

import structlog
import trio

from .system import System

log = structlog.get_logger("runtime")


async def watch_signals(system: System) -> None:
    """Obey SIGTERM and SIGINT until the system has stopped: the first asks for a drain, the second cancels at once."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_with, system, nursery.cancel_scope)
            async for number in signals:
                log.info("signal", name=signal.Signals(number).name, again=system.stopping)
                if system.stopping:
                    system.cancel()
                else:
                    system.request_stop()


async def _leave_with(system: System, scope: trio.CancelScope) -> None:
    await system.stopped.wait()
    scope.cancel()
