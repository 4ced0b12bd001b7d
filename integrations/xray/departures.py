"""Seeing removed users off: their connections are ended until the node sees none, many users at a time."""

from collections.abc import Sequence
from typing import Final

import trio

from integrations.xray.calls import Calls
from integrations.xray.cutting import CannotCut, Cutter, Order
from integrations.xray.together import Together

#: Seconds in which a removed user's connections must be gone; they need milliseconds.
CUT_SECONDS: Final = 3.0

#: Seconds between two looks whether they are, and for which a look waits for others to go along.
_LOOK_SECONDS: Final = 0.02
_GATHER_SECONDS: Final = 0.005

#: Of more users than that at a time, the list of everybody who is online costs less than asking for each.
_ASKED_ONE_BY_ONE_MAX: Final = 16


class Departures:
    """Ends the connections of users who were removed from one node."""

    def __init__(self, calls: Calls, cutter: Cutter) -> None:
        """Look with `calls`, end with `cutter`."""
        self._calls = calls
        self._cutter = cutter
        self._rounds = Together(self._round, _GATHER_SECONDS)

    async def seen(self, email: str) -> bool:
        """Return when nothing of a user's is open any more; False if that was not reached within `CUT_SECONDS`."""
        with trio.move_on_after(CUT_SECONDS):
            gone = await self._rounds.ask(email)
            while not gone:
                await trio.sleep(_LOOK_SECONDS)
                gone = await self._rounds.ask(email)
            return True
        return False

    async def _round(self, emails: Sequence[str]) -> Sequence[bool]:
        """End what there is to end; of each user, whether there was nothing."""
        online = await self._calls.online() if len(emails) > _ASKED_ONE_BY_ONE_MAX else None
        orders = [
            Order(email, await self._calls.addresses(email) if online is None else online.get(email, ()))
            for email in emails
        ]
        try:
            ended = await self._cutter.cut(orders)
        except CannotCut:
            ended = [0] * len(orders)
        return [not count and not order.addresses for order, count in zip(orders, ended, strict=True)]
