"""What an actor's author writes against: `Actor`, and the `Context` in which one incarnation lives.

An actor keeps nothing that matters in memory, so being restarted is always safe. Its constructor is pure; resources
are opened in `started` with `context.open`, and are closed when the incarnation ends, however it ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, nullcontext
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

import structlog
import trio

from .duty import Duty
from .envelope import Envelope
from .errors import NotUnderstood
from .messages import Cast, Message
from .ref import Ref
from .resources import hold
from .switching import flip
from .trace import adopted, current_trace

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from .cell import Cell
    from .clock import Clock
    from .specs import ActorSpec

T = TypeVar("T")

CLOSE_TIMEOUT = 5.0
"""Seconds for closing what an incarnation opened."""


class Home(Protocol):
    """What the context asks of the supervisor."""

    @property
    def clock(self) -> Clock: ...
    def find(self, name: str) -> Cell: ...
    async def start_child(self, parent: Cell, spec: ActorSpec) -> Cell: ...
    async def stop_child(self, parent: Cell, name: str) -> None: ...


class Context:
    """The surroundings of one incarnation; given to the actor's constructor."""

    def __init__(
        self,
        cell: Cell,
        settings: Mapping[str, object],
        home: Home,
        nursery: trio.Nursery,
        shelf: trio.Nursery,
    ) -> None:
        self._cell = cell
        self._shelf = shelf
        self._home = home
        self._stack: AsyncExitStack | None = None
        self._log: FilteringBoundLogger | None = None
        self.finishing = False
        self.settings = settings
        self.nursery = nursery
        """For tasks of this incarnation: they end with it, and a crash in one is a crash of the actor."""

    @property
    def name(self) -> str:
        """The actor's name."""
        return self._cell.name

    @property
    def me(self) -> Ref:
        """The actor's own address."""
        return Ref(self._cell)

    @property
    def clock(self) -> Clock:
        """Time of day."""
        return self._home.clock

    @property
    def stack(self) -> AsyncExitStack:
        """Closed when the incarnation ends, after its tasks have."""
        if self._stack is None:
            self._stack = AsyncExitStack()
        return self._stack

    async def open(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter a context manager for the life of this incarnation; it is left after the tasks have ended."""
        return await hold(manager, self._shelf, self.stack)

    @property
    def log(self) -> FilteringBoundLogger:
        """A logger that names the actor."""
        if self._log is None:
            self._log = structlog.get_logger(actor=self.name)
        return self._log

    @property
    def trace(self) -> str | None:
        """The causal id of the work in hand, the same from first message to last effect; None if there is none."""
        return current_trace()

    def trace_of(self, envelope: Envelope) -> str:
        """The causal id of one message of a batch."""
        return self._cell.exchange.trace_of(envelope.root)

    def adopt(self, trace: str | None) -> AbstractContextManager[None]:
        """Work in the block under the causal id that a row of the database carries; None keeps the present one.

        Where work is handed over as a row and not as a message, this keeps its history in one piece.
        """
        return adopted(self._cell, trace) if trace is not None else nullcontext()

    @property
    def duty(self) -> Duty:
        """The record of a worker, kept across incarnations."""
        if self._cell.duty is None:
            self._cell.duty = Duty(switched_on=self.settings.get("switched_on", True) is True)
        return self._cell.duty

    @property
    def stopping(self) -> bool:
        """True once the actor has been told to stop: long work should end at the next good place."""
        return self._cell.stopping

    def ref(self, name: str) -> Ref:
        """The address of another actor. Raises UnknownActor."""
        return Ref(self._home.find(name))

    def every(self, seconds: float, message: Cast) -> None:
        """Cast `message` to this actor now and then each `seconds`, by the clock, while this incarnation lives."""
        self.nursery.start_soon(self._repeat, seconds, message)

    def alert(self, kind: str, text: str) -> None:
        """Something needs an operator, until `end_alert` of the same kind: `kind` is its name, `text` one sentence."""
        if self._cell.exchange.alerts.begin(self.name, kind, text):
            self.log.error(kind, reason=text)

    def end_alert(self, kind: str) -> None:
        """This does not need an operator any more, if it did."""
        if self._cell.exchange.alerts.end(self.name, kind):
            self.log.info("alert is over", kind=kind)

    def happened(self, kind: str, text: str) -> None:
        """An operator should know of something that is over already: `kind` is its name, `text` one sentence."""
        self.log.error(kind, reason=text)
        self._cell.exchange.alerts.happened(self.name, kind, text)

    def follow_alerts(self) -> None:
        """From now on an `Alert` arrives when any actor needs an operator; of what lasts already, at once."""
        self._cell.exchange.alerts.follow(self._cell)

    def switch(self, name: str, on: bool) -> None:
        """Flip the kill switch of a worker, also of one that is to start yet.

        Raises UnknownActor, and ValueError for an actor that is not a worker.
        """
        flip(self._home.find(name), on)

    def monitor(self, name: str) -> None:
        """From now on a `Down` arrives each time an incarnation of `name` ends. Raises UnknownActor."""
        self._home.find(name).watch(self._cell)

    def unmonitor(self, name: str) -> None:
        """No more `Down` about `name`. Raises UnknownActor."""
        self._home.find(name).unwatch(self._cell)

    async def start_child(self, spec: ActorSpec) -> Ref:
        """Start an actor of one's own, named `parent/child`; it stops when this incarnation ends.

        A child that crashes is restarted by its own `restart` word; too often, and its parent crashes.
        Raises StartFailed, and ValueError if a child of that name lives already.
        """
        return Ref(await self._home.start_child(self._cell, spec))

    async def stop_child(self, name: str) -> None:
        """Drain and stop the child `name` (as given in its spec) for good. Raises UnknownActor."""
        await self._home.stop_child(self._cell, name)

    def finish(self) -> None:
        """End normally after the message in hand. A permanent actor is started again, any other is not."""
        self.finishing = True
        self._cell.mailbox.wake()

    async def close(self) -> None:
        """Close what was opened, even if cancelled; the runtime calls this. Raises TimeoutError if it hangs."""
        if self._stack is None:
            return
        with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSE_TIMEOUT) as patience:
            await self._stack.aclose()
        if patience.cancelled_caught:
            raise TimeoutError(f"did not close its resources within {CLOSE_TIMEOUT:g} s")

    async def _repeat(self, seconds: float, message: Cast) -> None:
        while True:
            self._cell.post(message, None)
            await self.clock.sleep(seconds)


class Actor:
    """Handles one message at a time (or one batch). Subclass and override."""

    batch: ClassVar[int] = 1
    """More than 1: `receive_batch` is called with up to so many waiting messages, instead of `receive`."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def started(self) -> None:
        """Open what is needed. The actor has started when this returns; only then the next one starts."""

    async def receive(self, message: Message) -> object:
        """Handle one message; what is returned answers a Call. End the `match` with `super().receive(message)`."""
        raise NotUnderstood(f"{self.context.name} does not understand {type(message).__name__}")

    async def receive_batch(self, envelopes: Sequence[Envelope]) -> None:
        """Handle some messages together, answering each by `envelope.reply` or `envelope.fail`.

        An answer may also come later, from a task of this incarnation. What is unanswered at a crash is ActorCrashed.
        """
        raise NotImplementedError(f"{type(self).__name__} has a batch size and must define receive_batch")

    async def stopping(self) -> None:
        """Last words: nothing is handled after this. Not called after a crash."""

    async def ready(self) -> None:
        """For kinds of actor that the runtime itself offers: called after `started`."""
