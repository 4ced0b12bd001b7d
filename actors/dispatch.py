"""`telegram/dispatch`: handles what the inbox holds, in order within each chat, side by side between chats.

Handling an update is: read it, ask the writer for one command that carries its id. The command's key makes a
repeat harmless, so an update that was being handled when the process was killed is simply handled again.
"""

from dataclasses import dataclass
from typing import Final

from actors.admin import BROADCASTING, SWITCHING, order_of
from actors.announcing import Announcer
from actors.buying import Buying
from actors.environment import Environment
from actors.lanes import Lanes
from actors.messages import Flip, LookAgain, Write
from actors.providers import command_of
from actors.words import languages
from domain.commands import (
    Choose,
    EnterCode,
    FinalizePayment,
    FinishUpdate,
    MarkUnreachable,
    PayFromBalance,
    Person,
    PutAside,
    RecordRefund,
    Reissue,
    RenewNow,
    SetAutoRenewal,
    SetSwitch,
    Show,
    ShowSwitches,
    Start,
    StartTrial,
    TellRefusal,
)
from domain.entities import Provider
from integrations.provider import Charge, Refund
from integrations.telegram import updates
from integrations.telegram.bot import TrioBot
from integrations.telegram.outgoing import STARS, AnswerTap, deliver
from integrations.telegram.raw_update import RawUpdate
from runtime import Context, Message, Tick, Unavailable, Worker

_PAGE: Final = 100
_CHATS_AT_ONCE: Final = 4096

#: What a bigint can always hold.
_DIGITS_MAX: Final = 18

#: Chats of groups have negative ids; updates without a chat are kept under 0.
_BELOW_ALL: Final = -(2**63)

#: Commands that ask for a screen.
_SCREENS: Final = {
    "plans": "plans",
    "me": "account",
    "balance": "top_ups",
    "gift": "gifts",
    "invite": "invite",
    "renewal": "renewal",
    "language": "choices",
    "timezone": "choices",
}

_CHATS: Final = """
    SELECT DISTINCT chat_id FROM updates
    WHERE done_at IS NULL AND chat_id > %s
    ORDER BY chat_id LIMIT %s
"""

_WAITING: Final = """
    SELECT id, chat_id, body, trace FROM updates
    WHERE done_at IS NULL AND chat_id = %s
    ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat with updates that are not done."""

    chat_id: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """An update that is not done."""

    id: int
    chat_id: int
    body: str
    trace: str | None


class Dispatch(Worker):
    """Turns updates into commands."""

    period = 5.0

    def __init__(self, context: Context, environment: Environment, bot: TrioBot) -> None:
        super().__init__(context)
        self._environment = environment
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._bot = bot
        self._lanes = Lanes(context.nursery, self._handle_chat, _CHATS_AT_ONCE, context.log)
        self._buying = Buying(context, environment)
        language = environment.configuration.settings.shop.language
        self._announcer = Announcer(context, environment.readers, default=language)

    async def started(self) -> None:
        """Open the providers that make invoices; they need not answer for that."""
        await self._buying.open()
        await super().started()

    async def receive(self, message: Message) -> object:
        """A hint means that the inbox has something new."""
        return await super().receive(Tick() if isinstance(message, LookAgain) else message)

    async def tick(self) -> None:
        """Wake the lane of every chat that waits."""
        last = _BELOW_ALL
        while page := await self._readers.fetch(Chat, _CHATS, (last, _PAGE), reader=self.context.name):
            for chat in page:
                self._lanes.wake(chat.chat_id)
            last = page[-1].chat_id

    async def _handle_chat(self, chat: int) -> None:
        while page := await self._readers.fetch(Waiting, _WAITING, (chat, _PAGE), reader=self.context.name):
            for update in page:
                with self.context.adopt(update.trace):
                    if not await self._done(update):
                        return

    async def _done(self, update: Waiting) -> bool:
        """Handle one update; one that cannot be handled is counted, then parked, and must not stop the others."""
        try:
            await self._handle(update)
        except Unavailable:
            raise
        except Exception as error:
            self.context.log.error("update not handled", update=update.id, exc_info=error)
            await self._writer.call(Write(PutAside(update.id, type(error).__name__)))
            return False
        return True

    async def _handle(self, update: Waiting) -> None:
        inbound = updates.read_update(RawUpdate(update.id, update.chat_id, update.body.encode()))
        self.context.log.info(
            "update", update=update.id, chat=update.chat_id, holds=type(inbound).__name__.lower()
        )
        if isinstance(inbound, updates.Command | updates.Tap) and await self._by_an_admin(update, inbound):
            return
        match inbound:
            case updates.Command():
                await self._command(update, inbound)
            case updates.Text():
                await self._writer.call(Write(EnterCode(update.id, inbound.user, inbound.text, guess=True)))
            case updates.Tap():
                self.context.nursery.start_soon(deliver, self._bot, AnswerTap(inbound.query_id))
                await self._tap(update, inbound)
            case updates.Paid() | updates.Refunded():
                await self._writer.call(Write(_money(update, inbound)))
            case updates.Blocked() | updates.Unblocked():
                blocked = isinstance(inbound, updates.Blocked)
                await self._writer.call(Write(MarkUnreachable(update.id, inbound.user, blocked)))
            case _:
                if getattr(inbound, "suspicious", False):
                    self.context.log.error(
                        "update needs an operator", update=update.id, inbound=repr(inbound)
                    )
                await self._writer.call(Write(FinishUpdate(update.id)))

    async def _by_an_admin(self, update: Waiting, inbound: updates.Command | updates.Tap) -> bool:
        """Have an order carried out; False if this is none of an administrator's."""
        admins = self._environment.configuration.settings.admins.ids
        order = order_of(update.id, inbound, admins)
        if order is None:
            if isinstance(inbound, updates.Command) and inbound.user.id in admins:
                return await self._explained(update, inbound)
            return False
        if isinstance(inbound, updates.Tap):
            self.context.nursery.start_soon(deliver, self._bot, AnswerTap(inbound.query_id))
        if isinstance(order, SetSwitch):
            verdict = await self.context.ref("switches").call(Flip(order))
        else:
            verdict = await self._announcer.carry_out(order)
        if not verdict.done:
            await self._writer.call(Write(TellRefusal(update.id, inbound.user, verdict.why)))
        return True

    async def _explained(self, update: Waiting, command: updates.Command) -> bool:
        """Show an administrator what can be ordered; False if the command is none of theirs."""
        if command.name in BROADCASTING:
            await self._show(update, command.user, "broadcast")
        elif command.name in SWITCHING:
            await self._writer.call(Write(ShowSwitches(update.id, command.user.id)))
        else:
            return False
        return True

    async def _command(self, update: Waiting, command: updates.Command) -> None:
        user, argument = command.user, command.argument.strip()
        match command.name:
            case "start":
                await self._writer.call(Write(Start(update.id, user, argument)))
            case "trial":
                await self._writer.call(Write(StartTrial(update.id, user)))
            case "promo" | "code" if argument:
                await self._writer.call(Write(EnterCode(update.id, user, argument)))
            case "promo" | "code":
                await self._show(update, user, "code")
            case name:
                await self._show(update, user, _SCREENS.get(name, "help"))

    async def _show(self, update: Waiting, user: Person, screen: str, replaces: int | None = None) -> None:
        await self._writer.call(Write(Show(update.id, user, screen, replaces)))

    async def _tap(self, update: Waiting, tap: updates.Tap) -> None:
        verb, _, rest = tap.data.partition(":")
        match verb:
            case "show":
                await self._show(update, tap.user, rest, tap.message_id)
            case "buy":
                item, _, way = rest.rpartition(":")
                await self._buying.buy(update.id, tap, item, way)
            case "choose":
                await self._choose(update, tap, rest)
            case "trial":
                await self._writer.call(Write(StartTrial(update.id, tap.user, tap.message_id)))
            case "reissue":
                await self._writer.call(Write(Reissue(update.id, tap.user, tap.message_id)))
            case "renewal":
                switch = SetAutoRenewal(update.id, tap.user, rest == "on", tap.message_id)
                await self._writer.call(Write(switch))
            case "renew" if rest.isdecimal() and len(rest) <= _DIGITS_MAX:
                await self._writer.call(Write(RenewNow(update.id, tap.user, int(rest), tap.message_id)))
            case "settle" if rest.isdecimal() and len(rest) <= _DIGITS_MAX:
                command = PayFromBalance(update.id, tap.user, int(rest), tap.message_id)
                await self._writer.call(Write(command))
            case _:
                await self._show(update, tap.user, "help")

    async def _choose(self, update: Waiting, tap: updates.Tap, choice: str) -> None:
        """Pass on a choice that is among what we offer; a button of another time shows what there is now."""
        what, _, chosen = choice.partition(":")
        language = chosen if what == "language" and chosen in languages() else None
        offered = self._environment.configuration.settings.shop.time_zones
        time_zone = chosen if what == "time_zone" and chosen in offered else None
        await self._writer.call(Write(Choose(update.id, tap.user, language, time_zone, tap.message_id)))


def _money(update: Waiting, told: updates.Paid | updates.Refunded) -> FinalizePayment | RecordRefund:
    """What Telegram tells of a payment or its way back: Stars, or money on a card."""
    provider = Provider.STARS if told.amount.currency == STARS else Provider.CARDS
    if isinstance(told, updates.Refunded):
        refund = Refund(
            charge_id=told.charge_id, amount=told.amount, payload=told.payload, payer=told.user.id
        )
        return command_of(provider, refund, update.id)
    charge = Charge(
        charge_id=told.charge_id,
        amount=told.amount,
        payload=told.payload,
        payer=told.user.id,
        paid_at=told.paid_at,
        repeated=told.is_recurring,
    )
    return command_of(provider, charge, update.id)
