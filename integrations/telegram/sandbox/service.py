"""The parts that both sides of the sandbox act on: the bot through methods, people through `/sandbox`."""

from collections.abc import Callable
from dataclasses import dataclass

from integrations.telegram.sandbox.callbacks import Callbacks
from integrations.telegram.sandbox.payments import Payments
from integrations.telegram.sandbox.state import World
from integrations.telegram.sandbox.subscriptions import Subscriptions
from integrations.telegram.sandbox.till import Till
from integrations.telegram.sandbox.updates import UpdateQueue
from integrations.telegram.sandbox.webhook import Webhook
from integrations.telegram.sandbox.wire import Update


@dataclass(frozen=True, slots=True)
class Service:
    """Telegram, for one bot."""

    world: World
    updates: UpdateQueue
    callbacks: Callbacks
    till: Till
    subscriptions: Subscriptions
    payments: Payments
    webhook: Webhook

    @classmethod
    def over(cls, world: World, judge: Callable[[Update], None] = lambda _: None) -> "Service":
        """Build the parts over one world; `judge` is shown every update."""
        updates = UpdateQueue(world, judge)
        till = Till(world, updates)
        subscriptions = Subscriptions(world, till)
        return cls(
            world,
            updates,
            Callbacks(world, updates),
            till,
            subscriptions,
            Payments(world, updates, till, subscriptions),
            Webhook(world, updates),
        )
