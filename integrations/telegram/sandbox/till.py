"""The till: takes what an invoice asks from a person, keeps the bot's account of Stars, and gives payments back.

Every payment is a charge with an id of its own, also when one invoice is paid again or by somebody else. Stars move
from the person to the bot and are a transaction that `getStarTransactions` shows; money on a card goes to the
payment provider, so Telegram keeps no account of it and cannot give it back.
"""

from typing import Final

import msgspec

from integrations.telegram.sandbox.state import Entry, Person, PersonError, StoredInvoice, World
from integrations.telegram.sandbox.updates import UpdateQueue
from integrations.telegram.sandbox.wire import (
    Content,
    RefundedPayment,
    StarTransaction,
    SuccessfulPayment,
    TransactionPartner,
)

STARS: Final = "XTR"


class Charge(msgspec.Struct):
    """A payment that happened; `subscription` is the id of the first charge of a series."""

    id: str
    person: int
    invoice: int
    currency: str
    total_amount: int
    date: int
    subscription: str | None = None
    refunded: bool = False


class Till:
    """Charges, and the bot's Star transactions in the order in which they happened."""

    def __init__(self, world: World, updates: UpdateQueue) -> None:
        self._world = world
        self._updates = updates
        self._charges = world.store.collection("telegram/charges", Charge)
        self._transactions = world.store.collection("telegram/star_transactions", StarTransaction)

    def obstacle(self, payer: Person, invoice: StoredInvoice) -> str | None:
        """Why the person cannot pay the invoice now, None if they can."""
        if invoice.currency != STARS:
            return "the card was declined" if payer.card == "declined" else None
        if payer.stars < invoice.total_amount:
            return f"not enough Stars: {invoice.total_amount} needed, {payer.stars} there"
        return None

    def take(
        self,
        payer: Person,
        invoice: StoredInvoice,
        *,
        date: int,
        period_end: int | None = None,
        subscription: str | None = None,
    ) -> tuple[Charge, Entry]:
        """Charge a person who can pay: the money, the transaction, the service message, the bot's update.

        `period_end` makes it a charge of a subscription: of the one given, or the first of a new one.
        """
        assert self.obstacle(payer, invoice) is None, (
            "who takes has looked whether there is something to take"
        )
        charge = self._charge(payer, invoice, date)
        if period_end is not None:
            charge.subscription = subscription or charge.id
        self._charges.put(charge.id, charge)
        if charge.currency == STARS:
            payer.stars -= charge.total_amount
            self._record(charge, payer, invoice, date, incoming=True)
        payer.started = True
        self._world.save_person(payer)
        invoice.payers.append(payer.id)
        self._save(invoice)
        payment = _payment(charge, invoice, period_end)
        entry = self._world.post(payer, payer.user(), Content(successful_payment=payment), date=date)
        self._updates.add(message=entry.message)
        return charge, entry

    def give_back(self, charge: Charge) -> None:
        """Give the Stars of a charge back: balances, a transaction of the same id, a service message."""
        assert charge.currency == STARS, "a card's money is with its provider"
        assert not charge.refunded, "a charge is given back once"
        person, invoice = self._world.person(charge.person), self.invoice(charge.invoice)
        charge.refunded = True
        self._charges.put(charge.id, charge)
        person.stars += charge.total_amount
        self._world.save_person(person)
        invoice.payers.remove(person.id)
        self._save(invoice)
        self._record(charge, person, invoice, self._world.now(), incoming=False)
        refunded = RefundedPayment(
            currency=charge.currency,
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
        """A page of the bot's transactions, oldest first; a negative limit is no limit."""
        # They are numbered from 1 without gaps, so the number to skip is the last number that is skipped.
        return [transaction for _, transaction in self._transactions.items(after=offset, limit=limit)]

    def balance(self) -> int:
        """The bot's Stars."""
        return sum(each.amount if each.source else -each.amount for each in self.transactions(0, -1))

    def invoice(self, invoice_id: int) -> StoredInvoice:
        """The invoice of that number; raises `PersonError` if there is none."""
        invoice = self._world.invoices.get(invoice_id)
        if invoice is None:
            raise PersonError(f"there is no invoice {invoice_id}", 404)
        return invoice

    def _charge(self, payer: Person, invoice: StoredInvoice, date: int) -> Charge:
        kind = "stx" if invoice.currency == STARS else "card"
        return Charge(
            id=f"{kind}SANDBOX{self._world.store.next_id('telegram/charge'):08d}",
            person=payer.id,
            invoice=invoice.id,
            currency=invoice.currency,
            total_amount=invoice.total_amount,
            date=date,
        )

    def _record(
        self, charge: Charge, person: Person, invoice: StoredInvoice, date: int, *, incoming: bool
    ) -> None:
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
            date=date,
            source=partner if incoming else None,
            receiver=None if incoming else partner,
        )
        self._transactions.put(self._world.store.next_id("telegram/star_transaction"), transaction)

    def _save(self, invoice: StoredInvoice) -> None:
        self._world.invoices.put(invoice.id, invoice)
        if invoice.chat is not None and invoice.message_id is not None:
            self._world.touch(invoice.chat, invoice.message_id)


def _payment(charge: Charge, invoice: StoredInvoice, period_end: int | None) -> SuccessfulPayment:
    first = charge.subscription == charge.id
    return SuccessfulPayment(
        currency=charge.currency,
        total_amount=charge.total_amount,
        invoice_payload=invoice.payload,
        telegram_payment_charge_id=charge.id,
        provider_payment_charge_id="" if charge.currency == STARS else f"sandbox_{charge.id}",
        subscription_expiration_date=period_end,
        is_recurring=True if charge.subscription else None,
        is_first_recurring=True if first else None,
    )
