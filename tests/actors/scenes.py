"""For each worker of the tree: rows that are due for it, on a real database, and how to spoil one of them.

A worker without a scene fails `test_every_worker.py`: so a new one is proved like the others.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from psycopg.sql import SQL, Identifier, Literal

from domain.commands import (
    AskRefund,
    CreateBroadcast,
    FinalizePayment,
    Person,
    SetAutoRenewal,
    Show,
    StartTrial,
    SteerBroadcast,
    Steering,
)
from domain.entities import Provider
from tests.actors.invoices import invoices, pay
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW, Desk, open_desk
from tests.storage.test_writer import owner_of

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is due for a worker."""

    prepare: Callable[[Desk, int, str], Awaitable[None]]
    """Make so many rows due by `NOW`, with a service at an address."""
    due: str
    """A query for the keys of what is still due, in order."""
    poisoned: tuple[str, str] | None
    """Table and column in which the database refuses a key that is poisoned; None if the worker only looks at rows, and
    others handle them."""
    asks_nodes: bool = False
    """Whether the worker asks nodes: then those of `tests.actors.counting` answer."""


async def buy(desk: Desk, person: Person, provider: Provider, item: str) -> int:
    """Start and pay a purchase; its number."""
    started = await desk.start(provider, item, person)
    charge = f"{item} of {person.id}"
    await desk.do(
        FinalizePayment(
            provider=provider,
            charge_id=charge,
            amount=started.price,
            purchase_id=started.purchase_id,
            payer=person.id,
        )
    )
    return started.purchase_id


def people(count: int) -> list[Person]:
    return [Person(2000 + number, f"Person {number}", None, "en") for number in range(count)]


async def subscriptions_that_are_over(desk: Desk, count: int, _: str) -> None:
    desk.now = NOW - 31 * DAY
    for person in people(count):
        await buy(desk, person, Provider.STARS, "plan:month")


async def trials_that_are_over(desk: Desk, count: int, _: str) -> None:
    desk.now = NOW - 4 * DAY
    for person in people(count):
        await desk.do(StartTrial(await desk.update(person), person))


async def subscriptions_to_be_reminded(desk: Desk, count: int, _: str) -> None:
    desk.now = NOW - 29 * DAY
    for person in people(count):
        await buy(desk, person, Provider.STARS, "plan:month")


async def trials_to_be_reminded(desk: Desk, count: int, _: str) -> None:
    desk.now = NOW - 2 * DAY
    for person in people(count):
        await desk.do(StartTrial(await desk.update(person), person))


async def people_who_are_to_be_told(desk: Desk, count: int, _: str) -> None:
    desk.now = NOW - DAY
    for person in people(count):
        await desk.do(Show(await desk.update(person), person, "home"))
    made = await desk.do(CreateBroadcast(request="create", by="olga", html="News"))
    assert made.number == 1
    start = SteerBroadcast(
        request="start", by="olga", broadcast_id=1, what=Steering.START, reach=count, last_number=count
    )
    desk.now = NOW
    assert (await desk.do(start)).done


async def subscriptions_without_a_node(desk: Desk, count: int, _: str) -> None:
    desk.now = NOW - DAY
    for person in people(count):
        await buy(desk, person, Provider.STARS, "plan:month")


async def nothing(_: Desk, __: int, ___: str) -> None:
    """For a worker whose rows are not in the database."""


async def subscriptions_that_end_soon(desk: Desk, count: int, _: str) -> None:
    desk.now = NOW - 30 * DAY + timedelta(hours=1)
    for person in people(count):
        await buy(desk, person, Provider.CRYPTOPAY, "top_up:500")
        await buy(desk, person, Provider.STARS, "plan:month")
        await desk.do(SetAutoRenewal(await desk.update(person), person, on=True))


async def invoices_that_are_over(desk: Desk, count: int, _: str) -> None:
    desk.now = NOW - 2 * DAY
    for person in people(count):
        await desk.start(Provider.CRYPTOPAY, "plan:month", person)


async def payments_that_are_to_go_back(desk: Desk, count: int, _: str) -> None:
    desk.now = NOW - DAY
    for number, person in enumerate(people(count), 1):
        await buy(desk, person, Provider.CRYPTOPAY, "top_up:500")
        command = AskRefund(request=str(number), by="ops", reason="asked for", payment_id=number)
        assert (await desk.do(command)).done


async def invoices_that_were_paid(desk: Desk, count: int, url: str) -> None:
    desk.now = NOW - timedelta(minutes=5)
    for address in await invoices(desk, people(count), url):
        await pay(address, url)


SCENES: Final = {
    "activation": Scene(
        subscriptions_without_a_node,
        "SELECT subscription_id FROM grants WHERE present AND NOT ready ORDER BY subscription_id",
        None,
    ),
    "auto_renewal": Scene(
        subscriptions_that_end_soon,
        "SELECT id FROM subscriptions WHERE last_auto_renewal_at IS NULL ORDER BY id",
        ("subscriptions", "id"),
    ),
    "broadcast": Scene(
        people_who_are_to_be_told,
        "SELECT id FROM users AS u "
        "WHERE NOT EXISTS (SELECT FROM outbox WHERE key = 'broadcast:1:' || u.id) ORDER BY id",
        ("outbox", "chat_id"),
    ),
    "crypto_payment_watcher": Scene(
        invoices_that_were_paid,
        "SELECT invoice_id FROM purchases WHERE status = 'invoiced' ORDER BY id",
        ("payments", "charge_id"),
    ),
    "fast_expiry": Scene(
        subscriptions_that_are_over,
        "SELECT id FROM subscriptions WHERE status = 'active' ORDER BY id",
        ("subscriptions", "id"),
    ),
    "invoice_lapse": Scene(
        invoices_that_are_over,
        "SELECT id FROM purchases WHERE status = 'invoiced' ORDER BY id",
        ("purchases", "id"),
    ),
    "payment_sweep": Scene(
        invoices_that_were_paid,
        "SELECT invoice_id FROM purchases WHERE status = 'invoiced' ORDER BY id",
        ("payments", "charge_id"),
    ),
    "refunds": Scene(
        payments_that_are_to_go_back,
        "SELECT payment_id FROM refunds WHERE state = 'asked' ORDER BY payment_id",
        ("refunds", "payment_id"),
    ),
    "reminders": Scene(
        subscriptions_to_be_reminded,
        f"SELECT id FROM subscriptions WHERE remind_at <= '{NOW.isoformat()}' ORDER BY id",
        ("subscriptions", "id"),
    ),
    "trial_notifications": Scene(
        trials_to_be_reminded,
        f"SELECT id FROM subscriptions WHERE remind_at <= '{NOW.isoformat()}' ORDER BY id",
        ("subscriptions", "id"),
    ),
    "trial_expiry": Scene(
        trials_that_are_over,
        "SELECT id FROM subscriptions WHERE status = 'active' ORDER BY id",
        ("subscriptions", "id"),
    ),
    "usage": Scene(
        subscriptions_without_a_node,
        "SELECT id FROM subscriptions WHERE id NOT IN (SELECT subscription_id FROM usage) ORDER BY id",
        ("node_usage", "subscription_id"),
        asks_nodes=True,
    ),
    "xray_reconciler": Scene(nothing, "SELECT NULL LIMIT 0", None),
}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a scene in a database."""

    scene: Scene
    database: Database

    @property
    def all_handled(self) -> bool:
        """True if none is due any more, as far as the worker can do something about that."""
        return self.scene.poisoned is None or not self.due()

    def due(self) -> list[str]:
        """The keys of what is still due."""
        with owner_of(self.database) as owner:
            return [str(key) for (key,) in owner.execute(self.scene.due.encode())]

    def poison(self, keys: Sequence[str]) -> None:
        """From now on the database refuses these."""
        assert self.scene.poisoned is not None
        table, column = self.scene.poisoned
        refuse = SQL(
            "CREATE TRIGGER poison BEFORE INSERT OR UPDATE ON {} FOR EACH ROW WHEN (NEW.{}::text = ANY ({})) "
            "EXECUTE FUNCTION poison()"
        ).format(Identifier(table), Identifier(column), Literal(list(keys)))
        with owner_of(self.database) as owner:
            owner.execute(
                "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'this row is poisoned'; END $$"
            )
            owner.execute(refuse)

    def cure(self) -> None:
        """From now on the database takes them."""
        assert self.scene.poisoned is not None
        with owner_of(self.database) as owner:
            owner.execute(SQL("DROP TRIGGER poison ON {}").format(Identifier(self.scene.poisoned[0])))


async def prepared(name: str, database: Database, count: int, url: str) -> Rows:
    """Rows that are due for a worker."""
    scene = SCENES[name]
    async with open_desk(database.writer) as desk:
        await scene.prepare(desk, count, url)
    rows = Rows(scene, database)
    assert len(rows.due()) == (0 if scene.prepare is nothing else count), "the scene is not as it says"
    return rows
