"""What a subscription's user is called on a node, and what they may still be called there from before.

The name says three things: whose it is, which of their UUIDs, and whether they are there in grace: a node tells by it
what they may reach, so nothing has to be told to the node but its users. `s7`, `s7.1` after a reissue, `g7.1` in grace.
"""

import re
from dataclasses import dataclass
from itertools import product
from typing import Final

#: Names that we give; other users of a node that is shared with somebody are theirs.
_OURS: Final = re.compile(r"[sg]([1-9][0-9]{0,17})(\.[1-9][0-9]{0,17})?")

#: What the name of everybody begins with who is there in grace, and of nobody else.
IN_GRACE: Final = "g"


def name_on_node(subscription_id: int, generation: int = 0, *, grace: bool = False) -> str:
    """The name of a subscription's user on a node."""
    name = f"{IN_GRACE if grace else 's'}{subscription_id}"
    return f"{name}.{generation}" if generation else name


def subscription_named(name: str) -> int | None:
    """The subscription that a user's name on a node stands for; None if the name is not one of ours."""
    match = _OURS.fullmatch(name)
    return None if match is None else int(match[1])


@dataclass(frozen=True, slots=True)
class Had:
    """What a node has last confirmed of a subscription."""

    version: int
    present: bool
    generation: int
    grace: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done on a node for one version of a grant, in this order.

    A node removes by UUID: so a name with the same UUID goes before the new one comes, or both would be gone. A name
    with an earlier UUID goes afterwards, so that there is no moment without a key that works.
    """

    before: tuple[str, ...]
    wanted: str | None
    afterwards: tuple[str, ...]


def change_on_node(
    subscription_id: int, version: int, wanted: bool, generation: int, grace: bool, had: Had | None
) -> Change:
    """What takes a node from what it has confirmed, or may have been told since, to a version of a grant."""
    name = name_on_node(subscription_id, generation, grace=grace) if wanted else None
    states = [
        (each, in_grace)
        for each, in_grace in _states(version, generation, had)
        if name_on_node(subscription_id, each, grace=in_grace) != name
    ]
    names = {state: name_on_node(subscription_id, state[0], grace=state[1]) for state in states}
    same = tuple(names[state] for state in states if state[0] == generation)
    return Change(same, name, tuple(names[state] for state in states if state[0] != generation))


def _states(version: int, generation: int, had: Had | None) -> list[tuple[int, bool]]:
    """Generation and grace of every user whom the node may have had, the latest first."""
    if had is not None and had.version == version:
        return []
    if had is not None and had.version == version - 1:
        return [(had.generation, had.grace)] if had.present else []
    if had is None and version == 1:
        return []
    first = 0 if had is None else had.generation
    return list(product(range(generation, first - 1, -1), (False, True)))
