"""The parts that both sides of the sandbox act on: the bot through methods, people through `/sandbox`."""

from collections.abc import Callable
from dataclasses import dataclass

from integrations.telegram.sandbox.callbacks import Callbacks
from integrations.telegram.sandbox.payments import Payments
from integrations.telegram.sandbox.state import World
from integrations.telegram.sandbox.updates import UpdateQueue
from integrations.telegram.sandbox.webhook import Webhook
from integrations.telegram.sandbox.wire import Update


@dataclass(frozen=True, slots=True)
class Service:
    """Telegram, for one bot."""

    world: World
    updates: UpdateQueue
    callbacks: Callbacks
    payments: Payments
    webhook: Webhook

    @classmethod
    def over(cls, world: World, judge: Callable[[Update], None] = lambda _: None) -> "Service":
        """Build the parts over one world; `judge` is shown every update."""
        updates = UpdateQueue(world, judge)
        return cls(
            world, updates, Callbacks(world, updates), Payments(world, updates), Webhook(world, updates)
        )
