"""Who waits is woken, who watches is told.

`Signals` wakes tasks of this process that wait for one named thing (an answer, an update, a chat). `Events` is the
stream that a browser watches: numbered, with the last thousand kept, so that one who comes back misses nothing.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

import msgspec
import trio

EVENTS_KEPT: Final = 1000
#: A comment is sent when nothing else is, so that a dead connection is noticed.
HEARTBEAT_SECONDS: Final = 15.0
#: Room for the events of one start; the numbers of the next start lie above.
EVENTS_PER_START: Final = 1 << 32


class Signals:
    """Names that tasks wait for. Check the state, then `await wait(name)`: nothing runs in between."""

    def __init__(self) -> None:
        self._waiting: dict[str, trio.Event] = {}

    def notify(self, name: str) -> None:
        """Wake everybody who waits for the name now."""
        event = self._waiting.pop(name, None)
        if event is not None:
            event.set()

    async def wait(self, name: str) -> None:
        """Return at the next `notify` of the name; put a deadline around it."""
        await self._waiting.setdefault(name, trio.Event()).wait()


class Event(msgspec.Struct, omit_defaults=True):
    """Something that a page should show; `person` is whose chat it concerns."""

    kind: str
    person: int | None = None
    text: str | None = None
    show_alert: bool = False
    url: str | None = None


class Events:
    """The numbered stream behind `/sandbox/events`; `start` is how often this state was started before."""

    def __init__(self, start: int) -> None:
        self._signals = Signals()
        self._next = start * EVENTS_PER_START + 1
        self._kept: deque[tuple[int, Event]] = deque(maxlen=EVENTS_KEPT)

    def publish(self, event: Event) -> None:
        """Tell every watcher."""
        self._kept.append((self._next, event))
        self._next += 1
        self._signals.notify("published")

    async def follow(self, last: int | None, write: Callable[[str], Awaitable[None]]) -> NoReturn:
        """Write the stream in the server-sent events format, behind event `last` (None: from now on).

        A watcher who was away for longer than we remember gets a `reset`: it must load everything anew.
        """
        at = self._next if last is None else last + 1
        await write(f"retry: 1000\nid: {at - 1}\n\n")
        while True:
            if not self._oldest() <= at <= self._next:
                at = self._next
                await write(_frame(at - 1, Event("reset")))
            for number, event in [item for item in self._kept if item[0] >= at]:
                await write(_frame(number, event))
                at = number + 1
            if at == self._next:
                with trio.move_on_after(HEARTBEAT_SECONDS) as waiting:
                    await self._signals.wait("published")
                if waiting.cancelled_caught:
                    await write(": still here\n\n")

    def _oldest(self) -> int:
        return self._kept[0][0] if self._kept else self._next


def _frame(number: int, event: Event) -> str:
    return f"id: {number}\ndata: {msgspec.json.encode(event).decode()}\n\n"
