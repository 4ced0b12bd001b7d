"""What lies before the week: put into the database by the real writer, as if the shop had been open."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, groupby
from typing import Any
from uuid import UUID

import psycopg

from domain.commands import (
    Choose,
    Command,
    Confirmation,
    ConfirmProvisions,
    FinalizePayment,
    Person,
    SetAutoRenewal,
    Show,
    StartPurchase,
    StartTrial,
)
from domain.entities import Provider
from domain.names import name_on_node
from integrations.xray.node import NodeUser
from storage.writer import Answered, Writer, open_writer
from tests.simulation.people import Deed, Life, What
from tests.simulation.stage import NODE, Stage
from tests.storage.shop import made_up_entropy

#: All that was told before the week was told then.
_TOLD = "UPDATE outbox SET state = 'sent', attempts = 1, message_id = id, settled_at = created_at"


@dataclass(slots=True)
class _Historian:
    writer: Writer
    #: Of updates, payments and purchases: each is numbered as the writer does, since nobody else writes.
    updates: Any = field(default_factory=lambda: count(1))
    purchases: Any = field(default_factory=lambda: count(1))

    async def tell(self, lives: Iterable[Life], before: datetime) -> None:
        """Have done what was done before a moment: all that happened in one minute in one transaction."""
        deeds = [(deed, life) for life in lives for deed in life.deeds if deed.at < before]
        deeds.sort(key=lambda each: each[0].at)  # a stable order: people's own is kept
        for at, group in groupby(deeds, key=lambda each: each[0].at):
            commands = [command for deed, life in group for command in self._commands(deed, life)]
            await self.do(commands, at)

    async def do(self, commands: list[Command[Any]], at: datetime) -> None:
        outcomes = await self.writer.execute(commands, at)
        assert all(isinstance(each, Answered) for each in outcomes), outcomes

    def _commands(self, deed: Deed, life: Life) -> Iterator[Command[Any]]:
        person = Person(life.id, f"Person {life.id}", None, life.telegram_language)
        if deed is life.deeds[0]:
            yield Choose(next(self.updates), person, life.chosen_language, life.zone)
        match deed.what:
            case What.TRY:
                yield StartTrial(next(self.updates), person)
            case What.BUY:
                yield from self._paid(f"plan:{deed.plan}", person)
            case What.TOP_UP:
                yield from self._paid("top_up:500", person)
            case What.RENEW_BY_ITSELF:
                yield SetAutoRenewal(next(self.updates), person, on=True)
            case What.INVITE:
                yield Show(next(self.updates), person, "invite")
            case _:
                raise AssertionError(f"nobody does this before the week: {deed.what}")

    def _paid(self, item: str, person: Person) -> Iterator[Command[Any]]:
        number, sold = next(self.purchases), self.writer.catalogue.find(item)
        assert sold is not None, item
        yield StartPurchase(next(self.updates), person, item, Provider.STARS)
        yield FinalizePayment(
            provider=Provider.STARS,
            charge_id=f"before the week: {number}",
            amount=sold.stars,
            purchase_id=number,
            payer=person.id,
        )


async def tell_history(stage: Stage, lives: Iterable[Life]) -> None:
    """Have the past of these people in the database and on the node."""
    start = stage.clock.now()
    async with open_writer(
        stage.database.writer, now=start, catalogue=stage.configuration.catalogue, entropy=made_up_entropy()
    ) as writer:
        historian = _Historian(writer)
        await historian.tell(lives, start)
        with psycopg.connect(stage.database.owner, autocommit=True) as owner:
            granted = owner.execute("SELECT subscription_id, uuid, version FROM grants ORDER BY 1").fetchall()
        confirmed = tuple(Confirmation(number, version, present=True) for number, _, version in granted)
        await historian.do([ConfirmProvisions(NODE, confirmed)], start - timedelta(minutes=1))
    for number, uuid, _ in granted:
        await stage.shelf.ensure(NodeUser(name_on_node(number), UUID(str(uuid))))
    with psycopg.connect(stage.database.owner, autocommit=True) as owner:
        owner.execute(_TOLD.encode())
