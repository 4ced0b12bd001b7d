"""Telegram Stars: what happens between "Pay" and the bot's `successful_payment`.

A payer needs the Stars; Telegram then asks the bot (`pre_checkout_query`) and waits ten seconds; a yes moves the
Stars and makes the charge in the same step, so a kill in between leaves either no payment or a whole one. Every
payment has a charge id of its own, also when one invoice is paid again or by somebody else.
"""

from typing import Final

import msgspec
import trio

from integrations.telegram.sandbox.errors import QUERY_TOO_OLD, bad_request
from integrations.telegram.sandbox.state import Person, PersonError, StoredInvoice, World
from integrations.telegram.sandbox.updates import UpdateQueue
from integrations.telegram.sandbox.wire import (
    Content,
    PreCheckoutQuery,
    RefundedPayment,
    StarTransaction,
    SuccessfulPayment,
    TransactionPartner,
)

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


class Charge(msgspec.Struct):
    """A payment that happened."""

    id: str
    person: int
    invoice: int
    total_amount: int
    date: int
    refunded: bool = False


class Payments:
    """Checkouts in progress, charges, and the bot's Star transactions."""

    def __init__(self, world: World, updates: UpdateQueue) -> None:
        self._world = world
        self._updates = updates
        self._checkouts = world.store.collection("telegram/checkouts", _Checkout)
        self._charges = world.store.collection("telegram/charges", Charge)
        self._transactions = world.store.collection("telegram/star_transactions", StarTransaction)

    # The payer's side

    async def pay(self, payer: Person, invoice: StoredInvoice) -> Outcome:
        """The payer accepts the payment sheet; returns when it is decided, within `PRE_CHECKOUT_SECONDS`."""
        if payer.stars < invoice.total_amount:
            return Outcome(
                False, reason=f"not enough Stars: {invoice.total_amount} needed, {payer.stars} there"
            )
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

    # The bot's side

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

    def refund(self, charge: Charge) -> None:
        """Give the Stars of a charge back: balances, a transaction of the same id, a service message."""
        person = self._world.person(charge.person)
        invoice = self._invoice(charge.invoice)
        charge.refunded = True
        self._charges.put(charge.id, charge)
        person.stars += charge.total_amount
        self._world.save_person(person)
        invoice.payers.remove(person.id)
        self._save(invoice)
        self._record(charge, person, invoice, incoming=False)
        refunded = RefundedPayment(
            currency=invoice.currency,
            total_amount=charge.total_amount,
            invoice_payload=invoice.payload,
            telegram_payment_charge_id=charge.id,
        )
        entry = self._world.post(person, person.user(), Content(refunded_payment=refunded))
        self._updates.add(message=entry.message)

    def charge(self, charge_id: str) -> Charge | None:
        """The charge of that id."""
        return self._charges.get(charge_id)

    def transactions(self, offset: int, limit: int) -> list[StarTransaction]:
        """A page of the bot's transactions, oldest first."""
        return [t for _, t in self._transactions.items()[offset : offset + limit]]

    def balance(self) -> int:
        """The bot's Stars."""
        return sum(t.amount if t.source else -t.amount for _, t in self._transactions.items())

    def _take(self, checkout: _Checkout) -> Outcome:
        payer = self._world.person(checkout.person)
        invoice = self._invoice(checkout.invoice)
        if payer.stars < invoice.total_amount:
            return Outcome(False, reason="the Stars were spent elsewhere meanwhile")
        charge = self._new_charge(payer, invoice)
        payer.stars -= invoice.total_amount
        payer.started = True
        self._world.save_person(payer)
        invoice.payers.append(payer.id)
        self._save(invoice)
        self._record(charge, payer, invoice, incoming=True)
        payment = SuccessfulPayment(
            currency=invoice.currency,
            total_amount=invoice.total_amount,
            invoice_payload=invoice.payload,
            telegram_payment_charge_id=charge.id,
            provider_payment_charge_id="",
        )
        if invoice.subscription_period:
            payment.subscription_expiration_date = self._world.now() + invoice.subscription_period
            payment.is_recurring = payment.is_first_recurring = True
        entry = self._world.post(payer, payer.user(), Content(successful_payment=payment))
        self._updates.add(message=entry.message)
        return Outcome(True, charge_id=charge.id, message_id=entry.message.message_id)

    def _new_charge(self, payer: Person, invoice: StoredInvoice) -> Charge:
        number = self._world.store.next_id("telegram/charge")
        charge = Charge(
            id=f"stxSANDBOX{number:08d}",
            person=payer.id,
            invoice=invoice.id,
            total_amount=invoice.total_amount,
            date=self._world.now(),
        )
        self._charges.put(charge.id, charge)
        return charge

    def _record(self, charge: Charge, person: Person, invoice: StoredInvoice, *, incoming: bool) -> None:
        partner = TransactionPartner(
            type="user",
            transaction_type="invoice_payment",
            user=person.user(),
            invoice_payload=invoice.payload,
            subscription_period=invoice.subscription_period,
        )
        transaction = StarTransaction(
            id=charge.id,
            amount=charge.total_amount,
            date=self._world.now(),
            source=partner if incoming else None,
            receiver=None if incoming else partner,
        )
        self._transactions.put(self._world.store.next_id("telegram/star_transaction"), transaction)

    def _save(self, invoice: StoredInvoice) -> None:
        self._world.invoices.put(invoice.id, invoice)
        if invoice.chat is not None and invoice.message_id is not None:
            self._world.touch(invoice.chat, invoice.message_id)

    def _invoice(self, invoice_id: int) -> StoredInvoice:
        invoice = self._world.invoices.get(invoice_id)
        if invoice is None:
            raise PersonError(f"there is no invoice {invoice_id}", 404)
        return invoice
