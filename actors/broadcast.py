"""`broadcast` (W8): writes the messages of what is announced, a little ahead of their sending, and reports on them.

What is written is in the outbox, so a restart in the middle repeats nobody (N6); the sender paces it behind everything
that is more urgent. Only some seconds of sending are written ahead: the outbox stays small, and a broadcast that is
cancelled has little to take back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from actors.audience import Aim, AudienceReader
from actors.environment import Environment
from actors.messages import LookAgain, Write
from actors.outcomes import Progress
from domain.commands import QueueBroadcast, QueueChanges, ReportBroadcast
from domain.entities import BroadcastAction, BroadcastAudience, BroadcastState
from runtime import Context, Iteration, Message, Tick, Worker

#: People, or messages that arrived, that are read at once.
_PAGE: Final = 500

#: Messages that may be written and not settled: some ten seconds of sending.
_AHEAD: Final = 300

#: From one look to the next while something is under way.
_BUSY_SECONDS: Final = 1.0

_GOING_ON: Final = """
    SELECT id, state, action, audience, plan, language, node, last_number, passed, since
    FROM broadcasts WHERE state <> 'draft' AND ended_at IS NULL AND id > %s
    ORDER BY id LIMIT %s
"""

_ARRIVED: Final = """
    SELECT id AS place, chat_id AS person, message_id FROM outbox
    WHERE broadcast_id = %s AND kind = 'announcement' AND state = 'sent' AND message_id IS NOT NULL
        AND id > %s AND id <= %s
    ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A broadcast that is not over."""

    id: int
    state: str
    action: str
    audience: str
    plan: str | None
    language: str | None
    node: str | None
    last_number: int
    passed: int
    since: int

    @property
    def aim(self) -> Aim:
        """Whom it is for."""
        return Aim(BroadcastAudience(self.audience), self.plan, self.language, self.node, self.id)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody for whom something is to be written, at a place in the scan; `message_id` is what they have."""

    place: int
    person: int
    message_id: int | None = None


@dataclass(slots=True)
class Run:
    """Where the scan of a broadcast is, up to where nobody was set aside, and what became of what was written."""

    cursor: int
    passed: int
    progress: Progress


class Broadcast(Worker):
    """Carries on whatever is under way; a look that runs out of time goes on where it stopped (W11)."""

    period: ClassVar[float] = 30.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        language = environment.configuration.settings.shop.language
        self._readers = environment.readers
        self._audience = AudienceReader(environment.readers, context.name, default=language)
        self._writer = context.ref("db_writer")
        self._runs: dict[tuple[int, int], Run] = {}
        self._will_look = False

    async def receive(self, message: Message) -> object:
        """A hint means that an operator has done something with a broadcast."""
        return await super().receive(Tick() if isinstance(message, LookAgain) else message)

    async def tick(self) -> Iteration:
        """One step of each broadcast that is not over."""
        passed, last, runs = Iteration(0, 0), 0, dict[tuple[int, int], Run]()
        while page := await self._readers.fetch(GoingOn, _GOING_ON, (last, _PAGE), reader=self.context.name):
            for each in page:
                run = runs[each.id, each.since] = self._runs.get((each.id, each.since)) or self._run(each)
                step = await self._carry_on(each, run)
                passed = Iteration(passed.due + step.due, passed.done + step.done, passed.more or step.more)
            last = page[-1].id
        self._runs = runs
        if runs and not self._will_look:
            self._will_look = True
            self.context.nursery.start_soon(self._look_soon)
        return passed

    async def _look_soon(self) -> None:
        await self.context.clock.sleep(_BUSY_SECONDS)
        self._will_look = False
        self.context.me.cast(Tick())

    def _run(self, broadcast: GoingOn) -> Run:
        progress = Progress(self._readers, self.context.name, broadcast.id, broadcast.since)
        return Run(broadcast.passed, broadcast.passed, progress)

    async def _carry_on(self, broadcast: GoingOn, run: Run) -> Iteration:
        progress, step = run.progress, Iteration(0, 0)
        await progress.look(lambda: self.out_of_time)
        if not progress.is_complete:
            return replace(step, more=True)
        is_at_the_end = broadcast.state == BroadcastState.CANCELLED
        if broadcast.state == BroadcastState.RUNNING:
            step, is_at_the_end = await self._write(broadcast, run)
        # What was written just now is seen in the next look.
        has_ended = is_at_the_end and step.due == 0 and progress.unsettled == 0
        if has_ended or progress.is_worth_telling(self.context.clock.now()):
            counts = progress.tell(self.context.clock.now())
            await self._writer.call(Write(ReportBroadcast(broadcast.id, counts, has_ended)))
        return step

    async def _write(self, broadcast: GoingOn, run: Run) -> tuple[Iteration, bool]:
        """Write for the next people, as many as there is room for; True once everybody has been written to."""
        room, passed = _AHEAD - run.progress.unsettled, Iteration(0, 0)
        while room > 0:
            scanned, end = await self._scan(broadcast, run.cursor)
            if end is None:
                # Whoever was set aside is looked at again, from where nobody was.
                run.cursor = run.passed
                return passed, not self._asides(broadcast)
            batch = scanned[:room]
            step = await self.together(
                batch, lambda rows: self._queue(broadcast, run, rows), key=lambda row: key_of(broadcast, row)
            )
            passed = Iteration(passed.due + step.due, passed.done + step.done)
            room -= step.done
            run.cursor = batch[-1].place if len(batch) < len(scanned) else end
            if not self._asides(broadcast):
                run.passed = run.cursor
            if self.out_of_time:
                return replace(passed, more=True), False
        return passed, False

    async def _scan(self, broadcast: GoingOn, cursor: int) -> tuple[list[Recipient], int | None]:
        """Who is meant on the next page, and where it ends; None after the last page."""
        if broadcast.action == BroadcastAction.SEND:
            people = await self._audience.page(broadcast.aim, cursor, broadcast.last_number, _PAGE)
            meant = [Recipient(each.number, each.id) for each in people if each.meant]
            return meant, people[-1].number if people else None
        parameters = (broadcast.id, cursor, broadcast.since, _PAGE)
        arrived = await self._readers.fetch(Recipient, _ARRIVED, parameters, reader=self.context.name)
        return arrived, arrived[-1].place if arrived else None

    async def _queue(self, broadcast: GoingOn, run: Run, rows: Sequence[Recipient]) -> int:
        if broadcast.action == BroadcastAction.SEND:
            people = tuple(row.person for row in rows)
            await self._writer.call(Write(QueueBroadcast(broadcast.id, people, run.passed)))
        else:
            sent = tuple((row.person, row.message_id) for row in rows if row.message_id is not None)
            await self._writer.call(Write(QueueChanges(broadcast.id, sent, run.passed)))
        return len(rows)

    def _asides(self, broadcast: GoingOn) -> bool:
        return any(key.startswith(f"broadcast:{broadcast.id}:") for key in self.duty.aside)


def key_of(broadcast: GoingOn, row: Recipient) -> str:
    """What a person is called while they are set aside: as their message is called in the outbox."""
    return f"broadcast:{broadcast.id}:{row.person}"
