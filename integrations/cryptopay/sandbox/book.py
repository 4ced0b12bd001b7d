"""The sandbox's invoices: what they are, how they are paid and when they expire. Kept in the sandbox's store."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

import msgspec

from integrations.cryptopay.sandbox.rates import ASSETS, price, rate
from integrations.sandbox_store import Store

Clock = Callable[[], datetime]


class NotPayable(Exception):
    """The invoice cannot be paid this way; the message says why."""


class Payment(msgspec.Struct, frozen=True):
    """How an invoice was paid; for one in an asset there is no fiat rate."""

    asset: str
    amount: Decimal
    fiat_rate: Decimal | None
    at: datetime


class Record(msgspec.Struct, kw_only=True):
    """An invoice as the sandbox keeps it; that it expired is seen from the clock."""

    invoice_id: int
    hash: str
    origin: str
    amount: Decimal
    fiat: str | None = None
    asset: str | None = None
    accepted_assets: list[str] = []
    description: str | None = None
    hidden_message: str | None = None
    payload: str | None = None
    paid_btn_name: str | None = None
    paid_btn_url: str | None = None
    allow_comments: bool = True
    allow_anonymous: bool = True
    created_at: datetime
    expires_at: datetime | None = None
    payment: Payment | None = None

    def status(self, now: datetime) -> Literal["active", "paid", "expired"]:
        """Paid stays paid; otherwise the clock decides."""
        if self.payment is not None:
            return "paid"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    def assets(self) -> list[str]:
        """What it may be paid in."""
        if self.asset is not None:
            return [self.asset]
        return self.accepted_assets or list(ASSETS)

    def price(self, asset: str) -> Decimal:
        """What it costs in one of its assets."""
        return self.amount if self.fiat is None else price(self.amount, self.fiat, asset)


class Draft(msgspec.Struct, kw_only=True):
    """What createInvoice asks for, checked."""

    amount: Decimal
    fiat: str | None
    asset: str | None
    accepted_assets: list[str]
    description: str | None
    hidden_message: str | None
    payload: str | None
    paid_btn_name: str | None
    paid_btn_url: str | None
    allow_comments: bool
    allow_anonymous: bool
    expires_in: int | None


class Book:
    """All invoices of the sandbox, written through to its store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._records = store.collection("cryptopay/invoices", Record)

    def now(self) -> datetime:
        """The sandbox's time."""
        return self._clock()

    def create(self, draft: Draft, origin: str) -> Record:
        """Make an invoice; its page will be at `origin`, the sandbox's address as the caller knows it."""
        now = self._clock()
        fields = msgspec.structs.asdict(draft)
        expires_in = fields.pop("expires_in")
        record = Record(
            **fields,
            invoice_id=self._store.next_id("cryptopay/invoice_id"),
            hash="IV" + secrets.token_urlsafe(9),
            origin=origin,
            created_at=now,
            expires_at=None if expires_in is None else now + timedelta(seconds=expires_in),
        )
        self._records.put(record.invoice_id, record)
        return record

    def get(self, invoice_id: int) -> Record | None:
        """The invoice of that number."""
        return self._records.get(invoice_id)

    def find(self, invoice_hash: str) -> Record | None:
        """The invoice of that hash."""
        return next((record for record in self.newest_first() if record.hash == invoice_hash), None)

    def newest_first(self) -> list[Record]:
        """All invoices, the last made first."""
        return [record for _, record in reversed(self._records.items())]

    def delete(self, invoice_id: int) -> None:
        """Forget an invoice."""
        self._records.delete(invoice_id)

    def pay(self, record: Record, asset: str, amount: Decimal | None = None) -> Record:
        """Pay in one of its assets; `amount` other than its price is what a script may try.

        Raises `NotPayable` if it is paid or expired already, or does not take that asset.
        """
        status = record.status(self._clock())
        if status != "active":
            raise NotPayable(f"This invoice is {status} already.")
        if asset not in record.assets():
            raise NotPayable(f"This invoice takes {', '.join(record.assets())}, not {asset}.")
        record.payment = Payment(
            asset=asset,
            amount=record.price(asset) if amount is None else amount,
            fiat_rate=None if record.fiat is None else rate(asset, record.fiat),
            at=self._clock(),
        )
        self._records.put(record.invoice_id, record)
        return record

    def expire(self, record: Record) -> Record:
        """Let it expire now. Raises `NotPayable` if it is paid."""
        if record.payment is not None:
            raise NotPayable("This invoice is paid already.")
        record.expires_at = self._clock()
        self._records.put(record.invoice_id, record)
        return record
