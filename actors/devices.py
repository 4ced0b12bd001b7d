"""From how many addresses people are connected, and whom nodes are to keep out: what `usage` does after counting.

Addresses are kept nowhere: the database has their number, and which of somebody's came first is known only here, so
after a restart the order begins anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from actors.parts import in_parts
from actors.reading import Reading
from domain.commands import Excess, Online

_PAGE: Final = 500

#: For how long an address is kept out.
KEPT_OUT_FOR: Final = timedelta(minutes=10)

#: A node asks every rule for every connection: more of them than this would be felt by all.
_KEPT_OUT_MAX: Final = 200

_RECORDED: Final = """
    SELECT subscription_id, online AS addresses FROM usage
    WHERE online > 0 AND subscription_id > %s ORDER BY subscription_id LIMIT %s
"""


class Devices:
    """The addresses of everybody who is connected, in the order in which they came."""

    def __init__(self) -> None:
        self._came: dict[int, tuple[str, ...]] = {}
        #: What the writer has, once that was read; and those of whom it said that they are over what they may.
        self._recorded: dict[int, int] | None = None
        self._over: set[int] = set()
        self._kept_out: dict[tuple[str, str], datetime] = {}

    async def open(self, readers: Reading, reader: str) -> None:
        """Learn what is recorded, once. Raises `DatabaseAway`."""
        if self._recorded is not None:
            return
        recorded: dict[int, int] = {}
        last = 0
        while page := await readers.fetch(Online, _RECORDED, (last, _PAGE), reader=reader):
            recorded.update((each.subscription_id, each.addresses) for each in page)
            last = page[-1].subscription_id
        self._recorded = recorded

    async def see(self, online: Iterable[Mapping[int, frozenset[str]]]) -> list[Online]:
        """Take up who is connected to each node now; give what is to be recorded of it."""
        assert self._recorded is not None, "opened before"
        now: dict[int, frozenset[str]] = {}
        for on_a_node in online:
            async for part in in_parts(on_a_node.items()):
                for number, addresses in part:
                    now[number] = now[number] | addresses if number in now else addresses
        came: dict[int, tuple[str, ...]] = {}
        looked_at = self._over | (self._recorded.keys() - now.keys())
        async for part in in_parts(now.items()):
            came.update((number, self._in_order(number, addresses)) for number, addresses in part)
            looked_at.update(number for number, each in part if self._recorded.get(number) != len(each))
        self._came = came
        seen: list[Online] = []
        async for numbers in in_parts(sorted(looked_at)):
            seen += [Online(number, len(now.get(number, ()))) for number in numbers]
        return seen

    def _in_order(self, number: int, addresses: frozenset[str]) -> tuple[str, ...]:
        stayed = [each for each in self._came.get(number, ()) if each in addresses]
        return (*stayed, *sorted(addresses.difference(stayed)))

    def recorded(self, page: Sequence[Online], excess: Sequence[Excess], now: datetime) -> None:
        """Take up what the writer has now, and what it said of it."""
        assert self._recorded is not None, "opened before"
        for each in page:
            self._over.discard(each.subscription_id)
            if each.addresses:
                self._recorded[each.subscription_id] = each.addresses
            else:
                self._recorded.pop(each.subscription_id, None)
        for over in excess:
            self._over.add(over.subscription_id)
            if over.keep_out:
                came_last = self._came.get(over.subscription_id, ())[over.devices :]
                self._kept_out.update(((over.name, each), now + KEPT_OUT_FOR) for each in came_last)

    def kept_out(self, now: datetime) -> frozenset[tuple[str, str]]:
        """Who is to be let in no more, by name and address."""
        self._kept_out = {each: until for each, until in self._kept_out.items() if until > now}
        return frozenset(islice(self._kept_out, _KEPT_OUT_MAX))
