"""The writer's view of the rows that a batch needs, and the draft in which one command after another is decided.

A decision reads and writes a `Draft`; nothing else happens. What it puts lies over what was found in the database, and
the next command of the batch sees it. A journal knows what each row was before: if the command is refused or fails, the
view is taken back to where it was. What lies over the found rows in the end is what the flush writes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from domain.catalogue import Catalogue
from domain.entities import (
    SHOP,
    Account,
    AccountKind,
    Act,
    Answer,
    Broadcast,
    Gift,
    Grant,
    Listing,
    NodeRun,
    NodeUsage,
    NoticeMark,
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
    Switch,
    Transfer,
    Update,
    Usage,
    User,
)

K = TypeVar("K")
E = TypeVar("E")

AccountKey = tuple[AccountKind, int, str]
ChargeKey = tuple[Provider, str]
NodeUsageKey = tuple[int, str]
OrphanKey = tuple[str, str]
ProvisionKey = tuple[int, str]
PromoUseKey = tuple[str, int]
RewardKey = tuple[int, int]
RunKey = tuple[str, str]

#: A put: the rows among which it happened, the key, and what was there before, None if nothing.
Entry = tuple[dict[Any, Any], Any, Any]


class Rows(Generic[K, E]):
    """The rows of one table by key: those that were found in the database, and those that were put over them."""

    __slots__ = ("_found", "_journal", "_key", "changed")

    def __init__(self, key: Callable[[E], K]) -> None:
        self._key = key
        self._found: dict[K, E] = {}
        self.changed: dict[K, E] = {}
        self._journal: list[Entry] = []

    def get(self, key: K) -> E | None:
        """The row as it now is, or None."""
        row = self.changed.get(key)
        return row if row is not None else self._found.get(key)

    def __iter__(self) -> Iterator[E]:
        """Every row as it now is."""
        return iter({**self._found, **self.changed}.values())

    def put(self, row: E) -> E:
        """Set a row, new or changed."""
        key, changed = self._key(row), self.changed
        self._journal.append((changed, key, changed.get(key)))
        changed[key] = row
        return row

    def load(self, rows: Iterable[E]) -> None:
        """Take over rows as they are in the database."""
        key = self._key
        self._found.update((key(row), row) for row in rows)

    def write_down(self, journal: list[Entry]) -> None:
        """Note in this journal, from now on, what each row was before it was put."""
        self._journal = journal

    def since(self, journal: Iterable[Entry]) -> list[tuple[E, E | None]]:
        """The rows that a journal says were put, each as it now is and as it was before (None if it was not)."""
        first: dict[K, E | None] = {}
        for changed, key, before in journal:
            if changed is self.changed:
                first.setdefault(key, before if before is not None else self._found.get(key))
        return [(self.changed[key], before) for key, before in first.items()]

    def settle(self) -> tuple[list[E], list[E]]:
        """The changed rows as (new, different from what was found), in the order of change; they count as found now."""
        found = self._found
        new, different = [], []
        for key, row in self.changed.items():
            before = found.get(key)
            if before is None:
                new.append(row)
            elif before != row:
                different.append(row)
        found.update(self.changed)
        self.changed.clear()
        return new, different


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
    node_runs: Rows[RunKey, NodeRun] = field(default_factory=_by(lambda row: (row.node, row.epoch)))
    node_usage: Rows[NodeUsageKey, NodeUsage] = field(
        default_factory=_by(lambda row: (row.subscription_id, row.node))
    )
    usage: Rows[int, Usage] = field(default_factory=_by(lambda row: row.subscription_id))
    broadcasts: Rows[int, Broadcast] = field(default_factory=_by(lambda row: row.id))
    listings: Rows[tuple[int, int], Listing] = field(
        default_factory=_by(lambda row: (row.broadcast_id, row.user_id))
    )
    outbox: Rows[int, OutboxMessage] = field(default_factory=_by(lambda row: row.id))
    notice_marks: Rows[str, NoticeMark] = field(default_factory=_by(lambda row: row.name))
    switches: Rows[str, Switch] = field(default_factory=_by(lambda row: row.name))
    updates: Rows[int, Update] = field(default_factory=_by(lambda row: row.id))
    answers: Rows[str, Answer] = field(default_factory=_by(lambda row: row.key))

    journal: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Have every table note its changes in the one journal."""
        for name in TABLES:
            getattr(self, name).write_down(self.journal)

    def begin(self) -> None:
        """From here on, what is put can be taken back."""
        self.journal.clear()

    def undo(self) -> None:
        """Take back what was put since `begin`."""
        for changed, key, before in reversed(self.journal):
            if before is None:
                del changed[key]
            else:
                changed[key] = before
        self.journal.clear()


#: The names of the tables in a view.
TABLES: Final = tuple(each.name for each in fields(View) if each.name != "journal")


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

    def is_on(self, name: str) -> bool:
        """Whether a function of the shop, or a worker, is switched on; what nobody ever switched is."""
        switch = self.rows.switches.get(name)
        return switch is None or switch.switched_on

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

    def usage(self, subscription_id: int) -> Usage:
        """What a subscription has moved in all."""
        return self.rows.usage.get(subscription_id) or Usage(subscription_id)

    def payment(self, payment_id: int) -> Payment | None:
        """The payment with this id."""
        charge = self.charges.get(payment_id)
        return None if charge is None else self.rows.payments.get(charge)
