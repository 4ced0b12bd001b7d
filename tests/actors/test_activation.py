"""`activation` never gives up on who has paid, and an operator hears of who waits for longer than they should."""

from datetime import timedelta
from pathlib import Path

import pytest
import trio

from actors.activation import Activation
from tests.actors.access import buy, open_access, rows, until
from tests.actors.systems import Running
from tests.fixtures import xray
from tests.fixtures.postgres import Database


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
