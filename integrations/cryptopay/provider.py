"""Crypto Pay as a payment provider: invoices with an address, asked for by their ids and swept from the newest on.

It has no refunds: what was paid goes back as a transfer that the operator makes in @CryptoBot, and records.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from starlette.routing import Route

from domain.entities import Provider
from integrations.cryptopay.client import PAGE_LIMIT, CryptoPay, CryptoPayRefused
from integrations.cryptopay.types import Invoice as CryptoInvoice
from integrations.cryptopay.types import Status
from integrations.cryptopay.webhook import webhook_route
from integrations.http_client import NotSent, OutcomeUnknown
from integrations.provider import (
    Charge,
    Invoice,
    InvoiceState,
    Order,
    PaymentProvider,
    Refused,
    Swept,
    TryLater,
)

#: Invoices are listed by when they were made, and ours are paid within a fraction of this.
_PAID_WITHIN: Final = timedelta(days=2)
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500

_STATUS: Final[dict[Status, Literal["open", "paid", "expired"]]] = {
    "active": "open",
    "paid": "paid",
    "expired": "expired",
}


class _Point(msgspec.Struct):
    """Where a sweep is: `offset` invoices behind the newest, made at `newest`, on the way to those before `since`."""

    since: datetime | None = None
    newest: datetime | None = None
    offset: int = 0


class CryptoPayProvider(PaymentProvider):
    """Money in cryptocurrencies; after paying, the person is offered `button_url`, the way back to the bot."""

    name = Provider.CRYPTOPAY

    def __init__(self, client: CryptoPay, token: str, button_url: str | None = None) -> None:
        self._client = client
        self._token = token
        self._button_url = button_url

    async def invoice(self, order: Order) -> Invoice | None:
        """An invoice of @CryptoBot."""
        with _as_a_provider():
            made = await self._client.create_invoice(
                order.price,
                description=order.description,
                payload=order.payload,
                expires_in=order.payable_seconds,
                paid_button_url=self._button_url,
            )
        return Invoice(str(made.invoice_id), made.pay_url)

    def webhook(
        self, path: str, now: Callable[[], datetime], accept: Callable[[Charge], Awaitable[None]]
    ) -> Route | None:
        """The route for "an invoice was paid"."""

        async def take(invoice: CryptoInvoice) -> None:
            charge = charge_of(invoice)
            if charge is not None:
                await accept(charge)

        return webhook_route(path, token=self._token, now=now, accept=take)

    async def ask(self, invoice_ids: Sequence[str]) -> Sequence[InvoiceState]:
        """How up to 1,000 invoices stand, expired ones included."""
        assert len(invoice_ids) <= PAGE_LIMIT, "one page"
        with _as_a_provider():
            found = await self._client.invoices([int(each) for each in invoice_ids])
        return [InvoiceState(str(each.invoice_id), _STATUS[each.status], charge_of(each)) for each in found]

    async def sweep(self, point: str, count: int) -> Swept:
        """A page of paid invoices, the newest first; the next sweep goes down to two days before the newest of this."""
        at = msgspec.json.decode(point or "{}", type=_Point)
        with _as_a_provider():
            page = await self._client.page(status="paid", offset=at.offset, count=count)
        made = [each.created_at for each in page.invoices]
        newest = max([*made, *([at.newest] if at.newest else [])], default=None)
        more = page.count == count and not (at.since and made and min(made) < at.since)
        if more:
            then = _Point(at.since, newest, at.offset + page.count)
        else:
            then = _Point(newest - _PAID_WITHIN if newest else at.since)
        charges = tuple(charge for each in page.invoices if (charge := charge_of(each)) is not None)
        return Swept(charges, msgspec.json.encode(then).decode(), more)


def charge_of(invoice: CryptoInvoice) -> Charge | None:
    """The payment of an invoice, None while it is not paid. An invoice is paid once, so its id is the charge's."""
    if invoice.status != "paid" or invoice.paid is None:
        return None
    return Charge(
        charge_id=str(invoice.invoice_id),
        amount=invoice.paid,
        payload=invoice.payload,
        payer=None,
        paid_at=invoice.paid_at,
    )


@contextmanager
def _as_a_provider() -> Iterator[None]:
    """What the client raises, in the words of a provider. An invoice that may have been made nobody knows to pay."""
    try:
        yield
    except (NotSent, OutcomeUnknown) as error:
        raise TryLater(str(error)) from None
    except CryptoPayRefused as error:
        if error.code == _TOO_MANY_REQUESTS or error.code >= _SERVER_ERROR:
            raise TryLater(str(error)) from None
        raise Refused(str(error)) from None
