"""What an operator can say to a running system, and what is answered.

Every command is one of the system's own orders, so an operator can do nothing that the supervisor does not know of.
What is asked and answered are plain typed values: the socket in `runtime.control` carries them, the client in
`runtime.control_client` reads them back, and both use the types below.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec
import structlog
import trio

from .errors import (
    CallCycle,
    Declined,
    MailboxFull,
    NotUnderstood,
    ReloadFailed,
    Unavailable,
    UnknownActor,
)
from .messages import Ask
from .names import did_you_mean
from .status import ActorStatus, GroupStatus
from .system import System

log = structlog.get_logger("runtime")

ORDER_TIMEOUT: Final = 120.0
"""Seconds for one restart or reload, which may wait for a stop and a start."""

ASK_TIMEOUT: Final = 30.0
"""Seconds for an actor to answer a question."""

TOP_PERIOD: Final = 1.0
"""Seconds from one snapshot of `top` to the next."""

STREAMS: Final = ("top", "trace")
"""Commands that answer until the operator leaves."""

Say = Callable[[object], Awaitable[None]]
"""Answers the operator; raises if they have left or do not listen."""


class Refused(Exception):
    """The command was not carried out. The text is one sentence for the operator."""


class Unanswered(Refused):
    """Nobody can say whether the command was carried out: who needs to know asks again, under the same key."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A command, the actor that it is for if it is for one, and the text of a question to it."""

    command: str
    name: str | None = None
    body: str | None = None


class Rates(msgspec.Struct, frozen=True):
    """What an actor did since the snapshot before, for each second; `queue_seconds` is a mean for each message."""

    handled: float
    accepted: float
    busy: float
    """The share of the time in which it had a message in hand, from 0 to 1."""
    queue_seconds: float | None


class Snapshot(msgspec.Struct, frozen=True):
    """The system at one moment. `rates` by the names of the actors are in the stream of `top` only."""

    pid: int
    at: datetime
    """By the system's clock, which in a test or a sandbox is not everybody's."""
    uptime: float
    """Seconds since the control socket was opened."""
    stopping: bool
    root: GroupStatus
    rates: dict[str, Rates] | None = None


class Reloaded(msgspec.Struct, frozen=True):
    """What became of a reload of everything: who has new code, and who has not and why."""

    reloaded: tuple[str, ...]
    failed: dict[str, str]


class Commands:
    """The commands, by name."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._opened_at = trio.current_time()
        self._whole: dict[str, Callable[[Say], Awaitable[None]]] = {
            "status": self._status,
            "top": self._top,
            "stacks": self._stacks,
            "reload-all": self._reload_all,
        }
        self._orders: dict[str, Callable[[str], Awaitable[None]]] = {
            "restart": system.restart,
            "reload": system.reload,
            "suspend": _at_once(system.suspend),
            "resume": _at_once(system.resume),
            "switch-on": _at_once(lambda name: system.switch(name, on=True)),
            "switch-off": _at_once(lambda name: system.switch(name, on=False)),
        }

    async def carry_out(self, request: Request, say: Say) -> None:
        """Do what is asked and answer it, once or as a stream. Raises Refused."""
        command, name = request.command, request.name
        known = [*self._whole, *self._orders, "trace", "ask"]
        if command not in known:
            raise Refused(f"there is no command {command!r}{did_you_mean(command, known)}")
        if command in self._whole:
            await self._whole[command](say)
        elif name is None:
            raise Refused(f"{command} needs the name of an actor")
        elif command == "trace":
            await self._trace(name, say)
        elif command == "ask":
            await say(await self._ask(name, request.body))
        else:
            log.info("command", command=command, actor=name)
            await say(await self._order(command, name))

    async def _order(self, command: str, name: str) -> ActorStatus:
        """Carry out an order and give the actor as it is then."""
        try:
            with trio.fail_after(ORDER_TIMEOUT):
                await self._orders[command](name)
        except trio.TooSlowError:
            raise Refused(
                f"{command} {name} was not done within {ORDER_TIMEOUT:g} s; it may still be"
            ) from None
        except (UnknownActor, ReloadFailed, ValueError) as error:
            raise Refused(str(error)) from error
        return next(actor for actor in self._system.status().actors() if actor.name == name)

    async def _ask(self, name: str, body: str | None) -> str:
        """Put the question to the actor. Whatever keeps it from answering is told to the operator as it is."""
        if body is None:
            raise Refused("ask needs a body, the text of the question")
        log.info("command", command="ask", actor=name)
        try:
            return await self._system.ref(name).call(Ask(body), timeout=ASK_TIMEOUT)
        except (UnknownActor, CallCycle, Declined, MailboxFull, NotUnderstood) as error:
            raise Refused(str(error)) from error
        except Unavailable as error:
            raise Unanswered(str(error)) from error

    async def _status(self, say: Say) -> None:
        await say(self._snapshot())

    async def _stacks(self, say: Say) -> None:
        await say(self._system.stacks())

    async def _top(self, say: Say) -> None:
        before, since = self._snapshot(), trio.current_time()
        await say(before)
        while True:
            await trio.sleep_until(since + TOP_PERIOD)
            after, now = self._snapshot(), trio.current_time()
            await say(msgspec.structs.replace(after, rates=rates(before.root, after.root, now - since)))
            before, since = after, now

    async def _trace(self, name: str, say: Say) -> None:
        try:
            with self._system.trace(name) as passages:
                async for passage in passages:
                    await say(passage)
        except UnknownActor as error:
            raise Refused(str(error)) from error

    async def _reload_all(self, say: Say) -> None:
        """Reload each actor of the tree in the order of start; children come anew with their parents."""
        log.info("command", command="reload-all")
        reloaded, failed = [], {}
        for name in [actor.name for actor in self._system.status().actors() if "/" not in actor.name]:
            try:
                await self._order("reload", name)
            except Refused as error:
                failed[name] = str(error)
            else:
                reloaded.append(name)
        await say(Reloaded(tuple(reloaded), failed))

    def _snapshot(self) -> Snapshot:
        system = self._system
        return Snapshot(
            os.getpid(),
            system.clock.now(),
            trio.current_time() - self._opened_at,
            system.stopping,
            system.status(),
        )


def rates(before: GroupStatus, after: GroupStatus, seconds: float) -> dict[str, Rates]:
    """What the actors did between two pictures that are so many seconds apart, from their counters."""
    former = {actor.name: actor for actor in before.actors()}
    return {actor.name: _rates(former.get(actor.name), actor, seconds) for actor in after.actors()}


def _rates(before: ActorStatus | None, after: ActorStatus, seconds: float) -> Rates:
    def grown(count: Callable[[ActorStatus], float]) -> float:
        return count(after) - (0 if before is None else count(before))

    begun = grown(lambda actor: actor.handled + actor.crashed + (actor.message is not None))
    # A message in hand is counted as busy only when it is done; until then its age says how long it was.
    busy = grown(lambda actor: actor.busy_seconds + (actor.busy_age or 0.0))
    return Rates(
        handled=grown(lambda actor: actor.handled) / seconds,
        accepted=grown(lambda actor: actor.accepted) / seconds,
        busy=min(1.0, max(0.0, busy / seconds)),
        queue_seconds=grown(lambda actor: actor.queue_seconds) / begun if begun > 0 else None,
    )


def _at_once(order: Callable[[str], object]) -> Callable[[str], Awaitable[None]]:
    async def carry_out(name: str) -> None:
        order(name)
        await trio.lowlevel.checkpoint()

    return carry_out
