"""How each entity of the domain lies in its table: columns, types, and the statements made of them.

The statements are set-based: one `unnest` of parallel arrays for any number of rows. They are made once, from
the fields of the entity, so a new field is a new column of the migration and nothing else here. `Money` takes
two columns: `price` and `price_currency`.

An array goes to the server as PostgreSQL's own text of it (`storage.arrays`), and a statement as bytes: making either
anew for each batch took more time than deciding the batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, Generic, LiteralString, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

from msgspec.structs import fields
from psycopg.sql import SQL, Composed, Identifier

from domain import entities
from domain.money import Money
from storage.arrays import array

E = TypeVar("E")

_TYPES: Final[dict[type, str]] = {
    int: "bigint",
    str: "text",
    bool: "boolean",
    datetime: "timestamptz",
    UUID: "uuid",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One field of an entity: its column, its type, and what its text stands for."""

    name: str
    type: str
    members: Mapping[str, StrEnum] | None = None
    money: bool = False


def _column(name: str, hint: object) -> Column:
    plain = next((each for each in get_args(hint) if each is not NoneType), hint)
    if get_origin(hint) is not UnionType:
        plain = hint
    assert isinstance(plain, type)
    if plain is Money:
        return Column(name, "bigint", money=True)
    if issubclass(plain, StrEnum):
        return Column(name, "text", {member.value: member for member in plain})
    return Column(name, _TYPES[plain])


class Table(Generic[E]):
    """One entity and its table."""

    def __init__(
        self,
        entity: type[E],
        name: str,
        key: Sequence[str],
        *,
        json: frozenset[str] = frozenset(),
        posted: frozenset[str] = frozenset(),
        ignore_conflict_on: tuple[str, ...] = (),
    ) -> None:
        """`json` columns hold text that is JSON; `posted` ones are kept by the database and never written."""
        self.entity = entity
        self.name = name
        self.key = tuple(key)
        hints = get_type_hints(entity)
        self._columns = [_column(field.name, hints[field.name]) for field in fields(entity)]  # type: ignore[arg-type]
        self._json = json
        self._written = [column for column in self._columns if column.name not in posted]
        self._lookups: dict[tuple[str, ...], bytes] = {}
        self.insert_sql: Final = self._insert(ignore_conflict_on).as_bytes()
        self.update_sql: Final = self._update().as_bytes()
        self._select: Final = self._select_list()
        stored = [name for name, _ in self._stored(self._columns)]
        #: Where the cells of a row are that are read as something else; money takes two of them.
        self._members = [(stored.index(each.name), each.members) for each in self._columns if each.members]
        self._money = [stored.index(each.name) for each in reversed(self._columns) if each.money]

    def select(self, by: Sequence[str]) -> bytes:
        """A statement that reads the rows whose columns `by` are in the arrays given (one array a column)."""
        known = self._lookups.get(tuple(by))
        return known or self._lookups.setdefault(tuple(by), self._lookup(by).as_bytes())

    def select_where(self, condition: LiteralString) -> bytes:
        """A statement that reads the rows for which a condition holds."""
        statement = SQL("SELECT {} FROM {} WHERE {}")
        return statement.format(self._select, Identifier(self.name), SQL(condition)).as_bytes()

    def wanted(self, by: Sequence[str], values: Sequence[Sequence[object]]) -> list[str]:
        """The values that `select` looks for, one array a column."""
        return [array(self._type_of(name), column) for name, column in zip(by, values, strict=True)]

    def read(self, row: Sequence[Any]) -> E:
        """Make the entity of a row that `select` gave."""
        cells = list(row)
        for at, members in self._members:
            if (text := cells[at]) is not None:
                cells[at] = members[text]
        for at in self._money:
            minor, currency = cells[at : at + 2]
            cells[at : at + 2] = [None if minor is None else Money(minor, currency)]
        return self.entity(*cells)

    def arrays(self, rows: Sequence[E]) -> list[str]:
        """The rows as one array a column, in the order that `insert_sql` and `update_sql` take them."""
        arrays: list[str] = []
        for column in self._written:
            values = list(map(attrgetter(column.name), rows))
            if column.money:
                arrays.append(array("bigint", [None if value is None else value.minor for value in values]))
                arrays.append(array("text", [None if value is None else value.currency for value in values]))
            else:
                arrays.append(array(column.type, values))
        return arrays

    def _lookup(self, by: Sequence[str]) -> Composed:
        types = [self._type_of(name) for name in by]
        arrays = SQL(", ").join(SQL("%s::{}[]").format(SQL(each)) for each in types)
        names = SQL(", ").join(Identifier("wanted", f"c{n}") for n in range(len(by)))
        aliases = SQL(", ").join(Identifier(f"c{n}") for n in range(len(by)))
        columns = SQL(", ").join(Identifier(self.name, name) for name in by)
        return SQL(
            "SELECT {select} FROM {table} JOIN unnest({arrays}) AS wanted ({aliases}) ON ({columns}) = ({names})"
        ).format(
            select=self._select,
            table=Identifier(self.name),
            arrays=arrays,
            aliases=aliases,
            columns=columns,
            names=names,
        )

    def _type_of(self, name: str) -> str:
        return next(column.type for column in self._columns if column.name == name)

    def _stored(self, columns: Iterable[Column]) -> list[tuple[str, str]]:
        """The database's columns with the array element type that each is sent as."""
        stored: list[tuple[str, str]] = []
        for column in columns:
            stored.append((column.name, column.type))
            if column.money:
                stored.append((f"{column.name}_currency", "text"))
        return stored

    def _select_list(self) -> Composed:
        columns = [
            SQL("{}::text").format(Identifier(self.name, name))
            if name in self._json
            else Identifier(self.name, name)
            for name, _ in self._stored(self._columns)
        ]
        return SQL(", ").join(columns)

    def _source(self) -> tuple[list[str], Composed, Composed]:
        stored = self._stored(self._written)
        names = [name for name, _ in stored]
        arrays = SQL(", ").join(SQL("%s::{}[]").format(SQL(kind)) for _, kind in stored)
        values = SQL(", ").join(
            SQL("{}::jsonb").format(Identifier("fresh", name))
            if name in self._json
            else Identifier("fresh", name)
            for name in names
        )
        aliases = SQL(", ").join(map(Identifier, names))
        return names, values, SQL("unnest({}) AS fresh ({})").format(arrays, aliases)

    def _insert(self, ignore_conflict_on: tuple[str, ...]) -> Composed:
        names, values, source = self._source()
        statement = SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            Identifier(self.name), SQL(", ").join(map(Identifier, names)), values, source
        )
        if not ignore_conflict_on:
            return statement
        return statement + SQL(" ON CONFLICT ({}) DO NOTHING").format(
            SQL(", ").join(map(Identifier, ignore_conflict_on))
        )

    def _update(self) -> Composed:
        names, _, source = self._source()
        free = [name for name in names if name not in self.key]
        cast = SQL("{} = {}::jsonb")
        plain = SQL("{} = {}")
        sets = SQL(", ").join(
            (cast if name in self._json else plain).format(Identifier(name), Identifier("fresh", name))
            for name in free
        )
        match = SQL(" AND ").join(
            SQL("{} = {}").format(Identifier(self.name, name), Identifier("fresh", name)) for name in self.key
        )
        return SQL("UPDATE {} SET {} FROM {} WHERE {}").format(Identifier(self.name), sets, source, match)


_SUMS: Final = frozenset({"debits", "credits"})

USERS: Final = Table(entities.User, "users", ["id"])
ACCOUNTS: Final = Table(entities.Account, "accounts", ["id"], posted=_SUMS)
TRANSFERS: Final = Table(entities.Transfer, "transfers", ["id"])
PROMOS: Final = Table(entities.Promo, "promos", ["code"])
PROMO_USES: Final = Table(entities.PromoUse, "promo_uses", ["code", "user_id"])
PURCHASES: Final = Table(entities.Purchase, "purchases", ["id"])
GIFTS: Final = Table(entities.Gift, "gifts", ["id"])
PAYMENTS: Final = Table(entities.Payment, "payments", ["id"])
REVIEWS: Final = Table(entities.Review, "reviews", ["payment_id"])
REFUNDS: Final = Table(entities.Refund, "refunds", ["payment_id"])
REWARDS: Final = Table(entities.Reward, "rewards", ["id"])
ACTS: Final = Table(entities.Act, "acts", ["id"])
REDEMPTIONS: Final = Table(entities.Redemption, "redemptions", ["id"])
SUBSCRIPTIONS: Final = Table(entities.Subscription, "subscriptions", ["id"])
PERIODS: Final = Table(entities.Period, "periods", ["id"])
GRANTS: Final = Table(entities.Grant, "grants", ["subscription_id"])
ORPHANS: Final = Table(entities.Orphan, "orphans", ["node", "name"])
PROVISIONS: Final = Table(entities.Provision, "provisions", ["subscription_id", "node"])
NODE_RUNS: Final = Table(entities.NodeRun, "node_runs", ["node", "epoch"])
NODE_USAGE: Final = Table(entities.NodeUsage, "node_usage", ["subscription_id", "node"])
USAGE: Final = Table(entities.Usage, "usage", ["subscription_id"])
BROADCASTS: Final = Table(entities.Broadcast, "broadcasts", ["id"], json=frozenset({"buttons"}))
LISTINGS: Final = Table(
    entities.Listing, "listings", ["broadcast_id", "user_id"], ignore_conflict_on=("broadcast_id", "user_id")
)
OUTBOX: Final = Table(
    entities.OutboxMessage, "outbox", ["id"], json=frozenset({"body"}), ignore_conflict_on=("key",)
)
UPDATES: Final = Table(entities.Update, "updates", ["id"])
NOTICE_MARKS: Final = Table(entities.NoticeMark, "notice_marks", ["name"])
SWITCHES: Final = Table(entities.Switch, "switches", ["name"])
ANSWERS: Final = Table(entities.Answer, "answers", ["key"], json=frozenset({"reply"}))
