"""psycopg's protocol generators, run on Trio.

A generator yields what it waits for (the socket readable, writable, either) and is sent what became ready; sent that
nothing did, it yields the same again, so one that was interrupted by a cancellation can be resumed.
"""

import select
from time import monotonic
from typing import Final, TypeVar

import trio
from psycopg.abc import PQGen, PQGenConn
from psycopg.errors import OperationalError
from psycopg.waiting import Ready, Wait

T = TypeVar("T")

_LOOP_HELD_S: Final = 0.005
"""How long operations that never have to wait (a large COPY) keep the loop before the other tasks get a turn."""


class Driver:
    """Runs the generators of one connection, one at a time."""

    def __init__(self) -> None:
        self._others_ran_at = monotonic()

    async def run(self, generator: PQGen[T], socket: int, *, begun: bool = False) -> T:
        """Run `generator` to its end, from where it was interrupted if it had `begun`.

        Raises what it raises; `OperationalError` if the socket is closed meanwhile.
        """
        try:
            wanted = generator.send(Ready.NONE) if begun else next(generator)
            while True:
                wanted = generator.send(await self._ready(socket, wanted))
        except StopIteration as stop:
            result: T = stop.value
        except trio.ClosedResourceError as closed:
            raise OperationalError("the connection was closed while it was in use") from closed
        await self._let_others_run()
        return result

    async def _ready(self, socket: int, wanted: Wait) -> Ready:
        if wanted != Wait.R:
            # A socket is nearly always writable: looking is cheaper than a pass through the scheduler.
            await self._let_others_run()
            if ready := _ready_now(socket, wanted):
                return ready
        ready = await _wait(socket, wanted)
        self._others_ran_at = monotonic()
        return ready

    async def _let_others_run(self) -> None:
        if monotonic() - self._others_ran_at > _LOOP_HELD_S:
            await trio.lowlevel.cancel_shielded_checkpoint()
            self._others_ran_at = monotonic()


async def run_connecting(generator: PQGenConn[T]) -> T:
    """Run a generator that makes a connection: it names the socket anew each time, since that may change."""
    try:
        socket, wanted = next(generator)
        while True:
            socket, wanted = generator.send(await _wait(socket, wanted))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        generator.close()


async def _wait(socket: int, wanted: Wait) -> Ready:
    if wanted == Wait.R:
        await trio.lowlevel.wait_readable(socket)
        return Ready.R
    if wanted == Wait.W:
        await trio.lowlevel.wait_writable(socket)
        return Ready.W
    try:
        async with trio.open_nursery() as nursery:

            async def first(direction: Wait) -> None:
                await _wait(socket, direction)
                nursery.cancel_scope.cancel()

            nursery.start_soon(first, Wait.R)
            nursery.start_soon(first, Wait.W)
    except BaseExceptionGroup as both:
        # That there are two tasks is nobody else's business: both were cancelled, or the socket was closed under both.
        raise both.exceptions[0] from None
    return _ready_now(socket, wanted)


def _ready_now(socket: int, wanted: Wait) -> Ready:
    poll = select.poll()
    poll.register(socket, (wanted & Wait.R and select.POLLIN) | (wanted & Wait.W and select.POLLOUT))
    ready = 0
    for _, events in poll.poll(0):
        if events & ~select.POLLOUT:  # an error is read, too
            ready |= Wait.R
        if events & ~select.POLLIN:
            ready |= Wait.W
    return Ready(ready & wanted)
