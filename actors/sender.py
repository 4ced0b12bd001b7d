"""`sender`: sends what the outbox holds, at the pace that Telegram allows, and records what became of each message.

What is urgent goes first; within a chat, messages of one priority go in the order in which they were written. A message
whose fate is not known is sent again if its kind promises that it arrives (N3). Of one that promises not to come twice,
the try is marked before it is sent: where a mark is found at the start, the process was killed meanwhile, and nobody
knows whether it arrived.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import trio

from actors.environment import Environment
from actors.letters import Letter, failed, other_way, settled
from actors.messages import LookAgain, Write
from actors.outbox import Due, Expired, Marked, OutboxReader
from actors.screens import Shop, screen
from actors.words import Recipient
from domain.commands import AbandonMessages, ClaimMessages, DropMessages, ReleaseMessages, SettleMessage
from domain.delivery import Promise
from domain.entities import MessageState, Priority
from domain.messages import decode
from integrations.telegram.bot import TrioBot, open_bot
from integrations.telegram.outgoing import Outcome, deliver
from integrations.telegram.pacing import GROUP_SECONDS, OVERALL_LIMIT, Pacer
from integrations.telegram.pump import Pump, Verdict
from runtime import Context, Message, Unavailable, Worker
from storage.flush import no_step

#: A thread that draws a QR code competes with the event loop for the interpreter; sixteen would hold it for 80 ms.
_DRAWN_AT_ONCE: Final = 1

#: A third of a second of sending: enough to never wait for a mark, and few to lose if the process is killed.
_MARKED_AHEAD: Final = 10

_WRITE_SECONDS: Final = 8.0  # less than the actor's stop timeout

#: After a message its chat waits a second anyway; what follows it there is looked for in the meantime.
_LOOK_AGAIN_SECONDS: Final = 0.5

_WORDS: Final = {
    MessageState.SENT: "sent",
    MessageState.FAILED: "failed",
    MessageState.UNKNOWN: "unknown",
    MessageState.PENDING: "put off",
    MessageState.DROPPED: "dropped",
}


class Sender(Worker):
    """Sends pending messages when hinted, and every few seconds what was put off."""

    period = 2.0

    #: Told each step as it has been taken (crash tests).
    step: Callable[[str], None] = staticmethod(no_step)

    def __init__(self, context: Context, environment: Environment, shop: Shop) -> None:
        super().__init__(context)
        self._environment = environment
        self._metrics = environment.metrics
        self._outbox = OutboxReader(environment.readers, context.name)
        self._writer = context.ref("db_writer")
        self._pacer = Pacer()
        self._pump: Pump[Letter] = Pump(
            self,
            self._pacer,
            priorities=len(Priority),
            prepared_ahead=_MARKED_AHEAD,
            open_for=lambda: self.duty.switched_on and not self.context.stopping,
        )
        self._drawing = trio.CapacityLimiter(_DRAWN_AT_ONCE)
        self._bot: TrioBot | None = None
        self._shop = shop
        self._has_taken_over = False
        #: Messages that are marked, or being marked, by us.
        self._ours: set[int] = set()
        #: Messages settled since the present look began to read, which may show them as they were before.
        self._settled_meanwhile: set[int] = set()
        self._will_look = False

    async def started(self) -> None:
        """Open a connection of our own: what the poller does to its connection does not matter here."""
        api, secrets = self._environment.configuration.settings.telegram.api, self._environment.secrets
        self._bot = await self.context.open(
            open_bot(
                secrets.bot_token, api_base=api, introduce=False, provider_token=secrets.cards_token or ""
            )
        )
        self.context.nursery.start_soon(self._pump.run)
        await super().started()

    async def receive(self, message: Message) -> object:
        """A hint means that the outbox has something new."""
        if isinstance(message, LookAgain):
            if self._has_taken_over and self.duty.switched_on and not self.context.stopping:
                await self._look()
            return None
        return await super().receive(message)

    async def tick(self) -> None:
        """Drop what is too late, and offer the pump what is due."""
        if not self._has_taken_over:
            await self._take_over()
        else:
            await self._release_what_nobody_sends()
        await self._drop_expired()
        await self._look()
        self._pump.wake()

    async def _take_over(self) -> None:
        """Go on after whoever sent before us: their marks are given up, and the pace of their last minute counts."""
        marked: Marked | None = None
        while page := await self._outbox.marked(marked):
            marked = page[-1]
            numbers = tuple(each.id for each in page)
            self.context.log.warning("messages may have been sent before the restart", outbox=numbers)
            await self._writer.call(Write(AbandonMessages(numbers)))
        clock, now = self.context.clock.now(), trio.current_time()
        since = clock - timedelta(seconds=GROUP_SECONDS)
        for each in reversed(await self._outbox.sent_since(since, int(OVERALL_LIMIT * GROUP_SECONDS))):
            self._pacer.recall(each.chat_id, min(now, now - (clock - each.settled_at).total_seconds()))
        self._has_taken_over = True

    async def _release_what_nobody_sends(self) -> None:
        """Take off the marks that were set after we had stopped waiting for them."""
        last: Marked | None = None
        while page := await self._outbox.marked(last):
            last = page[-1]
            if lost := tuple(each.id for each in page if each.id not in self._ours):
                await self._writer.call(Write(ReleaseMessages(lost)))

    async def _drop_expired(self) -> None:
        now = self.context.clock.now()
        last: Expired | None = None
        while page := await self._outbox.expired(now, last):
            last = page[-1]
            dropped = await self._writer.call(Write(DropMessages(tuple(each.id for each in page))))
            self.context.log.info("messages dropped", outdated=dropped)

    async def _look(self) -> None:
        """Offer what is due, the most urgent first, as much as there is room for."""
        now = self.context.clock.now()
        self._settled_meanwhile.clear()
        for priority in Priority:
            last: Due | None = None
            while self._pump.room(priority) > 0 and (page := await self._outbox.due(priority, now, last)):
                last = page[-1]
                for row in page:
                    if self._pump.room(priority) > 0 and row.id not in self._settled_meanwhile:
                        self._pump.offer(row.chat_id, priority, Letter(row))
        self.step("read")

    def _look_before_long(self) -> None:
        if not self._will_look:
            self._will_look = True
            self.context.nursery.start_soon(self._look_soon)

    async def _look_soon(self) -> None:
        await trio.sleep(_LOOK_AGAIN_SECONDS)
        self._will_look = False
        self.context.me.cast(LookAgain())

    # What the pump asks for.

    async def prepare(self, what: Letter) -> bool:
        """Make its words and pictures, and mark it if it must not be sent twice."""
        row = what.row
        with self.context.adopt(row.trace):
            try:
                what.outgoing = await trio.to_thread.run_sync(
                    lambda: screen(
                        decode(row.body), row.chat_id, self._shop, Recipient(row.language, row.time_zone)
                    ),
                    limiter=self._drawing,
                )
                promise = what.promise
            except Exception as error:  # one message of another version must not stop everybody's
                self.context.log.error("message cannot be read", outbox=row.id, exc_info=error)
                await self._record(row, failed(row, f"cannot be read: {type(error).__name__}"))
                return False
            self.step(f"{row.kind} prepared")
            return promise is Promise.AT_LEAST_ONCE or await self._mark(what)

    def expired(self, what: Letter) -> bool:
        """Whether it makes no sense any more."""
        return what.expired(self.context.clock.now())

    async def send(self, what: Letter) -> Outcome:
        """Send it, once."""
        assert self._bot is not None, "started opens the bot"
        assert what.outgoing is not None, "it was prepared"
        self.step(f"{what.row.kind} sending")
        outcome = await deliver(self._bot, what.outgoing)
        self.step(f"{what.row.kind} sent")
        return outcome

    async def settle(self, what: Letter, outcome: Outcome | None) -> Verdict:
        """Record what became of it."""
        if (other := other_way(what, outcome)) is not None:
            what.outgoing = other
            return Verdict.AGAIN
        with self.context.adopt(what.row.trace):
            if not await self._record(what.row, settled(what, outcome, self.context.clock.now())):
                return Verdict.UNRECORDED
        self._ours.discard(what.row.id)
        self.step(f"{what.row.kind} settled")
        return Verdict.DONE

    async def give_back(self, unsent: Sequence[Letter]) -> None:
        """Take the marks off what will not be sent now."""
        numbers = tuple(each.row.id for each in unsent if each.marked)
        if numbers:
            try:
                await self._writer.call(Write(ReleaseMessages(numbers)), timeout=_WRITE_SECONDS)
            except Unavailable as error:
                self.context.log.warning("marks are left", outbox=numbers, error=str(error))
        self.step("given back")

    async def _mark(self, letter: Letter) -> bool:
        """Mark it; False if it is not to be sent, or not now."""
        number = letter.row.id
        self._ours.add(number)
        try:
            with trio.CancelScope(shield=True):  # the mark is set or not, but we must know
                claim = Write(ClaimMessages((number,)))
                letter.marked = number in await self._writer.call(claim, timeout=_WRITE_SECONDS)
        except Unavailable as error:
            self.context.log.warning("message put off", outbox=number, error=str(error))
        if not letter.marked:
            self._ours.discard(number)
            self._look_before_long()
        self.step(f"{letter.row.kind} marked")
        return letter.marked

    async def _record(self, row: Due, settlement: SettleMessage) -> bool:
        """Write an outcome down; False if the writer does not answer."""
        try:
            await self._writer.call(Write(settlement), timeout=_WRITE_SECONDS)
        except Unavailable as error:
            self.context.log.warning("outcome not recorded", outbox=row.id, error=str(error))
            return False
        self._settled_meanwhile.add(row.id)
        self._note(row, settlement)
        self._look_before_long()
        return True

    def _note(self, row: Due, settlement: SettleMessage) -> None:
        word = _WORDS[settlement.state]
        self._metrics.messages.labels(row.kind, word.replace(" ", "_")).inc()
        self.context.log.info(
            f"message {word}",
            outbox=row.id,
            chat=row.chat_id,
            kind=row.kind,
            attempt=row.attempts + 1,
            **({} if settlement.error is None else {"error": settlement.error}),
        )
