"""Counting, keeping out and telling health through an agent, as on a node of this machine."""

from pathlib import Path

import trio

from actors.messages import Examine, KeepOut, Meter
from integrations.xray.version import xray_version
from tests.actors.access import buy, link_of, passes, rows, until
from tests.actors.test_usage import MINUTE
from tests.actors.test_xray import entry, surroundings, system
from tests.fixtures.agents import authority_in, open_agent
from tests.fixtures.postgres import Database


async def test_what_a_node_with_an_agent_counts_is_recorded_and_how_it_is_can_be_asked(
    database: Database, tmp_path: Path
) -> None:
    _, (enrolment,) = authority_in(tmp_path, "far")
    async with open_agent(enrolment, tmp_path / "machine") as port:
        far = entry("far", f"agent://127.0.0.1:{port}")
        async with (
            surroundings(database, tmp_path, far) as (around, (node,)),
            system(around, "db_writer", "xray", "vpn", "usage") as here,
        ):
            await buy(here.system.ref("db_writer"), 1)
            await until(database, "EXISTS (SELECT FROM provisions WHERE node = 'far' AND present)")
            # A node keeps its customers away from its own machine, so what they ask for counts and no answer comes.
            assert not await passes(link_of(database, node, 1))
            meter = here.system.ref("vpn/far/meter")
            with trio.fail_after(20):
                while not (metered := await meter.call(Meter())).readings:
                    await trio.sleep(0.05)
            [reading] = metered.readings
            assert reading.up > 0
            here.clock.move(MINUTE)
            await until(database, f"EXISTS (SELECT FROM node_usage WHERE node = 'far' AND up = {reading.up})")
            assert rows(database, "SELECT up, down FROM usage") == [(reading.up, reading.down)]

            assert await meter.call(KeepOut(frozenset({("s1", "192.0.2.7")})))
            state = await here.system.ref("vpn/far/health").call(Examine())
            assert (state.problem, state.users, state.restarts) == ("", 1, 0)
            assert state.version == xray_version()
