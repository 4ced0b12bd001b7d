"""Whatever a node has and whatever the database knows, only who is known to nobody is an orphan."""

from random import Random
from uuid import UUID

import pytest

from domain.names import name_on_node, subscription_named
from domain.reconciliation import Differences, Known

_ROUNDS = 500


def listed(there: dict[str, UUID]) -> Differences:
    """A comparison that knows the node's users."""
    found = Differences()
    found.list(there.items())
    return found


@pytest.mark.requirement("U3", "U4")
def test_an_orphan_is_known_to_nobody_and_whoever_is_confirmed_and_not_there_is_missing(
    campaign: int,
) -> None:
    for seed in range(_ROUNDS * campaign):
        random = Random(seed)
        there = {
            name_on_node(n): UUID(int=random.choice([n, n, n, 99])) for n in random.sample(range(1, 30), 12)
        }
        known = [
            Known(n, UUID(int=n), present=True, pending=random.random() < 0.4)
            for n in sorted(random.sample(range(1, 30), 20))
        ]
        found = listed(there)
        cut = random.randint(0, 20)
        found.compare(known[:cut])
        found.compare(known[cut:])

        names = {name_on_node(each.subscription_id) for each in known}
        assert found.orphans == {name: uuid for name, uuid in there.items() if name not in names}
        assert found.missing == [
            each.subscription_id
            for each in known
            if not each.pending and there.get(name_on_node(each.subscription_id)) != each.uuid
        ]


@pytest.mark.parametrize(
    ("orphans", "users", "confirmed", "allowed"),
    [
        (5, 5, 0, True),
        (6, 6, 0, False),
        (10, 100, 0, True),
        (11, 100, 0, False),
        (11, 100, 10, False),
        (11, 100, 11, True),
    ],
)
def test_many_orphans_are_removed_only_if_they_are_a_small_share_or_confirmed(
    orphans: int, users: int, confirmed: int, allowed: bool
) -> None:
    found = listed({name_on_node(n): UUID(int=n) for n in range(1, users + 1)})
    found.compare(Known(n, UUID(int=n), present=True, pending=False) for n in range(orphans + 1, users + 1))
    assert found.may_remove(10, confirmed) is allowed


@pytest.mark.parametrize("name", ["bob", "s", "s0", "s01", "s1x", "sam", "S1", "s1.", "", "s" + "9" * 30])
def test_names_that_we_do_not_give_are_nobodys(name: str) -> None:
    assert subscription_named(name) is None


def test_a_name_leads_back_to_its_subscription() -> None:
    assert subscription_named(name_on_node(123456)) == 123456


def test_whoever_is_being_changed_is_no_orphan_whatever_they_are_called_there() -> None:
    old, new = UUID(int=1), UUID(int=2)
    found = listed({"s7": old, "g7": old, "s8": old})
    found.compare([Known(7, new, present=True, pending=True, generation=1)])
    assert (found.missing, set(found.orphans)) == ([], {"s8"})
