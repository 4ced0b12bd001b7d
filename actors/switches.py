"""`switches`: keeps what operators have switched off, and has the workers obey it, over restarts too.

How a switch stands is a row that the writer keeps; here the rows become the switches of workers in the runtime, an
alert for each that is off, so that it stands wherever status is, and a metric. What functions do while they are off is
decided where their commands are (`domain.switches`).
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from actors.environment import Environment
from actors.messages import Flip, LookAgain, Write
from actors.reading import DatabaseAway, Reading
from domain.commands import SetSwitch, Verdict
from domain.entities import Function
from runtime import Actor, Ask, Context, Declined, Message, UnknownActor
from runtime.alerts import SWITCHED_OFF

#: An order is obeyed at once; this is for a row that was changed without one.
_LOOK_SECONDS: Final = 15.0

_SWITCHES: Final = (
    "SELECT name, switched_on, changed_by, reason, changed_at FROM switches ORDER BY name LIMIT 1000"
)


@dataclass(frozen=True, slots=True)
class SwitchRow:
    """A switch that was used, as the database has it."""

    name: str
    switched_on: bool
    changed_by: str
    reason: str
    changed_at: datetime

    @property
    def sentence(self) -> str:
        """That it is off, by whom, since when and why."""
        why = f", {self.reason}" if self.reason else ""
        return f"{self.name}: switched off by {self.changed_by} at {self.changed_at:%Y-%m-%d %H:%M} UTC{why}"


class Order(msgspec.Struct):
    """What an operator asks for on the command line; a repeat of a `request` gets the first answer."""

    name: str
    on: bool
    by: str
    reason: str = ""
    request: str | None = None


class Switches(Actor):
    """Obeys the rows, and takes orders. It is no worker: nobody should be able to switch it off."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._metrics = environment.metrics
        self._entropy = environment.entropy
        self._nodes = [f"vpn/{node.name}" for node in environment.nodes]
        self._writer = context.ref("db_writer")

    async def started(self) -> None:
        """Obey before anybody after us starts; without the database nobody gets anything done either."""
        with suppress(DatabaseAway):
            await self._obey()
        self.context.every(_LOOK_SECONDS, LookAgain())

    async def receive(self, message: Message) -> object:
        """Take an order: from the bot, or as JSON from the command line."""
        match message:
            case LookAgain():
                with suppress(DatabaseAway):
                    await self._obey()
                return None
            case Flip(command):
                return await self._flip(command)
            case Ask(body):
                return await self._asked(body)
            case _:
                return await super().receive(message)

    async def _asked(self, body: str) -> str:
        try:
            order = msgspec.json.decode(body, type=Order)
        except msgspec.DecodeError as error:
            raise Declined(f"the order is not one: {error}") from None
        request = order.request or self._entropy(8).hex()
        command = SetSwitch(request=request, by=order.by, reason=order.reason, name=order.name, on=order.on)
        verdict = await self._flip(command)
        if not verdict.done:
            raise Declined(verdict.why)
        return f"{order.name} is switched {'on' if order.on else 'off'}"

    async def _flip(self, command: SetSwitch) -> Verdict:
        if command.name not in set(Function):
            try:  # it obeys at once, even if the database could not keep that
                self.context.switch(command.name, command.on)
            except (UnknownActor, ValueError) as error:
                return Verdict(False, f"{error}; functions are {', '.join(Function)}")
        verdict = await self._writer.call(Write(command))
        await self._obey()
        return verdict

    async def _obey(self) -> None:
        rows = await self._readers.fetch(SwitchRow, _SWITCHES, reader=self.context.name)
        standing = {row.name: row.switched_on for row in rows}
        off = {worker for name, on in standing.items() if not on for worker in self._workers_of(name)}
        for worker in {worker for name in standing for worker in self._workers_of(name)}:
            with suppress(UnknownActor, ValueError):  # of another tree, or a node that has not begun
                self.context.switch(worker, worker not in off)
        for row in rows:
            if row.switched_on:
                self.context.end_alert(SWITCHED_OFF + row.name)
            else:
                self.context.alert(SWITCHED_OFF + row.name, row.sentence)
        for function in Function:
            self._metrics.switched_on.labels(function).set(standing.get(function, True))

    def _workers_of(self, name: str) -> list[str]:
        """The workers that a switch is of."""
        match name:
            case Function.PROVISIONING:
                return self._nodes
            case Function.BROADCASTS:
                return ["broadcast"]
            case Function.PAYMENTS | Function.SIGN_UPS:
                return []
            case worker:
                return [worker]


async def switched_off(readers: Reading, *, reader: str) -> frozenset[str]:
    """The names of what is off, for who starts workers of their own. Raises `DatabaseAway`."""
    rows = await readers.fetch(SwitchRow, _SWITCHES, reader=reader)
    return frozenset(row.name for row in rows if not row.switched_on)
