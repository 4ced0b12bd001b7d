"""`activation` never gives up on who has paid, and an operator hears of who waits for longer than they should."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from actors.activation import Activation
from actors.db_writer import DbWriter
from actors.messages import LookAgain
from runtime import Actor, Context
from tests.actors.access import buy, open_access, rows, until
from tests.actors.systems import Running, environment, running
from tests.fixtures import xray
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of


def alert(here: Running, name: str) -> str | None:
    [status] = [each for each in here.system.status().actors() if each.name == name]
    return next(iter(status.alerts.values()), None)


@pytest.mark.requirement("W6", "W15", "U7")
async def test_who_paid_while_no_node_answers_is_told_of_to_an_operator_and_connected_when_one_does(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with open_access(database, tmp_path, node, workers={"activation": Activation}) as here:
        await buy(here.system.ref("db_writer"), 1)
        here.clock.move(timedelta(seconds=29))
        assert alert(here, "activation") is None, "nobody waits for longer than expected yet"
        with trio.fail_after(20):
            while (text := alert(here, "activation")) is None:
                here.clock.move(timedelta(seconds=30))
                await trio.sleep(0.01)
        assert text.startswith("1 paid subscriptions are on no node")
        assert alert(here, "vpn/plain") is not None, "nor is it hidden which node does not answer"
        here.clock.move(timedelta(days=3))
        assert rows(database, "SELECT ready FROM grants") == [(False,)]

        async with xray.running(node, tmp_path):
            await until(database, "(SELECT ready FROM grants)")
            with trio.fail_after(20):
                while alert(here, "activation") is not None or alert(here, "vpn/plain") is not None:
                    here.clock.move(timedelta(seconds=30))
                    await trio.sleep(0.01)
        assert rows(database, "SELECT count(*) FROM outbox WHERE kind = 'access_ready'") == [(1,)]


def woken(here: Running) -> int:
    """How often the nodes were told to look."""
    return sum(name == "vpn" and isinstance(told, LookAgain) for name, told in here.mail.received)


def looked_at(here: Running) -> datetime | None:
    [status] = [each.worker for each in here.system.status().actors() if each.name == "activation"]
    return None if status is None else status.last_run


async def next_look(here: Running) -> None:
    before = looked_at(here)
    here.clock.move(timedelta(seconds=30))
    with trio.fail_after(20):
        while looked_at(here) == before:
            await trio.sleep(0.01)
    await trio.testing.wait_all_tasks_blocked(0.01)


@pytest.mark.requirement("W6")
async def test_the_nodes_are_woken_after_a_payment_and_at_each_look_for_as_long_as_somebody_waits(
    database: Database, tmp_path: Path
) -> None:
    async with environment(database, tmp_path) as surroundings:
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "activation": partial(Activation, environment=surroundings),
        }
        async with running(actors, ["vpn", "sender"]) as here:
            await next_look(here)
            assert woken(here) == 0, "nobody waits"
            await buy(here.system.ref("db_writer"), 1)
            await trio.testing.wait_all_tasks_blocked(0.01)
            times = woken(here)
            assert times > 0, "somebody has paid"
            for _ in range(3):
                await next_look(here)
                assert woken(here) > times
                times = woken(here)
            with owner_of(database) as owner:
                owner.execute("UPDATE grants SET ready = true")
            await next_look(here)
            assert woken(here) == times
