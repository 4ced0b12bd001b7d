"""An operator's order is carried out once, also where its answer is lost and it is given again."""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from domain.commands import Show
from runtime.control_client import Refused
from tests.actors.access import rows
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE
from tests.turnpike.test_money import Shop, shop_in
from turnpike import asking
from turnpike.control import control_socket


@dataclass
class Loss:
    """Has the desk die once, when the writer has committed what the desk waits for, and has not answered yet."""

    shop: Shop | None = None
    times: int = 0

    def step(self, name: str) -> None:
        if name == "committed" and self.shop is not None:
            self.shop.system.killer("desk", RuntimeError("killed by a test"))()
            self.shop, self.times = None, 1


def credited(database: Database) -> list[tuple[object, ...]]:
    return rows(database, "SELECT amount FROM transfers WHERE cause = 'act'")


async def test_an_order_whose_answer_is_lost_is_given_again_by_itself_and_done_once(
    database: Database, tmp_path: Path
) -> None:
    loss = Loss()
    async with shop_in(database, tmp_path, loss.step) as shop:
        await shop.write(Show(1, ALICE, "home"))
        loss.shop = shop
        said = await shop.said("adjust", str(ALICE.id), "50.00 RUB", "--reason", "sorry")
        assert said == f"the balance of user {ALICE.id} was changed by 50.00 RUB\n"
        assert loss.times == 1
        assert credited(database) == [(5000,)]


async def test_where_no_answer_comes_the_operator_is_told_the_key_to_give_it_again_with(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_ASKED_AGAIN_AFTER", (0.0,))
    loss = Loss()
    async with shop_in(database, tmp_path, loss.step) as shop:
        await shop.write(Show(1, ALICE, "home"))
        adjust = partial(asking.order, control_socket(tmp_path), False, "done", "AdjustBalance")
        loss.shop = shop
        with pytest.raises(Refused) as lost:
            await adjust({"user_id": ALICE.id, "amount": "50.00 RUB", "reason": "sorry"})
        [key] = re.findall(r"--request (\w+)", str(lost.value))

        for _ in range(2):
            await shop.said("adjust", str(ALICE.id), "50.00 RUB", "--reason", "sorry", "--request", key)
        assert credited(database) == [(5000,)]
        await shop.said("adjust", str(ALICE.id), "50.00 RUB", "--reason", "sorry")
        assert credited(database) == [(5000,), (5000,)], "without the key it is another order"


async def test_an_order_that_fails_by_a_mistake_of_ours_changed_nothing_and_says_so_at_once(
    database: Database, tmp_path: Path
) -> None:
    async with shop_in(database, tmp_path) as shop:
        await shop.write(Show(1, ALICE, "home"))
        sentence = await shop.refused("adjust", str(ALICE.id), f"{10**20}.00 RUB", "--reason", "too rich")
        assert sentence == (
            "AdjustBalance changed nothing: NumericValueOutOfRange: this is a mistake in turnpike, the log says more"
        )
        desk = next(each for each in shop.system.status().actors() if each.name == "desk")
        assert desk.incarnations == 1
