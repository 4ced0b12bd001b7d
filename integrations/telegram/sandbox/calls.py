"""The last Bot API calls, for people who ask "what did the bot do?", and faults that tests ask for.

An observer may judge every exchange and every update by a specification; what it finds stands beside the call.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, Protocol

import msgspec

from integrations.telegram.sandbox.errors import BotApiError, too_many_requests
from integrations.telegram.sandbox.wire import Update

CALLS_KEPT: Final = 1000


class Observer(Protocol):
    """A judge of the traffic; each method returns what is wrong, one sentence for each finding."""

    def on_exchange(self, method: str, params: Mapping[str, object], result: object) -> Sequence[str]:
        """A call and its result as JSON values; None for a refused call."""

    def on_update(self, update: Mapping[str, object]) -> Sequence[str]:
        """An update as it goes to the bot."""


class Call(msgspec.Struct, omit_defaults=True):
    """One call; `n` grows from 1 at each start of the sandbox."""

    n: int
    date: int
    method: str
    params: Mapping[str, object]
    status: int
    result: object = None
    error: str | None = None
    violations: Sequence[str] = ()


class CallLog:
    """The last `CALLS_KEPT` calls, oldest first, each judged by the observer if there is one."""

    def __init__(self, clock: Callable[[], datetime], observer: Observer | None) -> None:
        self._clock = clock
        self._observer = observer
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._next = 1

    def add(
        self, method: str, params: Mapping[str, object], result: object, status: int, error: str | None
    ) -> None:
        """Note a call; `result` is None for a refused one."""
        result = msgspec.to_builtins(result)
        violations = self._observer.on_exchange(method, params, result) if self._observer else ()
        self._append(method, params, result, status, error, violations)

    def judge(self, update: Update) -> None:
        """Note an update if there is something wrong with it."""
        if self._observer is None:
            return
        violations = self._observer.on_update(msgspec.to_builtins(update))
        if violations:
            self._append("(update)", {"update_id": update.update_id}, update, 200, None, violations)

    def _append(
        self,
        method: str,
        params: Mapping[str, object],
        result: object,
        status: int,
        error: str | None,
        violations: Sequence[str],
    ) -> None:
        date = int(self._clock().timestamp())
        self._calls.append(Call(self._next, date, method, params, status, result, error, violations))
        self._next += 1

    def after(self, n: int, method: str | None) -> list[Call]:
        """The calls behind number `n`, of one method if it is named."""
        wanted = method.lower() if method else None
        return [c for c in self._calls if c.n > n and (wanted is None or c.method.lower() == wanted)]


class Fault(msgspec.Struct):
    """Something that goes wrong with the next `count` calls of a method (`*`: of any).

    `429` and `500` refuse before anything happens; `drop` does what was asked and breaks the connection instead
    of answering, the case in which a bot cannot know.
    """

    method: str
    kind: Literal["429", "500", "drop"]
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    retry_after: Annotated[int, msgspec.Meta(ge=1)] = 1


class Faults:
    """The faults that are still to happen."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def take(self, method: str) -> Fault | None:
        """The fault that this call meets, counted down."""
        for fault in self.pending:
            if fault.method == "*" or fault.method.lower() == method.lower():
                fault.count -= 1
                if fault.count <= 0:
                    self.pending.remove(fault)
                return fault
        return None


def raise_fault(fault: Fault | None) -> None:
    """Refuse as the fault says; `drop` refuses nothing."""
    if fault is not None and fault.kind == "429":
        raise too_many_requests(fault.retry_after)
    if fault is not None and fault.kind == "500":
        raise BotApiError(500, "Internal Server Error: sandbox fault")
