"""Telegram Stars as a payment provider: the invoice is a message of the bot, a subscription is a link.

`getStarTransactions` lists in the order of time and only grows at its end, so a point of the sweep is how many
transactions were read.
"""

from typing import Final

from domain.entities import Provider
from integrations.provider import Charge, Invoice, Order, PaymentProvider, Refund, Swept
from integrations.telegram.bot import TrioBot
from integrations.telegram.payments import (
    StarTransaction,
    create_invoice_link,
    refund_stars,
    star_transactions,
    stop_subscription,
)

#: Read again at the start of each sweep, in case two transactions of one moment change places.
_OVERLAP: Final = 10


class Stars(PaymentProvider):
    """The Stars that people pay to a bot."""

    name = Provider.STARS

    def __init__(self, bot: TrioBot) -> None:
        self._bot = bot

    async def invoice(self, order: Order) -> Invoice | None:
        """A link for what is charged every month; anything else is an invoice message."""
        if not order.monthly:
            return None
        url = await create_invoice_link(self._bot, order)
        return Invoice(url.rpartition("/")[2], url)

    async def sweep(self, point: str, count: int) -> Swept:
        """A page of the bot's transactions."""
        offset = int(point or 0)
        page = await star_transactions(self._bot, offset, count)
        end = offset + page.count
        more = page.count == count
        found = tuple(_read(transaction) for transaction in page.transactions)
        return Swept(found, str(end if more else max(end - _OVERLAP, 0)), more)

    async def refund(self, charge_id: str, payer: int) -> None:
        """Give the Stars back."""
        await refund_stars(self._bot, payer, charge_id)

    async def stop(self, charge_id: str, payer: int) -> None:
        """Let the subscription end with the period that is paid."""
        await stop_subscription(self._bot, payer, charge_id)


def _read(transaction: StarTransaction) -> Charge | Refund:
    if not transaction.incoming:
        return Refund(
            charge_id=transaction.charge_id,
            amount=transaction.amount,
            payload=transaction.payload,
            payer=transaction.user_id,
        )
    return Charge(
        charge_id=transaction.charge_id,
        amount=transaction.amount,
        payload=transaction.payload,
        payer=transaction.user_id,
        paid_at=transaction.at,
        repeated=transaction.monthly,
    )
