"""The ledger: accounts, and the transfers between them."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.money import Money

#: The owner of the accounts that belong to the shop itself.
SHOP: Final = 0


class AccountKind(StrEnum):
    """The accounts of the ledger; only `BALANCE` belongs to users, and only it can never be overdrawn."""

    BALANCE = "balance"
    REVENUE = "revenue"
    STARS_CLEARING = "stars_clearing"
    CARDS_CLEARING = "cards_clearing"
    CRYPTOPAY_CLEARING = "cryptopay_clearing"
    EXCHANGE = "exchange"
    SUSPENSE = "suspense"
    UNCLAIMED = "unclaimed"
    PROMO = "promo"
    REFERRAL = "referral"
    REFUNDS = "refunds"
    ADJUSTMENTS = "adjustments"


class Account(Struct, frozen=True, gc=False):
    """An account of the ledger; its sums are posted by the database from transfers, never written by us."""

    id: int
    kind: AccountKind
    owner: int
    currency: str
    debits: int = 0
    credits: int = 0

    @property
    def balance(self) -> Money:
        """What the account holds: credits less debits."""
        return Money(self.credits - self.debits, self.currency)


class Transfer(Struct, frozen=True, gc=False):
    """Money moved from one account (debit) to another (credit); balanced by construction, never changed (F8).

    `cause` and `cause_id` name the one fact that it follows from (I7).
    """

    id: int
    debit: int
    credit: int
    amount: Money
    cause: str
    cause_id: int
    created_at: datetime
