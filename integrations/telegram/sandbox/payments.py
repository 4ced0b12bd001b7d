"""Checkouts: what happens between "Pay" and the bot's `successful_payment`.

A payer needs the Stars or a card that works; Telegram then asks the bot (`pre_checkout_query`) and waits ten seconds;
a yes moves the money and makes the charge in the same step, so a kill in between leaves either no payment or a whole
one. A card is tried only after the bot said yes, as by a real payment provider, so a yes is not yet a payment.
"""

from typing import Final

import msgspec
import trio

from integrations.telegram.sandbox.errors import QUERY_TOO_OLD, bad_request
from integrations.telegram.sandbox.state import Person, StoredInvoice, World
from integrations.telegram.sandbox.subscriptions import Subscriptions
from integrations.telegram.sandbox.till import STARS, Till
from integrations.telegram.sandbox.updates import UpdateQueue
from integrations.telegram.sandbox.wire import PreCheckoutQuery

PRE_CHECKOUT_SECONDS: Final = 10
_FIRST_QUERY: Final = 1_600_000_000_000_001


class Outcome(msgspec.Struct, omit_defaults=True):
    """How a payment ended, for whoever pressed Pay."""

    paid: bool
    reason: str | None = None
    charge_id: str | None = None
    message_id: int | None = None


class _Checkout(msgspec.Struct):
    person: int
    invoice: int
    asked: int
    outcome: Outcome | None = None


class Payments:
    """Checkouts in progress."""

    def __init__(self, world: World, updates: UpdateQueue, till: Till, subscriptions: Subscriptions) -> None:
        self._world = world
        self._updates = updates
        self._till = till
        self._subscriptions = subscriptions
        self._checkouts = world.store.collection("telegram/checkouts", _Checkout)

    async def pay(self, payer: Person, invoice: StoredInvoice) -> Outcome:
        """The payer accepts the payment sheet; returns when it is decided, within `PRE_CHECKOUT_SECONDS`."""
        if invoice.currency == STARS and (obstacle := self._till.obstacle(payer, invoice)) is not None:
            return Outcome(False, reason=obstacle)
        with self._world.store.transaction():
            query_id = self._ask(payer, invoice)
        with trio.move_on_after(PRE_CHECKOUT_SECONDS):
            while self._outcome(query_id) is None:
                await self._world.signals.wait(f"checkout:{query_id}")
        outcome = self._outcome(query_id)
        if outcome is None:
            outcome = Outcome(False, reason=f"the bot did not answer within {PRE_CHECKOUT_SECONDS} s")
            self._decide(query_id, outcome)
        return outcome

    def answer(self, query_id: str, ok: bool, error_message: str) -> None:
        """`answerPreCheckoutQuery`; a yes in time is the payment. Raises `BotApiError` when it is too late."""
        checkout = self._checkouts.get(query_id)
        if (
            checkout is None
            or checkout.outcome is not None
            or self._world.now() - checkout.asked > PRE_CHECKOUT_SECONDS
        ):
            raise bad_request(QUERY_TOO_OLD)
        self._decide(query_id, self._take(checkout) if ok else Outcome(False, reason=error_message))

    def _ask(self, payer: Person, invoice: StoredInvoice) -> str:
        query_id = str(self._world.store.next_id("telegram/checkout_id", first=_FIRST_QUERY))
        self._checkouts.put(query_id, _Checkout(payer.id, invoice.id, self._world.now()))
        self._updates.add(
            pre_checkout_query=PreCheckoutQuery(
                id=query_id,
                sender=payer.user(),
                currency=invoice.currency,
                total_amount=invoice.total_amount,
                invoice_payload=invoice.payload,
            )
        )
        return query_id

    def _outcome(self, query_id: str) -> Outcome | None:
        checkout = self._checkouts.get(query_id)
        return checkout.outcome if checkout else None

    def _decide(self, query_id: str, outcome: Outcome) -> None:
        checkout = self._checkouts.get(query_id)
        assert checkout is not None, "a checkout is decided that was never asked"
        checkout.outcome = outcome
        self._checkouts.put(query_id, checkout)
        self._world.signals.notify(f"checkout:{query_id}")

    def _take(self, checkout: _Checkout) -> Outcome:
        payer, invoice = self._world.person(checkout.person), self._till.invoice(checkout.invoice)
        if (obstacle := self._till.obstacle(payer, invoice)) is not None:
            return Outcome(False, reason=obstacle)
        now = self._world.now()
        period_end = now + invoice.subscription_period if invoice.subscription_period else None
        charge, entry = self._till.take(payer, invoice, date=now, period_end=period_end)
        if period_end is not None:
            self._subscriptions.begin(charge, period_end)
        return Outcome(True, charge_id=charge.id, message_id=entry.message.message_id)
