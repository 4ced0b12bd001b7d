"""What the runtime counts, as Prometheus reads it."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.samples import Sample as Value

from runtime import DeadlineExceeded, Message, System
from runtime.buckets import BOUNDS, QUICK, count_slow, distribution, no_slow_ones
from runtime.metrics import tree_metrics

from .kit import Crash, Echo, Note, Sample, Wait, actor, running


def values(system: System) -> dict[tuple[str, str], float]:
    """Every value by its name and its other labels than the actor's, of actor `a`."""
    found: dict[tuple[str, str], float] = {}
    for family in tree_metrics(system.status(), "test"):
        for value in family.samples:
            if value.labels["actor"] == "a":
                rest = ",".join(f"{key}={text}" for key, text in value.labels.items() if key != "actor")
                found[value.name, rest] = value.value
    return found


async def test_messages_are_counted_by_what_became_of_them(autojump_clock: trio.testing.MockClock) -> None:
    async with running(actor("a", Sample)) as system:
        ref, gate = system.ref("a"), trio.Event()
        assert await ref.call(Echo(1)) == 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ref.call, Wait(gate))
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(DeadlineExceeded):
                await ref.call(Echo(2), timeout=1)
            with trio.move_on_after(1):
                await ref.call(Echo(3), timeout=100)
            ref.cast(Note(4))
            waiting = values(system)
            gate.set()
        await ref.call(Echo(5))
        with pytest.raises(Exception, match="on request"):
            await ref.call(Crash())
        await trio.sleep(30)
        after = values(system)

    assert waiting["test_actor_mailbox_depth", ""] == 3
    assert waiting["test_actor_mailbox_oldest_seconds", ""] == pytest.approx(2, abs=0.01)
    assert waiting["test_actor_in_hand_seconds", ""] == pytest.approx(2, abs=0.01)
    fates = {
        fate: after["test_actor_messages_total", f"fate={fate}"]
        for fate in ("handled", "crashed", "expired", "skipped")
    }
    assert fates == {"handled": 4, "crashed": 1, "expired": 1, "skipped": 1}
    assert after["test_actor_restarts_total", ""] == 1
    assert after["test_actor_incarnation", ""] == 2
    assert after["test_actor_up", ""] == 1


class Slow(Sample):
    async def receive(self, message: Message) -> object:
        assert isinstance(message, Echo)
        await trio.sleep(message.value / 1000)
        return await super().receive(message)


async def test_time_in_hand_and_time_in_the_queue_fall_into_buckets(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running(actor("a", Slow)) as system:
        async with trio.open_nursery() as nursery:
            for milliseconds in (20, 200, 2000, 0):
                nursery.start_soon(system.ref("a").call, Echo(milliseconds))
                await trio.testing.wait_all_tasks_blocked()
        seen = values(system)

    def upto(kind: str, limit: str) -> float:
        return seen[f"test_actor_{kind}_seconds_bucket", f"le={limit}"]

    # In hand 0.02, 0.2, 2 and 0 seconds; queued 0, 0.02, 0.22 and 2.22.
    assert [upto("busy", limit) for limit in ("0.001", "0.01", "0.03", "0.1", "0.3", "1", "3", "+Inf")] == [
        *(1, 1, 2, 2, 3, 3, 4, 4)
    ]
    assert [upto("queue", limit) for limit in ("0.001", "0.01", "0.03", "0.1", "0.3", "1", "3", "+Inf")] == [
        *(1, 1, 2, 2, 3, 3, 4, 4)
    ]
    assert seen["test_actor_busy_seconds_sum", ""] == pytest.approx(2.22, abs=0.001)
    assert seen["test_actor_queue_seconds_sum", ""] == pytest.approx(2.46, abs=0.001)
    assert seen["test_actor_busy_seconds_count", ""] == seen["test_actor_queue_seconds_count", ""] == 4


@given(st.lists(st.floats(0, 100)))
def test_every_time_falls_into_the_one_bucket_whose_bounds_enclose_it(times: list[float]) -> None:
    slow = no_slow_ones()
    for seconds in times:
        if seconds > QUICK:
            count_slow(slow, seconds)
    between = zip((-1.0, *BOUNDS), (*BOUNDS, float("inf")), strict=True)
    assert distribution(len(times), slow) == tuple(
        sum(low < seconds <= high for seconds in times) for low, high in between
    )


async def test_families_are_named_once_and_have_the_same_labels_throughout() -> None:
    async with running(actor("a", Sample), actor("b", Sample)) as system:
        families = list(tree_metrics(system.status(), "test"))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.documentation.endswith(".")
        by_name: dict[str, set[frozenset[str]]] = {}
        for value in family.samples:
            assert isinstance(value, Value)
            by_name.setdefault(value.name, set()).add(frozenset(value.labels))
        assert all(len(labels) == 1 for labels in by_name.values())
