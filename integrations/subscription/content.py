"""What a subscription has to say, before it takes a form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from integrations.xray.profile import Profile

#: Nobody listens there, and nobody is asked: an entry that only carries its name.
_NOWHERE: Final = Profile(UUID(int=0), "127.0.0.1", 1)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes used, and how many there may be; 0 is no limit."""

    upload: int = 0
    download: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One customer's subscription, as every form of it tells it."""

    #: The shop's name, which apps show above the connections.
    title: str
    #: The address itself, as people reach it.
    address: str
    #: Every connection that works now.
    profiles: Sequence[Profile] = ()
    #: Why not everything works and what to do, in a few words; empty while all is well.
    notice: str = ""
    #: What an app is told that can use none of the connections.
    other_app: str = ""
    expires_at: datetime | None = None
    traffic: Traffic = Traffic()
    #: Where people renew; empty if it is not known.
    bot_url: str = ""
    support_url: str = ""

    def __post_init__(self) -> None:
        """An app that is given an empty list shows an error of its own, which helps nobody."""
        assert self.profiles or self.notice, "a subscription without connections says why"

    @property
    def entries(self) -> tuple[Profile, ...]:
        """What apps list: the notice first, as a connection that leads nowhere, then the connections."""
        return (*((placeholder(self.notice),) if self.notice else ()), *self.profiles)


def placeholder(words: str) -> Profile:
    """A connection that leads nowhere and tells something by its name."""
    return replace(_NOWHERE, label=words)


def named(profiles: Iterable[Profile], *taken: str) -> list[tuple[str, Profile]]:
    """Each profile with a name that no other and none of `taken` has, for forms in which names are references."""
    names = set(taken)
    result: list[tuple[str, Profile]] = []
    for profile in profiles:
        label = profile.label or profile.host
        name, number = label, 1
        while name in names:
            number += 1
            name = f"{label} {number}"
        names.add(name)
        result.append((name, profile))
    return result
