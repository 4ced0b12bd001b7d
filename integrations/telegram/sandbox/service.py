"""The parts that both sides of the sandbox act on: the bot through methods, people through `/sandbox`."""

from dataclasses import dataclass

from integrations.telegram.sandbox.callbacks import Callbacks
from integrations.telegram.sandbox.payments import Payments
from integrations.telegram.sandbox.state import World
from integrations.telegram.sandbox.updates import UpdateQueue
from integrations.telegram.sandbox.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Service:
    """Telegram, for one bot."""

    world: World
    updates: UpdateQueue
    callbacks: Callbacks
    payments: Payments
    webhook: Webhook

    @classmethod
    def over(cls, world: World) -> "Service":
        """Build the parts over one world."""
        updates = UpdateQueue(world)
        return cls(
            world, updates, Callbacks(world, updates), Payments(world, updates), Webhook(world, updates)
        )
