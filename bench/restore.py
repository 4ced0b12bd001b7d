"""kill -9 of a node's Xray in a running shop: seconds until all of its users are back, with nobody's help.

    python -m bench.restore [--users 1000 100000]

The shop's own actors on a PostgreSQL of its own: the one that runs the node, the one that owns access, the writer.
A node is asked how many users it has, a hundred times a second. Memory is that of the shop's process, PostgreSQL
and the node aside.
"""

import argparse
import logging
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import structlog
import trio

from bench.crowd import forget_peak, open_crowd, open_database, resident_mb, settle


async def measure(users: int) -> None:
    async with open_database() as (database, folder):
        settle(database, users, datetime.now(UTC) + timedelta(days=30))
        began = time.perf_counter()
        async with open_crowd(database, folder) as crowd:
            await crowd.until_on(users)
            print(f"{users:,} users: the shop and its node are up in {time.perf_counter() - began:.2f} s")
            for _ in range(3):
                await trio.sleep(2)
                forget_peak()
                memory = resident_mb("VmRSS")
                began = time.perf_counter()
                os.kill(crowd.xray(), signal.SIGKILL)
                await crowd.until_on(users)
                print(
                    f"{users:,} users: all are back {time.perf_counter() - began:.2f} s after kill -9, "
                    f"memory {memory:.0f} MB before, {resident_mb('VmHWM'):.0f} MB at most"
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, nargs="*", default=[1000, 100_000])
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for count in parser.parse_args().users:
        trio.run(measure, count)
