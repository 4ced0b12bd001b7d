"""Presses of inline buttons and the bot's answers to them."""

from typing import Final

import msgspec
import trio

from integrations.telegram.sandbox.errors import QUERY_TOO_OLD, bad_request
from integrations.telegram.sandbox.events import Event
from integrations.telegram.sandbox.state import Entry, Person, World
from integrations.telegram.sandbox.updates import UpdateQueue
from integrations.telegram.sandbox.wire import CallbackQuery

#: Telegram's clients stop waiting about then, and the query cannot be answered any more. The exact time is not
#: published; a bot must live with the refusal at any time.
ANSWER_SECONDS: Final = 15
_FIRST_QUERY: Final = 4_300_000_000_000_001


class Answer(msgspec.Struct):
    """What the presser sees: a toast, an alert, a page that opens, or just the end of waiting."""

    text: str = ""
    show_alert: bool = False
    url: str = ""


class _Press(msgspec.Struct):
    person: int
    pressed: int
    answer: Answer | None = None


class Callbacks:
    """The presses; each can be answered once, in time."""

    def __init__(self, world: World, updates: UpdateQueue) -> None:
        self._world = world
        self._updates = updates
        self._presses = world.store.collection("telegram/presses", _Press)

    def press(self, person: Person, entry: Entry, data: str) -> str:
        """The person presses a button with this data; returns the id of the query that the bot gets."""
        query_id = str(self._world.store.next_id("telegram/query_id", first=_FIRST_QUERY))
        self._presses.put(query_id, _Press(person.id, self._world.now()))
        query = CallbackQuery(
            id=query_id,
            sender=person.user(),
            message=entry.message,
            chat_instance=str(person.id * 7_919_000_003),
            data=data,
        )
        self._updates.add(callback_query=query)
        return query_id

    def answer(self, query_id: str, answer: Answer) -> None:
        """`answerCallbackQuery`; raises `BotApiError` for a query that is unknown, answered or too old."""
        press = self._presses.get(query_id)
        if press is None or press.answer or self._world.now() - press.pressed > ANSWER_SECONDS:
            raise bad_request(QUERY_TOO_OLD)
        press.answer = answer
        self._presses.put(query_id, press)
        self._world.signals.notify(f"press:{query_id}")
        self._world.events.publish(
            Event("answer", press.person, answer.text or None, answer.show_alert, answer.url or None)
        )

    async def wait(self, query_id: str, seconds: float) -> Answer | None:
        """The bot's answer, None if there is none after that time."""
        with trio.move_on_after(seconds):
            while not self._answered(query_id):
                await self._world.signals.wait(f"press:{query_id}")
        return self._answered(query_id)

    def _answered(self, query_id: str) -> Answer | None:
        press = self._presses.get(query_id)
        return press.answer if press else None
