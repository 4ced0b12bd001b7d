"""What people move is counted exactly from counters that restarts set back, whatever comes twice, late or never."""

import random
from dataclasses import dataclass, field

from domain.commands import Reading, RecordUsage, StartTrial
from domain.entities import NodeUsage, Usage
from tests.domain.memory import Shop
from tests.storage.shop import ALICE, BOB

PEOPLE = (1, 2)


@dataclass(slots=True)
class Node:
    """A node that counts: `runs` are the last readings of each run of it that the writer was told, by subscription."""

    name: str
    number: int = 1
    counters: dict[int, tuple[int, int]] = field(default_factory=dict)
    told: dict[int, dict[int, tuple[int, int]]] = field(default_factory=dict)

    def move(self, chance: random.Random) -> None:
        """Somebody moves something."""
        person = chance.choice(PEOPLE)
        up, down = self.counters.get(person, (0, 0))
        self.counters[person] = (up + chance.randrange(1000), down + chance.randrange(1000))

    def restart(self) -> None:
        """All counters begin at nothing."""
        self.number += 1
        self.counters = {}

    def read(self) -> RecordUsage:
        """The counters as they are."""
        readings = tuple(Reading(number, *counted) for number, counted in sorted(self.counters.items()))
        return RecordUsage(self.name, f"run {self.number}", readings)

    def tell(self) -> None:
        """What was read now is what the writer knows of this run."""
        self.told.setdefault(self.number, {}).update(self.counters)

    def sums(self, person: int) -> tuple[int, int]:
        """What the writer was told of somebody, in all runs."""
        seen = [run.get(person, (0, 0)) for run in self.told.values()]
        return sum(up for up, _ in seen), sum(down for _, down in seen)


def shop_with_two_customers() -> Shop:
    shop = Shop()
    for person in (ALICE, BOB):
        shop.do(StartTrial(shop.update(person), person))
    return shop


def test_every_byte_that_a_reading_told_is_counted_once_through_restarts_losses_and_repeats(
    campaign: int,
) -> None:
    """A process that was killed before its commit is a reading that was never told; one killed after it tells again."""
    for seed in range(150 * campaign):
        chance, shop = random.Random(seed), shop_with_two_customers()
        nodes, history = [Node("a"), Node("b")], list[RecordUsage]()
        for _ in range(60):
            node = chance.choice(nodes)
            match chance.randrange(6):
                case 0 | 1 | 2:
                    node.move(chance)
                case 3:
                    command = node.read()
                    if chance.randrange(4):  # or it is lost
                        shop.do(command)
                        node.tell()
                        history.append(command)
                case 4 if not chance.randrange(3):
                    node.restart()
                case _ if history:
                    before = totals(shop)
                    assert shop.do(chance.choice(history)) == 0, f"seed {seed}: a repeat was news"
                    assert totals(shop) == before, f"seed {seed}: a repeat was counted"
        for person in PEOPLE:
            each = [node.sums(person) for node in nodes]
            for node, expected in zip(nodes, each, strict=True):
                known = shop.rows.node_usage.get((person, node.name))
                counted = (known.up, known.down) if known is not None else (0, 0)
                assert counted == expected, f"seed {seed}: {person} on {node.name}"
            whole = shop.rows.usage.get(person) or Usage(person)
            assert (whole.up, whole.down) == tuple(map(sum, zip(*each, strict=True))), f"seed {seed}"


def totals(shop: Shop) -> list[NodeUsage | Usage]:
    return [*shop.rows.node_usage.changed.values(), *shop.rows.usage.changed.values()]


def test_each_direction_is_counted_for_itself() -> None:
    """Counters are read one after another, so of two readings neither need be the later one in both directions."""
    shop = shop_with_two_customers()
    for up, down in ((10, 20), (15, 10), (5, 30)):
        shop.do(RecordUsage("a", "run", (Reading(1, up, down),)))
    assert shop.rows.usage.get(1) == Usage(1, 15, 30)


def test_what_a_node_counts_for_a_subscription_that_nobody_knows_is_left_aside() -> None:
    shop = shop_with_two_customers()
    assert shop.do(RecordUsage("a", "run", (Reading(77, 1, 1), Reading(2, 5, 5)))) == 1
    assert shop.rows.usage.get(77) is None
    assert shop.rows.usage.get(2) == Usage(2, 5, 5)
