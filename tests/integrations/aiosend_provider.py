"""A payment provider whose SDK only speaks asyncio: Crypto Pay by `aiosend`, as a shop would add it, in one file.

turnpike has a client of its own for Crypto Pay; this one proves that any other SDK of the kind can stand in its place.
The SDK asks who it is while it is constructed, blocking, so that is done on a thread; and it reads amounts as floats,
so they are brought back to what Crypto Pay wrote by their shortest decimal form.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Literal

import aiohttp
import trio

from domain.entities import Provider
from domain.money import Money
from integrations.asyncio_library import AsyncioLibrary, open_asyncio
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

import aiosend  # isort: skip - after trio-asyncio
from aiosend.client import Network  # isort: skip
from aiosend.enums import InvoiceStatus  # isort: skip
from aiosend.exceptions import APIError, CryptoPayError  # isort: skip
from aiosend.types import Invoice as Wire  # isort: skip

_STATUS: Final[dict[str, Literal["open", "paid", "expired"]]] = {
    "active": "open",
    "paid": "paid",
    "expired": "expired",
}


class AiosendProvider(PaymentProvider):
    """Crypto Pay through its asyncio SDK."""

    name = Provider.CRYPTOPAY

    def __init__(self, library: AsyncioLibrary, client: aiosend.CryptoPay, seconds: float) -> None:
        self._library = library
        self._client = client
        self._seconds = seconds

    async def invoice(self, order: Order) -> Invoice | None:
        made = await self._call(
            partial(
                self._client.create_invoice,
                float(order.price.decimal()),
                currency_type="fiat",
                fiat=order.price.currency,
                description=order.description,
                payload=order.payload,
                expires_in=order.payable_seconds,
            )
        )
        return Invoice(str(made.invoice_id), made.bot_invoice_url)

    async def ask(self, invoice_ids: Sequence[str]) -> Sequence[InvoiceState]:
        found = await self._call(
            partial(self._client.get_invoices, invoice_ids=[int(each) for each in invoice_ids])
        )
        return [
            InvoiceState(str(each.invoice_id), _STATUS[InvoiceStatus(each.status).value], _charge(each))
            for each in found
        ]

    async def sweep(self, point: str, count: int) -> Swept:
        offset = int(point or 0)
        page = await self._call(partial(self._client.get_invoices, status="paid", offset=offset, count=count))
        more = len(page) == count
        charges = tuple(charge for each in page if (charge := _charge(each)) is not None)
        return Swept(charges, str(offset + count) if more else "", more)

    async def _call(self, function: Callable[[], Any]) -> Any:
        """The SDK declares its methods as if they did not have to be awaited, so no type holds here."""
        try:
            return await self._library.call(function, seconds=self._seconds)
        except APIError as error:
            raise Refused(str(error)) from None
        except (CryptoPayError, aiohttp.ClientError, OSError) as error:
            raise TryLater(f"{type(error).__name__}: {error}") from None


def _charge(invoice: Wire) -> Charge | None:
    if invoice.paid_at is None:
        return None
    assert invoice.fiat is not None, "this shop asks in its own currency"
    return Charge(
        charge_id=str(invoice.invoice_id),
        amount=Money.from_decimal(repr(invoice.amount), str(invoice.fiat)),
        payload=invoice.payload,
        payer=None,
        paid_at=invoice.paid_at,
    )


@asynccontextmanager
async def open_aiosend(token: str, api_base: str, seconds: float = 10.0) -> AsyncIterator[AiosendProvider]:
    """Open the SDK on a loop of its own; every call ends within `seconds`."""
    async with open_asyncio() as library:
        network = Network("the sandbox", f"{api_base}/api/{{method}}")
        client = await trio.to_thread.run_sync(partial(aiosend.CryptoPay, token, network))
        yield AiosendProvider(library, client, seconds)
