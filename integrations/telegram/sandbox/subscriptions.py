"""Star subscriptions: a link paid once is charged again every period, until somebody ends it or the Stars run out.

Telegram charges by itself, without asking the bot; each charge has an id of its own. What is due is seen from the
sandbox's clock, one charge for each period that has passed, so moving the clock by months makes every payment that
those months would have brought.
"""

from typing import Final

import msgspec
import trio

from integrations.telegram.sandbox.events import Event
from integrations.telegram.sandbox.state import Person, PersonError, StoredInvoice, World
from integrations.telegram.sandbox.till import Charge, Till

#: How often the clock is looked at.
_TICK_SECONDS: Final = 1.0


class Subscription(msgspec.Struct):
    """What is paid again at `expires`; `id` is its first charge's. Either side can stop the next charge."""

    id: str
    person: int
    invoice: int
    expires: int
    canceled: bool = False
    bot_canceled: bool = False
    over: bool = False


class Subscriptions:
    """The Star subscriptions of all people to the bot."""

    def __init__(self, world: World, till: Till) -> None:
        self._world = world
        self._till = till
        self._subscriptions = world.store.collection("telegram/subscriptions", Subscription)

    def begin(self, charge: Charge, expires: int) -> None:
        """The first charge of a subscription was paid."""
        self._save(Subscription(charge.id, charge.person, charge.invoice, expires))

    def of(self, person: Person) -> list[tuple[Subscription, StoredInvoice]]:
        """The person's subscriptions, each with what it is for."""
        mine = [each for each in self._all() if each.person == person.id]
        return [(each, self._till.invoice(each.invoice)) for each in mine]

    def find(self, charge_id: str) -> Subscription | None:
        """The subscription that a charge belongs to, be it the first or a later one."""
        charge = self._till.charge(charge_id)
        if charge is None or charge.subscription is None:
            return None
        return self._subscriptions.get(charge.subscription)

    def stop(self, person_id: int, subscription_id: str, *, canceled: bool) -> None:
        """The person cancels a subscription, or takes that back; what is paid stays paid until its end."""
        subscription = self._subscriptions.get(subscription_id)
        if subscription is None or subscription.person != person_id:
            raise PersonError(f"person {person_id} has no subscription {subscription_id}", 404)
        if subscription.over:
            raise PersonError("this subscription is over; pay its link again", 409)
        subscription.canceled = canceled
        self._save(subscription)

    def stop_by_bot(self, subscription: Subscription, *, canceled: bool) -> None:
        """The bot cancels a subscription, or lets the person have it again."""
        subscription.bot_canceled = canceled
        self._save(subscription)

    def renew_due(self) -> None:
        """Charge, in the order of time, every period that has begun by the clock."""
        with self._world.store.transaction():
            while due := [
                each for each in self._all() if not each.over and each.expires <= self._world.now()
            ]:
                self._renew(min(due, key=lambda each: each.expires))

    async def run(self) -> None:
        """Charge what is due as time goes by, until cancelled."""
        while True:
            self.renew_due()
            await trio.sleep(_TICK_SECONDS)

    def _renew(self, subscription: Subscription) -> None:
        person = self._world.person(subscription.person)
        invoice = self._till.invoice(subscription.invoice)
        stopped = subscription.canceled or subscription.bot_canceled
        if stopped or self._till.obstacle(person, invoice) is not None:
            subscription.over = True
        else:
            assert invoice.subscription_period is not None, "only such an invoice begins a subscription"
            begins, subscription.expires = (
                subscription.expires,
                subscription.expires + invoice.subscription_period,
            )
            self._till.take(
                person, invoice, date=begins, period_end=subscription.expires, subscription=subscription.id
            )
        self._save(subscription)

    def _all(self) -> list[Subscription]:
        return [subscription for _, subscription in self._subscriptions.items()]

    def _save(self, subscription: Subscription) -> None:
        self._subscriptions.put(subscription.id, subscription)
        self._world.events.publish(Event("person", subscription.person))
