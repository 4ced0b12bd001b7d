"""What 100,000 users on one node cost: a comparison with the database, and the end of everybody within a minute.

    python -m bench.storm [--users 100000] [--within 60]

The shop's own actors on a PostgreSQL of its own and one real Xray. A comparison finds everybody in place, then one in a
hundred missing, and as many orphans. In the storm the paid time of all ends within a minute, evenly: `fast_expiry` has
the writer end them, the node's actor takes them off, and the writer records that. Somebody's delay is from the end
of their time until the node no longer knows them. Memory is that of the shop's process.
"""

import argparse
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
import trio

from actors.fast_expiry import FastExpiry
from actors.messages import Compare, Compared
from bench.access import longest_hold
from bench.crowd import Crowd, forget_peak, open_crowd, open_database, resident_mb, settle
from integrations.xray.node import NodeUser
from tests.actors.access import rows

#: What the reconciler allows by itself, in percent.
REMOVES_AT_MOST = 10

#: Seconds between two looks at the node.
LOOK_SECONDS = 0.25


async def compared(crowd: Crowd) -> Compared:
    return await crowd.system.ref("vpn/node/comparison").call(Compare(REMOVES_AT_MOST, 0), timeout=600)


async def compare(crowd: Crowd, what: str) -> None:
    forget_peak()
    memory, cpu, began = resident_mb("VmRSS"), time.process_time(), time.perf_counter()
    found = await compared(crowd)
    print(
        f"comparison, {what}: {time.perf_counter() - began:.2f} s, CPU {time.process_time() - cpu:.2f} s, memory "
        f"{memory:.0f} MB before, {resident_mb('VmHWM'):.0f} MB at most; "
        f"{found.restored} given back, {found.removed} removed"
    )


async def upset(crowd: Crowd, users: int) -> None:
    """Take one in a hundred off the node, and put as many there whom nobody knows."""
    for number in range(1, users, 100):
        await crowd.calls.remove(f"s{number}")
        await crowd.calls.add(NodeUser(f"s{users + number}", UUID(int=users + number)))


@dataclass(slots=True)
class Delay:
    """How late the last of those who are off was, in seconds."""

    worst: float = 0.0
    last: float = 0.0


async def storm(crowd: Crowd, users: int, ends: datetime, within: timedelta) -> None:
    forget_peak()
    cpu, delay = time.process_time(), Delay()
    await trio.sleep((ends - datetime.now(UTC)).total_seconds())
    left = users
    while left:
        await trio.sleep(LOOK_SECONDS)
        left = await crowd.on()
        due = ends + (users - left + 1) / users * within
        delay.last = (datetime.now(UTC) - due).total_seconds()
        delay.worst = max(delay.worst, delay.last)
    off = (datetime.now(UTC) - ends - within).total_seconds()
    while rows(crowd.database, "SELECT FROM provisions WHERE present LIMIT 1"):  # noqa: ASYNC110 - no event reaches here
        await trio.sleep(LOOK_SECONDS)
    recorded = (datetime.now(UTC) - ends - within).total_seconds()
    print(
        f"{users:,} end within {within.total_seconds():.0f} s: the last is off {off:.1f} s after the last end, "
        f"on the record {recorded:.1f} s after it; nobody is on for more than {delay.worst:.1f} s; "
        f"CPU {time.process_time() - cpu:.1f} s, memory {resident_mb('VmHWM'):.0f} MB at most"
    )


async def measure(users: int, within: timedelta) -> None:
    async with open_database() as (database, folder):
        settle(database, users, datetime.now(UTC) + timedelta(days=30))
        async with open_crowd(database, folder) as crowd:
            await crowd.until_on(users)
            await compare(crowd, "nothing differs")
            hold = await longest_hold(partial(compared, crowd))
            print(f"longest hold of the event loop in a comparison: {hold * 1000:.0f} ms")
            await upset(crowd, users)
            await compare(crowd, "one in a hundred missing, as many orphans")
    async with open_database() as (database, folder):
        ends = datetime.now(UTC) + timedelta(seconds=users / 2000 + 10)
        settle(database, users, ends, within)
        async with open_crowd(database, folder, {"fast_expiry": FastExpiry}) as crowd:
            await crowd.until_on(users)
            assert datetime.now(UTC) < ends, "the shop was not up before the storm"
            await storm(crowd, users, ends, within)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--within", type=float, default=60.0)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    trio.run(measure, arguments.users, timedelta(seconds=arguments.within))
