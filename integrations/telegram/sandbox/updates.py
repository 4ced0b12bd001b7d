"""The queue of updates between Telegram and the bot, with Telegram's rules of delivery.

An update stays until the bot confirms it (a greater `offset`, a 2xx from its webhook) or until it is a day old.
Numbers only grow. One receiver at a time: a newer `getUpdates` ends the older one with 409.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import trio

from integrations.telegram.sandbox.errors import conflict
from integrations.telegram.sandbox.events import Event
from integrations.telegram.sandbox.state import PersonError, World
from integrations.telegram.sandbox.wire import (
    CallbackQuery,
    ChatMemberUpdated,
    Message,
    PreCheckoutQuery,
    Update,
)

#: Telegram forgets what was not fetched within a day.
KEPT_SECONDS: Final = 86_400
CONFIRMED_KEPT: Final = 500
#: A bot that handles what it got is not asking for more, and still there.
ONLINE_SECONDS: Final = 5.0
FIRST_UPDATE: Final = 712_000_001
KINDS: Final = ("message", "callback_query", "pre_checkout_query", "my_chat_member")


class QueuedUpdate(msgspec.Struct):
    """An update with its age; one that a script wants delivered again ignores the offset once."""

    update: Update
    created: int
    again: bool = False


class Polling(msgspec.Struct):
    """One `getUpdates` in progress, and why it has to end."""

    ended_by: str | None = None


class UpdateQueue:
    """Updates that wait for the bot, and the last ones that it confirmed."""

    def __init__(self, world: World, judge: Callable[[Update], None]) -> None:
        self._world = world
        self._judge = judge
        self._waiting = world.store.collection("telegram/updates", QueuedUpdate)
        self._confirmed = world.store.collection("telegram/updates_confirmed", QueuedUpdate)
        self._allowed = world.store.collection("telegram/allowed_updates", list[str])
        self._polling: Polling | None = None
        self._polled = -float("inf")
        #: How many of the next updates about money never reach the bot, unless they are delivered again.
        self.withheld = 0

    def add(
        self,
        *,
        message: Message | None = None,
        callback_query: CallbackQuery | None = None,
        pre_checkout_query: PreCheckoutQuery | None = None,
        my_chat_member: ChatMemberUpdated | None = None,
    ) -> int:
        """Queue an update, unless the bot does not want its kind; returns its number."""
        update = Update(
            update_id=self._world.store.next_id("telegram/update_id", first=FIRST_UPDATE),
            message=message,
            callback_query=callback_query,
            pre_checkout_query=pre_checkout_query,
            my_chat_member=my_chat_member,
        )
        self._judge(update)
        if (
            self.withheld > 0
            and message is not None
            and (message.successful_payment or message.refunded_payment)
        ):
            self.withheld -= 1
            self._confirmed.put(update.update_id, QueuedUpdate(update, self._world.now()))
            return update.update_id
        allowed = self.allowed()
        if not allowed or any(getattr(update, kind) is not None for kind in allowed if kind in KINDS):
            self._put(QueuedUpdate(update, self._world.now()))
        return update.update_id

    def again(self, update_id: int) -> None:
        """Deliver the update once more, under its old number; raises `PersonError` for one long gone."""
        queued = self._waiting.get(update_id) or self._confirmed.get(update_id)
        if queued is None:
            raise PersonError(f"update {update_id} is not among the last {CONFIRMED_KEPT} updates", 404)
        self._put(QueuedUpdate(queued.update, self._world.now(), again=True))

    def waiting(self, limit: int = -1) -> list[Update]:
        """The unconfirmed updates in their order, those too old dropped."""
        oldest = self._world.now() - KEPT_SECONDS
        found = self._waiting.items(limit=limit)
        while any(queued.created < oldest for _, queued in found):
            for key, queued in found:
                if queued.created < oldest:
                    self._waiting.delete(key)
            found = self._waiting.items(limit=limit)
        return [queued.update for _, queued in found]

    def confirmed(self, limit: int) -> list[Update]:
        """The newest confirmed updates in their order."""
        return [queued.update for _, queued in self._confirmed.last(limit)]

    def count(self) -> int:
        """How many updates wait."""
        return self._waiting.count()

    def confirm(self, update_id: int) -> None:
        """The bot has this one."""
        queued = self._waiting.get(update_id)
        if queued is None:
            return
        with self._world.store.transaction():
            self._waiting.delete(update_id)
            self._confirmed.put(update_id, msgspec.structs.replace(queued, again=False))
            excess = self._confirmed.count() - CONFIRMED_KEPT
            for key, _ in self._confirmed.items(limit=max(excess, 0)):
                self._confirmed.delete(key)

    def drop_all(self) -> None:
        """Forget everything that waits, as `drop_pending_updates` asks."""
        for key, _ in self._waiting.items():
            self._waiting.delete(key)

    def allowed(self) -> list[str]:
        """The kinds that the bot asked for; empty: all that we make."""
        return self._allowed.get("bot") or []

    def allow(self, kinds: list[str]) -> None:
        """Remember which kinds the bot wants from now on; an empty list is every kind."""
        self._allowed.put("bot", kinds)

    async def wait(self) -> None:
        """Return when an update is added; put a deadline around it."""
        await self._world.signals.wait("updates")

    async def poll(self, offset: int, limit: int, timeout: int) -> list[Update]:
        """`getUpdates`: confirm what lies below `offset`, wait up to `timeout` seconds for something new.

        Raises `BotApiError` 409 when another receiver takes over.
        """
        self.end_polling("other getUpdates request; make sure that only one bot instance is running")
        polling = self._polling = Polling()
        if trio.current_time() - self._polled > ONLINE_SECONDS:
            self._world.events.publish(Event("bot"))
        self._confirm_below(offset)
        try:
            with trio.move_on_after(timeout):
                while not self.waiting(1) and not polling.ended_by:
                    await self.wait()
        finally:
            self._polled = trio.current_time()
            if self._polling is polling:
                self._polling = None
        if polling.ended_by:
            raise conflict(f"terminated by {polling.ended_by}")
        return self._hand_out(limit)

    def end_polling(self, reason: str) -> None:
        """End the `getUpdates` in progress, if any, with 409 and this reason."""
        if self._polling is not None:
            self._polling.ended_by = reason
            self._world.signals.notify("updates")

    def is_polled(self) -> bool:
        """Whether the bot asks for updates: now, or a moment ago."""
        return self._polling is not None or trio.current_time() - self._polled < ONLINE_SECONDS

    def _put(self, queued: QueuedUpdate) -> None:
        self._waiting.put(queued.update.update_id, queued)
        self._world.signals.notify("updates")

    def _confirm_below(self, offset: int) -> None:
        if offset < 0:
            forgotten = self._waiting.items(limit=max(self._waiting.count() + offset, 0))
        else:
            forgotten = self._waiting.items(before=offset)
        for key, queued in forgotten:
            if not queued.again:
                self.confirm(int(key))

    def _hand_out(self, limit: int) -> list[Update]:
        updates = self.waiting(limit)
        for update in updates:
            queued = self._waiting.get(update.update_id)
            if queued is not None and queued.again:
                self._waiting.put(update.update_id, msgspec.structs.replace(queued, again=False))
        return updates
