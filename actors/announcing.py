"""What operators do with broadcasts, on the command line or in the bot: checked, counted, and handed to the writer."""

import html
import re
from contextlib import suppress
from dataclasses import replace
from typing import Final

from actors.audience import Aim, AudienceReader
from actors.messages import LookAgain, Write
from actors.reading import Reading
from domain.commands import (
    AimBroadcast,
    BroadcastOrder,
    CreateBroadcast,
    EditBroadcast,
    SteerBroadcast,
    Steering,
    Verdict,
)
from domain.entities import BroadcastAudience
from integrations.telegram.markup import flaw_of
from runtime import Context, Ref, UnknownActor

#: A line that is a button: its text, and an address.
_BUTTON: Final = re.compile(r"(?P<text>[^\n]{1,64}?) +[-–—] +(?P<url>https?://\S+)")

_AIM: Final = """
    SELECT audience, plan, language, node, id AS broadcast_id FROM broadcasts WHERE id = %s
"""

#: Telegram's limits, in UTF-16 units of the text without markup.
TEXT_MAX: Final = 4096
CAPTION_MAX: Final = 1024


class Announcer:
    """Has orders about broadcasts carried out for an actor; `default` is the language of who has none."""

    def __init__(self, context: Context, readers: Reading, *, default: str) -> None:
        self._context = context
        self._readers = readers
        self._audience = AudienceReader(readers, context.name, default=default)
        self._writer: Ref = context.ref("db_writer")

    async def carry_out(self, order: BroadcastOrder) -> Verdict:
        """Check an order, add how many people it reaches, and have it decided. Raises `DatabaseAway`."""
        flaw = _flaw(order)
        if flaw is not None:
            return Verdict(False, flaw)
        verdict = await self._writer.call(Write(await self._with_reach(order)))
        if verdict.done:
            with suppress(UnknownActor):  # a shop may leave it out of its tree
                self._context.ref("broadcast").cast(LookAgain())
        return verdict

    async def _with_reach(self, order: BroadcastOrder) -> BroadcastOrder:
        match order:
            case CreateBroadcast():
                aim = Aim(order.audience, order.plan, order.language, order.node)
                return replace(order, reach=(await self._audience.reach(aim)).people)
            case AimBroadcast():
                aim = replace(await self._aim(order.broadcast_id), audience=order.audience)
                return replace(order, reach=(await self._audience.reach(aim)).people)
            case SteerBroadcast(what=Steering.START):
                reach = await self._audience.reach(await self._aim(order.broadcast_id))
                return replace(order, reach=reach.people, last_number=reach.last_number)
            case _:
                return order

    async def _aim(self, broadcast_id: int) -> Aim:
        found = await self._readers.fetch_one(Aim, _AIM, (broadcast_id,), reader=self._context.name)
        return Aim() if found is None else replace(found, audience=BroadcastAudience(found.audience))


def content_of(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A text as an operator writes it: last lines such as `Our channel - https://t.me/ours` are buttons."""
    lines, buttons = text.strip().split("\n"), list[tuple[str, str]]()
    while lines and (found := _BUTTON.fullmatch(lines[-1].strip())) is not None:
        buttons.insert(0, (html.unescape(found["text"]), html.unescape(found["url"])))
        lines.pop()
    return "\n".join(lines).strip(), tuple(buttons)


def _flaw(order: BroadcastOrder) -> str | None:
    """Why Telegram would refuse it."""
    if not isinstance(order, CreateBroadcast | EditBroadcast):
        return None
    with_photo = isinstance(order, CreateBroadcast) and order.photo is not None
    return flaw_of(order.html, CAPTION_MAX if with_photo else TEXT_MAX)
