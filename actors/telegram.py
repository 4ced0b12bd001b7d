"""`telegram`: updates in. Ingress puts them in the inbox, a child dispatches them in the order of each chat.

An update is confirmed to Telegram only after its inbox row is committed, and its row is done only in the
transaction of what it caused: a kill at any moment loses nothing and repeats nothing. Whether a person may
pay (pre-checkout) is answered straight from ingress, because Telegram waits ten seconds for it.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import trio
from telegram.error import TelegramError

from actors.dispatch import Dispatch
from actors.environment import Environment
from actors.introduction import introduce
from actors.messages import CheckOut, LookAgain, Write
from actors.screens import Shop
from actors.words import Recipient
from domain.commands import Received, RecordUpdates
from domain.entities import Provider, PurchaseStatus
from domain.payload import read_payload
from integrations.telegram.bot import TrioBot, open_bot
from integrations.telegram.outgoing import STARS, AnswerPreCheckout, deliver
from integrations.telegram.polling import poll
from integrations.telegram.raw_update import RawUpdate
from integrations.telegram.updates import PreCheckout, read_update
from integrations.telegram.webhook import set_webhook
from runtime import Actor, ActorSpec, Context, Message, Ref, Unavailable

#: Telegram gives up after 10 s; an answer of ours that takes longer than this is a no.
_CHECK_OUT_SECONDS: Final = 5.0

_INTRODUCTION_RETRY_SECONDS: Final = 30.0

_ORDER: Final = """
    SELECT status, provider, price, price_currency, valid_until,
        (SELECT chosen_language FROM users WHERE users.id = %s) AS chosen_language,
        NOT promo_held AND EXISTS (
            SELECT FROM promo_uses AS used WHERE used.code = promo_code AND used.user_id = purchases.user_id
                AND used.taken - (SELECT count(*) FROM purchases AS open WHERE open.user_id = used.user_id
                    AND open.promo_held AND open.promo_code = used.code) >= used.allowed
        ) AS code_spent,
        EXISTS (SELECT FROM switches WHERE name = 'payments' AND NOT switched_on) AS switched_off
    FROM purchases WHERE purchases.id = %s
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What a pre-checkout is compared with."""

    status: str
    provider: str
    price: int
    price_currency: str
    valid_until: datetime | None
    chosen_language: str | None
    #: The person has used its promo code up, elsewhere, since it lapsed.
    code_spent: bool
    #: Nothing is to be paid just now.
    switched_off: bool


class Telegram(Actor):
    """Receives updates by long polling (or sets the webhook, which the gateway serves) and answers pre-checkouts."""

    def __init__(self, context: Context, environment: Environment, shop: Shop) -> None:
        super().__init__(context)
        self._environment = environment
        self._shop = shop
        self._readers = environment.readers
        self._inbox = Inbox(context)
        self._bot: TrioBot | None = None

    async def started(self) -> None:
        """Start the dispatcher, then let updates in; Telegram need not answer for that."""
        environment = self._environment
        settings = environment.configuration.settings
        bot = await self.context.open(
            open_bot(environment.secrets.bot_token, api_base=settings.telegram.api, introduce=False)
        )
        self._bot = bot
        await self.context.start_child(
            ActorSpec("dispatch", partial(Dispatch, environment=environment, bot=bot))
        )
        self.context.me.cast(LookAgain())
        self.context.nursery.start_soon(self._introduce, bot)
        if settings.telegram.updates == "polling":
            self.context.nursery.start_soon(poll, bot, self._inbox.accept)

    async def _introduce(self, bot: TrioBot) -> None:
        """Have Telegram show our words, and send updates to the gateway if so configured; again until it does."""
        settings = self._environment.configuration.settings
        while True:
            try:
                if settings.telegram.updates == "webhook":
                    url = f"{settings.gateway.public_url.rstrip('/')}/webhooks/telegram"
                    await set_webhook(bot, url, secret=self._environment.secrets.webhook_secret)
                await introduce(bot, self._shop)
            except TelegramError as error:
                self.context.log.warning("not introduced", error=str(error))
                await self.context.clock.sleep(_INTRODUCTION_RETRY_SECONDS)
            else:
                return

    async def receive(self, message: Message) -> object:
        """Answer a pre-checkout, or pass the hint about new updates on."""
        match message:
            case CheckOut(body):
                self.context.nursery.start_soon(self._check_out, body)
                return None
            case LookAgain():
                self.context.ref("telegram/dispatch").cast(LookAgain())
                return None
            case _:
                return await super().receive(message)

    async def _check_out(self, body: bytes) -> None:
        asked = read_update(RawUpdate(0, None, body))
        if not isinstance(asked, PreCheckout):
            return
        assert self._bot is not None, "started opens the bot"
        words = self._shop.words_for(Recipient(asked.user.language))
        refusal: str | None = words.plain("refusal-unavailable")
        with suppress(Unavailable), trio.move_on_after(_CHECK_OUT_SECONDS):
            refusal = await self._refusal(asked)
        await deliver(self._bot, AnswerPreCheckout(asked.query_id, refusal))

    async def _refusal(self, asked: PreCheckout) -> str | None:
        """Why this must not be paid, None if it may: the invoice as it was made is what counts."""
        purchase, _ = read_payload(asked.payload)
        order = None
        if purchase is not None:
            keys = (asked.user.id, purchase)
            order = await self._readers.fetch_one(Order, _ORDER, keys, reader=self.context.name)
        chosen = None if order is None else order.chosen_language
        words = self._shop.words_for(Recipient(chosen or asked.user.language))
        provider = Provider.STARS if asked.currency == STARS else Provider.CARDS
        if order is None or order.provider != provider:
            return words.plain("refusal-unknown")
        if order.status not in (PurchaseStatus.INVOICED, PurchaseStatus.LAPSED):
            return words.plain("refusal-paid")
        if order.valid_until is not None and order.valid_until < self.context.clock.now():
            return words.plain("refusal-late")
        if (order.price, order.price_currency) != (asked.total, asked.currency):
            return words.plain("refusal-price")
        if order.code_spent:
            return words.plain("refusal-code")
        if order.switched_off:
            return words.plain("refusal-off")
        return None


class Inbox:
    """Puts updates where a kill cannot lose them; used by the poller here and by the webhook in the gateway."""

    def __init__(self, context: Context) -> None:
        self._writer: Ref = context.ref("db_writer")
        self._telegram: Ref = context.ref("telegram")

    async def accept(self, updates: Sequence[RawUpdate]) -> None:
        """Record the updates; returns after the commit. Pre-checkouts are handed on at once instead."""
        waiting = []
        for update in updates:
            if b'"pre_checkout_query"' in update.payload and isinstance(read_update(update), PreCheckout):
                self._telegram.cast(CheckOut(update.payload))
            else:
                waiting.append(Received(update.update_id, update.chat_id or 0, update.payload.decode()))
        if waiting:
            await self._writer.call(Write(RecordUpdates(tuple(waiting))))
            self._telegram.cast(LookAgain())
