"""The writer's view of the rows that a batch needs, and the draft that one command writes over it.

A decision reads and writes a `Draft`; nothing else happens. If the command is refused or fails, its draft is dropped
and the view is as it was; if it succeeds, the draft is merged and the next command of the batch sees it.
What was merged is what the flush writes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Generic, TypeVar

from domain.catalogue import Catalogue
from domain.entities import (
    SHOP,
    Account,
    AccountKind,
    Act,
    Answer,
    Gift,
    Grant,
    Orphan,
    OutboxMessage,
    Payment,
    Period,
    Promo,
    PromoUse,
    Provider,
    Provision,
    Purchase,
    Redemption,
    Refund,
    Review,
    Reward,
    Subscription,
    Transfer,
    Update,
    User,
)

K = TypeVar("K")
E = TypeVar("E")

AccountKey = tuple[AccountKind, int, str]
ChargeKey = tuple[Provider, str]
OrphanKey = tuple[str, str]
ProvisionKey = tuple[int, str]
PromoUseKey = tuple[str, int]
RewardKey = tuple[int, int]


class Rows(Generic[K, E]):
    """Rows by key: what lies beneath, and what was put over it."""

    def __init__(self, key: Callable[[E], K], beneath: Mapping[K, E] | None = None) -> None:
        self._key = key
        self._beneath = beneath if beneath is not None else {}
        self.changed: dict[K, E] = {}

    def get(self, key: K) -> E | None:
        """The row as it now is, or None."""
        row = self.changed.get(key)
        return row if row is not None else self._beneath.get(key)

    def put(self, row: E) -> E:
        """Set a row, new or changed."""
        self.changed[self._key(row)] = row
        return row

    def load(self, rows: Iterable[E]) -> None:
        """Set many rows."""
        for row in rows:
            self.put(row)

    def layer(self) -> "Rows[K, E]":
        """An empty layer over this one."""
        return Rows(self._key, _Seen(self))

    def split(self) -> tuple[list[E], list[E]]:
        """The changed rows as (new, different from what lies beneath), each in the order of change."""
        new, different = [], []
        for key, row in self.changed.items():
            before = self._beneath.get(key)
            if before is None:
                new.append(row)
            elif before != row:
                different.append(row)
        return new, different


class _Seen(Mapping[K, E]):
    """Rows as a read-only mapping, so that one layer can lie on another."""

    def __init__(self, rows: Rows[K, E]) -> None:
        self._rows = rows

    def __getitem__(self, key: K) -> E:
        row = self._rows.get(key)
        if row is None:
            raise KeyError(key)
        return row

    def __iter__(self) -> Iterator[K]:
        raise TypeError("a layer is looked up by key, never walked")

    def __len__(self) -> int:
        raise TypeError("a layer is looked up by key, never counted")


def _by(key: Callable[[E], K]) -> Callable[[], Rows[K, E]]:
    return lambda: Rows(key)


@dataclass(slots=True)
class View:
    """The rows that a batch of commands may need, every table by its key (subscriptions by user: one each)."""

    users: Rows[int, User] = field(default_factory=_by(lambda row: row.id))
    accounts: Rows[AccountKey, Account] = field(
        default_factory=_by(lambda row: (row.kind, row.owner, row.currency))
    )
    transfers: Rows[int, Transfer] = field(default_factory=_by(lambda row: row.id))
    promos: Rows[str, Promo] = field(default_factory=_by(lambda row: row.code))
    promo_uses: Rows[PromoUseKey, PromoUse] = field(default_factory=_by(lambda row: (row.code, row.user_id)))
    purchases: Rows[int, Purchase] = field(default_factory=_by(lambda row: row.id))
    gifts: Rows[str, Gift] = field(default_factory=_by(lambda row: row.code))
    payments: Rows[ChargeKey, Payment] = field(default_factory=_by(lambda row: (row.provider, row.charge_id)))
    reviews: Rows[int, Review] = field(default_factory=_by(lambda row: row.payment_id))
    refunds: Rows[int, Refund] = field(default_factory=_by(lambda row: row.payment_id))
    rewards: Rows[RewardKey, Reward] = field(default_factory=_by(lambda row: (row.payment_id, row.level)))
    acts: Rows[int, Act] = field(default_factory=_by(lambda row: row.id))
    redemptions: Rows[int, Redemption] = field(default_factory=_by(lambda row: row.id))
    subscriptions: Rows[int, Subscription] = field(default_factory=_by(lambda row: row.user_id))
    periods: Rows[int, Period] = field(default_factory=_by(lambda row: row.id))
    grants: Rows[int, Grant] = field(default_factory=_by(lambda row: row.subscription_id))
    provisions: Rows[ProvisionKey, Provision] = field(
        default_factory=_by(lambda row: (row.subscription_id, row.node))
    )
    orphans: Rows[OrphanKey, Orphan] = field(default_factory=_by(lambda row: (row.node, row.name)))
    outbox: Rows[int, OutboxMessage] = field(default_factory=_by(lambda row: row.id))
    updates: Rows[int, Update] = field(default_factory=_by(lambda row: row.id))
    answers: Rows[str, Answer] = field(default_factory=_by(lambda row: row.key))

    def layer(self) -> "View":
        """An empty view over this one."""
        return View(*(getattr(self, each.name).layer() for each in fields(self)))

    def merge(self, above: "View") -> None:
        """Take over what was put in the layer above."""
        for each in fields(self):
            below: Rows[object, object] = getattr(self, each.name)
            below.changed.update(getattr(above, each.name).changed)


@dataclass(slots=True)
class Sequences:
    """The next identifier of each table. One writer hands them out, so they are dense and in commit order."""

    next: dict[str, int]

    def take(self, table: str) -> int:
        """Take one; it is never given again, whatever becomes of the command."""
        value = self.next.get(table, 1)
        self.next[table] = value + 1
        return value


@dataclass(slots=True)
class Draft:
    """All that a decision has: rows to read and write, the time, the catalogue, fresh identifiers and entropy."""

    rows: View
    now: datetime
    catalogue: Catalogue
    sequences: Sequences
    entropy: Callable[[int], bytes]
    #: The user of each subscription that a command of the batch names by its id.
    owners: Mapping[int, int] = field(default_factory=dict)
    #: The charge of each payment that a command of the batch names by its id.
    charges: Mapping[int, ChargeKey] = field(default_factory=dict)
    #: Who each invitation code that a command of the batch names belongs to.
    inviters: Mapping[str, int] = field(default_factory=dict)
    #: The causal id of the command, for the rows that it writes.
    trace: str | None = None

    def new_id(self, table: str) -> int:
        """A fresh identifier for a row of this table."""
        return self.sequences.take(table)

    def account(self, kind: AccountKind, currency: str, owner: int = SHOP) -> Account:
        """The account of this kind, opened if there is none yet."""
        found = self.rows.accounts.get((kind, owner, currency))
        return found or self.rows.accounts.put(Account(self.new_id("accounts"), kind, owner, currency))

    def subscription(self, subscription_id: int) -> Subscription | None:
        """The subscription with this id, as it now is."""
        owner = self.owners.get(subscription_id)
        return None if owner is None else self.rows.subscriptions.get(owner)

    def payment(self, payment_id: int) -> Payment | None:
        """The payment with this id."""
        charge = self.charges.get(payment_id)
        return None if charge is None else self.rows.payments.get(charge)
