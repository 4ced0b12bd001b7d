"""Who lives through the week: what they have when it begins, and what they do in it, all from one seed.

Nobody here knows what the shop will say to them; `expected.py` works that out from these lives, and the stage has them
lived.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from random import Random
from typing import Final

DAY: Final = timedelta(days=1)
WEEK: Final = 7 * DAY
FIRST: Final = 5001

ZONES: Final = (
    None,
    "Europe/Moscow",
    "Asia/Vladivostok",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/New_York",
    "Pacific/Auckland",
)
#: What Telegram tells of people's language, what they chose, and what they read.
TONGUES: Final = (
    ("en", None, "en"),
    ("ru", None, "ru"),
    ("ru-RU", None, "ru"),
    ("pt-br", None, "en"),
    ("de", "ru", "ru"),
    ("ru", "en", "en"),
)
#: What people read who chose nothing; of whose language there is no file reads the shop's.
_UNASKED: Final = {"ru": "ru", "ru-RU": "ru"}


class What(Enum):
    """What people do."""

    COME = auto()
    """Write to the bot for the first time, or again."""
    FOLLOW = auto()
    """Come by somebody's invitation."""
    TRY = auto()
    BUY = auto()
    """Choose a plan and pay it in Stars."""
    LEAVE = auto()
    """Choose a plan, and leave the invoice unpaid."""
    TOP_UP = auto()
    """Top up by Crypto Pay."""
    GIVE = auto()
    """Buy a gift."""
    REDEEM = auto()
    """Come by the link of somebody's gift."""
    INVITE = auto()
    """Have a link made that invites others."""
    RENEW_BY_ITSELF = auto()
    """Switch auto-renewal on."""
    BLOCK = auto()
    UNBLOCK = auto()


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a person does: when, what, with which plan, by whose gift or invitation."""

    at: datetime
    what: What
    plan: str = ""
    whose: int = 0


@dataclass(frozen=True, slots=True)
class Life:
    """A person: how they are spoken to, and all that they do, in order."""

    id: int
    telegram_language: str
    chosen_language: str | None
    reads: str
    zone: str | None
    deeds: tuple[Deed, ...] = field(default=())

    @property
    def is_known(self) -> bool:
        """Whether they wrote to the bot before anything that is told here."""
        return self.deeds[0].what not in (What.COME, What.FOLLOW, What.REDEEM)


class Fate:
    """Draws moments and lives; the same seed draws the same."""

    def __init__(self, seed: int, start: datetime, days: int) -> None:
        self.random = Random(seed)
        self.start = start
        #: As long as the time that is told of.
        self.whole = days * DAY
        #: People share their ends, so that what led to them can be put into the database together.
        self.ends = [self._minute(range((days + 1) * 24), (9, 19, 39, 49)) for _ in range(120)]

    def end(self) -> datetime:
        """When something ends that began before the week: never in the same minute as anything else is done."""
        return self.random.choice(self.ends)

    def moment(self, since: timedelta = DAY / 24) -> datetime:
        """When somebody does something, a day before the end at the latest; not while a worker is about to look."""
        return self._between(since, self.whole - DAY)

    def later(self, than: datetime, by: timedelta = DAY / 24) -> datetime:
        """When somebody does what follows from something else."""
        return self._between(than - self.start + by, self.whole)

    def _between(self, since: timedelta, until: timedelta) -> datetime:
        hours = range(int(since.total_seconds()) // 3600, int(until.total_seconds()) // 3600)
        return self._minute(hours, (3, 5, 24, 35, 54))

    def _minute(self, hours: range, minutes: tuple[int, ...]) -> datetime:
        return self.start + timedelta(hours=self.random.choice(hours), minutes=self.random.choice(minutes))


def lives(seed: int, start: datetime, days: int, count: int) -> list[Life]:
    """So many people through so many days; of every kind at least one."""
    fate, told = Fate(seed, start, days), list[Life]()
    kinds, weights = zip(*_KINDS, strict=True)
    first = list(kinds)
    while len(told) < count:
        kind = first.pop() if first else fate.random.choices(kinds, weights)[0]
        for deeds in kind(fate, FIRST + len(told)):
            spoken, chosen, reads = fate.random.choice(TONGUES)
            zone = fate.random.choice(ZONES)
            known = min(deeds, key=lambda deed: deed.at).at < start
            told.append(
                Life(
                    FIRST + len(told),
                    spoken,
                    chosen if known else None,
                    reads if known else _UNASKED.get(spoken, "en"),
                    zone if known else None,
                    tuple(sorted(deeds, key=lambda deed: deed.at)),
                )
            )
    return told


Deeds = list[Deed]


def _bought(fate: Fate, end: datetime | None = None) -> Deed:
    """A plan whose time ends in the week, or just after it."""
    end = end or fate.end()
    plan, length = fate.random.choice((("week", WEEK), ("month", 30 * DAY)))
    if end - length > fate.start - DAY / 24:
        plan, length = "month", 30 * DAY
    return Deed(end - length, What.BUY, plan)


def _subscriber(fate: Fate, _: int) -> Iterator[Deeds]:
    yield [_bought(fate)]


def _renewing(fate: Fate, _: int) -> Iterator[Deeds]:
    bought = _bought(fate)
    money = Deed(bought.at, What.TOP_UP)
    yield [money, bought, Deed(bought.at, What.RENEW_BY_ITSELF)]


def _short(fate: Fate, _: int) -> Iterator[Deeds]:
    bought = _bought(fate)
    yield [bought, Deed(bought.at, What.RENEW_BY_ITSELF)]


def _topping_up(fate: Fate, _: int) -> Iterator[Deeds]:
    bought = _bought(fate)
    yield [bought, Deed(bought.at, What.RENEW_BY_ITSELF), Deed(fate.moment(), What.TOP_UP)]


def _trying(fate: Fate, _: int) -> Iterator[Deeds]:
    end = next(end for end in iter(fate.end, None) if fate.start + DAY / 12 < end < fate.start + 2.9 * DAY)
    yield [Deed(end - 3 * DAY, What.TRY)]


def _newcomer(fate: Fate, _: int) -> Iterator[Deeds]:
    come = fate.moment()
    deeds = [Deed(come, What.COME), Deed(come + timedelta(minutes=1), What.TRY)]
    if fate.random.random() < 0.4:
        deeds.append(Deed(fate.later(come, DAY / 2), What.BUY, "week"))
    yield deeds


def _buying_again(fate: Fate, _: int) -> Iterator[Deeds]:
    yield [
        _bought(fate),
        Deed(fate.moment(), What.LEAVE, "month"),
        Deed(fate.moment(), What.BUY, fate.random.choice(("week", "month"))),
    ]


def _blocking(fate: Fate, _: int) -> Iterator[Deeds]:
    renewing = fate.random.random() < 0.3
    [deeds] = (_renewing if renewing else _subscriber)(fate, 0)
    blocked = fate.moment()
    deeds.append(Deed(blocked, What.BLOCK))
    if not renewing:
        back = fate.later(blocked)
        deeds += [Deed(back, What.UNBLOCK), Deed(back + timedelta(minutes=1), What.COME)]
    yield deeds


def _gift(fate: Fate, giver: int) -> Iterator[Deeds]:
    given = fate.moment()
    yield [_bought(fate), Deed(given, What.GIVE, "week")]
    yield [Deed(fate.later(given), What.REDEEM, "week", giver)]


def _invitation(fate: Fate, inviter: int) -> Iterator[Deeds]:
    bought, come = _bought(fate), fate.moment()
    yield [bought, Deed(bought.at, What.INVITE)]
    yield [
        Deed(come, What.FOLLOW, whose=inviter),
        Deed(fate.later(come), What.BUY, "month"),
    ]


_KINDS: Final[list[tuple[Callable[[Fate, int], Iterator[Deeds]], int]]] = [
    (_subscriber, 36),
    (_renewing, 14),
    (_short, 8),
    (_topping_up, 6),
    (_trying, 10),
    (_newcomer, 9),
    (_buying_again, 6),
    (_blocking, 8),
    (_gift, 2),
    (_invitation, 2),
]
