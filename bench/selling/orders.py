"""The orders that every contender finalises: paid plans with a promo code, of people whom somebody invited."""

from dataclasses import dataclass

from bench.selling.machine import Cost

#: People who invited others, and as many promo codes.
INVITERS = 1000

#: Who bought is numbered from here on, above every inviter.
FIRST_BUYER = 1_000_000


@dataclass(frozen=True, slots=True)
class Workload:
    """How many inviters and promo codes the orders are spread over."""

    name: str
    spread: int


WORKLOADS = (Workload("spread", INVITERS), Workload("hot", 1))


@dataclass(frozen=True, slots=True)
class Order:
    """An invoice that was just paid: 120 Stars for a plan of 199 RUB, less 20 %."""

    number: int
    user: int
    inviter: int
    promo: str


def orders(first: int, count: int, workload: Workload) -> list[Order]:
    """As many orders, each of a person of its own, numbered from `first`."""
    return [
        Order(number, FIRST_BUYER + number, 1 + number % workload.spread, f"PROMO{number % workload.spread}")
        for number in range(first, first + count)
    ]


@dataclass(frozen=True, slots=True)
class Terms:
    """How everybody sells: for how many seconds, to how many callers at once, on the server of this process number."""

    seconds: float
    callers: int
    server: int


@dataclass(frozen=True, slots=True)
class Sold:
    """What a contender did in one round: how long each purchase took, in seconds, and what they cost together."""

    latencies: list[float]
    cost: Cost

    @property
    def rate(self) -> float:
        """Finalised purchases per second."""
        return len(self.latencies) / self.cost.wall

    @property
    def cpu(self) -> float:
        """Seconds of CPU for a purchase, of client and server together."""
        return (self.cost.client + self.cost.server) / len(self.latencies)

    @property
    def others(self) -> float:
        """How many cores the rest of the machine used meanwhile."""
        return self.cost.others / self.cost.wall

    def percentile(self, share: float) -> float:
        """The latency that this share of the purchases stayed within, in seconds."""
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(len(self.latencies) * share))]
