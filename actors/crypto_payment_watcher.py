"""`crypto_payment_watcher` (W7): asks Crypto Pay for what was paid; the truth behind its webhook, which is only a hint.

Two questions a tick: how the invoices stand that we still wait for, and which were paid lately (one whose
answer was lost when it was made is known only by its payload). The webhook, the poll and the sweep all end in
the same `FinalizePayment`.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from actors.environment import Environment
from actors.messages import Write
from domain.commands import FinalizePayment
from domain.entities import Provider
from domain.payload import read_payload
from integrations.cryptopay.client import CryptoPay, CryptoPayRefused, open_cryptopay
from integrations.cryptopay.types import Invoice
from integrations.http_client import NotSent, OutcomeUnknown
from runtime import Context, Iteration, Ref, Worker

_PAGE: Final = 200

#: An invoice is payable for an hour, so one this old cannot be paid any more; the sweep would find it if it were.
_POLLED_FOR: Final = timedelta(days=2)

_AWAITED: Final = """
    SELECT id, invoice_id FROM purchases
    WHERE provider = 'cryptopay' AND status = 'invoiced' AND invoice_id IS NOT NULL AND id > %s
        AND created_at > %s
    ORDER BY id LIMIT %s
"""

_RECORDED: Final = """
    SELECT charge_id FROM payments WHERE provider = 'cryptopay' AND charge_id = ANY(%s)
    ORDER BY charge_id LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A purchase whose invoice has not been paid as far as we know."""

    id: int
    invoice_id: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A charge that is recorded already."""

    charge_id: str


class CryptoPaymentWatcher(Worker):
    """Polls open invoices and sweeps paid ones."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._settings = environment.configuration.settings.cryptopay
        self._token = environment.secrets.cryptopay_token
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._client: CryptoPay | None = None
        self._cursor = 0

    async def started(self) -> None:
        """Open the client; Crypto Pay need not answer for that. A shop without Crypto Pay has nothing to watch."""
        if self._settings is not None and self._token is not None:
            self._client = await self.context.open(open_cryptopay(self._token, api_base=self._settings.api))
        await super().started()

    async def tick(self) -> Iteration | None:
        """Ask for everything awaited, then for what was paid lately; where Crypto Pay is away, the next tick asks."""
        if self._client is None:
            return None
        try:
            return await self._ask(self._client)
        except (NotSent, OutcomeUnknown, CryptoPayRefused) as error:
            self.context.log.warning("Crypto Pay does not answer", error=str(error))
            return None

    async def _ask(self, client: CryptoPay) -> Iteration:
        since, due, done = self.context.clock.now() - _POLLED_FOR, 0, 0
        while page := await self._readers.fetch(
            Awaited, _AWAITED, (self._cursor, since, _PAGE), reader=self.context.name
        ):
            heard = await self._finalize(await client.invoices([int(row.invoice_id) for row in page]))
            due, done = due + heard.due, done + heard.done
            if not heard.more:  # else the next tick reads the page again, for what was not tried
                self._cursor = page[-1].id
            if heard.more or self.out_of_time:
                return Iteration(due, done, more=True)
        self._cursor = 0
        swept = await self._finalize((await client.page(status="paid", count=_PAGE)).invoices)
        return Iteration(due + swept.due, done + swept.done, swept.more)

    async def _finalize(self, invoices: list[Invoice]) -> Iteration:
        """Have the paid ones among these recorded that are not yet; one that fails holds up no other (W12)."""
        paid = {str(invoice.invoice_id): invoice for invoice in invoices if invoice.status == "paid"}
        if not paid:
            return Iteration(0, 0)
        known = await self._readers.fetch(Recorded, _RECORDED, (list(paid),), reader=self.context.name)
        new = [paid[charge] for charge in sorted(paid.keys() - {row.charge_id for row in known})]
        return await self.each(
            new, partial(finalize_invoice, self._writer), key=lambda invoice: str(invoice.invoice_id)
        )


async def finalize_invoice(writer: Ref, invoice: Invoice) -> None:
    """Have a paid invoice recorded, whoever heard of it first (R8); anything but a paid one is left alone."""
    if invoice.status != "paid" or invoice.paid is None:
        return
    purchase, payer = read_payload(invoice.payload)
    await writer.call(
        Write(
            FinalizePayment(
                provider=Provider.CRYPTOPAY,
                charge_id=str(invoice.invoice_id),
                amount=invoice.paid,
                purchase_id=purchase,
                payer=payer,
            )
        )
    )
