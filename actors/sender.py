"""`sender`: sends what the outbox holds, at the pace that Telegram allows, and records what became of each message.

Within a chat, messages go in the order in which they were written; one that must wait holds back the later
ones of its chat and nobody else's. A message whose outcome is unknown is sent again if it tells a fact about
money or access (N3), else left alone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import trio

from actors.environment import Environment
from actors.lanes import Lanes
from actors.messages import LookAgain, Write
from actors.screens import Shop, screen
from actors.words import Recipient
from domain.commands import SettleMessage
from domain.entities import MessageState
from domain.messages import decode
from domain.outbox import FACTS
from integrations.telegram.bot import TrioBot, open_bot
from integrations.telegram.outgoing import (
    Delivered,
    EditText,
    Outgoing,
    Permanent,
    SendText,
    Temporary,
    Unknown,
    deliver,
)
from integrations.telegram.pacing import Pacer
from runtime import Context, Message, Tick, Worker

_PAGE: Final = 200
_CHATS_AT_ONCE: Final = 4096
#: A thread that draws a QR code competes with the event loop for the interpreter; sixteen would hold it for 80 ms.
_DRAWN_AT_ONCE: Final = 1
_BELOW_ALL: Final = -(2**63)

_RETRY_SECONDS_FIRST: Final = 2.0
_RETRY_SECONDS_MAX: Final = 600.0

_SETTLE_SECONDS: Final = 8.0  # less than the actor's stop timeout

_WORDS: Final = {
    MessageState.SENT: "sent",
    MessageState.FAILED: "failed",
    MessageState.UNKNOWN: "unknown",
    MessageState.PENDING: "put off",
}

_CHATS: Final = """
    SELECT DISTINCT chat_id FROM outbox
    WHERE state = 'pending' AND not_before <= %s AND chat_id > %s
    ORDER BY chat_id LIMIT %s
"""

_PENDING: Final = """
    SELECT outbox.id, chat_id, kind, body::text AS body, attempts, not_before, trace,
        coalesce(chosen_language, language) AS language, time_zone
    FROM outbox LEFT JOIN users ON users.id = chat_id
    WHERE state = 'pending' AND chat_id = %s
    ORDER BY outbox.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat with messages that are due."""

    chat_id: int


@dataclass(frozen=True, slots=True)
class Pending:
    """An outbox row that has not been settled."""

    id: int
    chat_id: int
    kind: str
    body: str
    attempts: int
    not_before: datetime
    trace: str | None
    language: str | None
    time_zone: str | None


class Sender(Worker):
    """Sends pending messages when hinted, and every few seconds what was put off."""

    period = 2.0

    def __init__(self, context: Context, environment: Environment, shop: Shop) -> None:
        super().__init__(context)
        self._environment = environment
        self._readers = environment.readers
        self._metrics = environment.metrics
        self._writer = context.ref("db_writer")
        self._pacer = Pacer()
        self._drawing = trio.CapacityLimiter(_DRAWN_AT_ONCE)
        self._lanes = Lanes(context.nursery, self._send_chat, _CHATS_AT_ONCE, context.log)
        self._bot: TrioBot | None = None
        self._shop = shop

    async def started(self) -> None:
        """Open a connection of our own: what the poller does to its connection does not matter here."""
        api = self._environment.configuration.settings.telegram.api
        self._bot = await self.context.open(
            open_bot(self._environment.secrets.bot_token, api_base=api, introduce=False)
        )
        await super().started()

    async def receive(self, message: Message) -> object:
        """A hint means that the outbox has something new."""
        if isinstance(message, LookAgain):
            return await super().receive(Tick())
        return await super().receive(message)

    async def tick(self) -> None:
        """Wake the lane of every chat that has something due."""
        now, last = self.context.clock.now(), _BELOW_ALL
        while page := await self._readers.fetch(Chat, _CHATS, (now, last, _PAGE), reader=self.context.name):
            for chat in page:
                self._lanes.wake(chat.chat_id)
            last = page[-1].chat_id

    async def _send_chat(self, chat: int) -> None:
        while page := await self._readers.fetch(Pending, _PENDING, (chat, _PAGE), reader=self.context.name):
            for row in page:
                if row.not_before > self.context.clock.now():
                    return
                with self.context.adopt(row.trace):
                    if not await self._send(row):
                        return

    async def _send(self, row: Pending) -> bool:
        """Send one message and record the outcome; False where the rest of its chat has to wait."""
        try:
            outgoing = await trio.to_thread.run_sync(
                lambda: screen(
                    decode(row.body), row.chat_id, self._shop, Recipient(row.language, row.time_zone)
                ),
                limiter=self._drawing,
            )
        except Exception as error:  # one message of another version must not stop everybody's
            self.context.log.error("message cannot be read", outbox=row.id, exc_info=error)
            reason = f"cannot be read: {type(error).__name__}"
            await self._writer.call(
                Write(SettleMessage(outbox_id=row.id, state=MessageState.FAILED, error=reason))
            )
            return True
        outcome = await self._deliver(row.chat_id, outgoing)
        match outcome:
            case Delivered(message_id):
                settled = SettleMessage(outbox_id=row.id, state=MessageState.SENT, message_id=message_id)
            case Permanent(reason, unreachable):
                settled = SettleMessage(
                    outbox_id=row.id, state=MessageState.FAILED, error=reason, unreachable=unreachable
                )
            case Temporary(reason, retry_after):
                settled = self._put_off(row, reason, retry_after)
            case Unknown(reason) if row.kind in FACTS:
                settled = self._put_off(row, reason, None)
            case Unknown(reason):
                settled = SettleMessage(outbox_id=row.id, state=MessageState.UNKNOWN, error=reason)
        self._note(row, settled)
        with trio.CancelScope(shield=True):  # cancelled here, it would be said again
            await self._writer.call(Write(settled), timeout=_SETTLE_SECONDS)
        return settled.state is not MessageState.PENDING

    async def _deliver(self, chat: int, outgoing: Outgoing) -> Delivered | Permanent | Temporary | Unknown:
        assert self._bot is not None, "started opens the bot"
        while (at := self._pacer.earliest(chat, trio.current_time())) > trio.current_time():  # noqa: ASYNC110
            await trio.sleep_until(at)  # others may have taken the turn meanwhile
        turn = self._pacer.begin(chat, trio.current_time())
        with trio.CancelScope(shield=True):  # cut off half-way, nobody would know whether it arrived
            outcome = await deliver(self._bot, outgoing)
            if isinstance(outcome, Permanent) and not outcome.unreachable and isinstance(outgoing, EditText):
                # The message that this should replace is gone, or is a picture: say it in a new one.
                outcome = await deliver(self._bot, SendText(chat, outgoing.html, outgoing.buttons))
        ended = trio.current_time()
        self._pacer.finish(turn, ended)
        if isinstance(outcome, Temporary) and outcome.retry_after is not None:
            self._pacer.retry_after(outcome.retry_after, ended)
        return outcome

    def _note(self, row: Pending, settled: SettleMessage) -> None:
        word = _WORDS[settled.state]
        self._metrics.messages.labels(row.kind, word.replace(" ", "_")).inc()
        self.context.log.info(
            f"message {word}",
            outbox=row.id,
            chat=row.chat_id,
            kind=row.kind,
            attempt=row.attempts + 1,
            **({} if settled.error is None else {"error": settled.error}),
        )

    def _put_off(self, row: Pending, reason: str, retry_after: float | None) -> SettleMessage:
        backoff = min(_RETRY_SECONDS_FIRST * 2 ** min(row.attempts, 16), _RETRY_SECONDS_MAX)
        wait = timedelta(seconds=retry_after if retry_after is not None else backoff)
        return SettleMessage(
            outbox_id=row.id,
            state=MessageState.PENDING,
            error=reason,
            not_before=self.context.clock.now() + wait,
        )
