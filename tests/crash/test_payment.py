"""The process is killed at every step of taking a payment; after the restart all of it happened, or none (F7).

The steps are not listed here: a run that is not killed reports them, and each is then killed in a process of its own.
"""

import pickle
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from domain.commands import Command, FinalizePayment, PayFromBalance
from domain.entities import Provider
from domain.money import Money
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, Desk, open_desk

_ROOT = Path(__file__).parents[2]

#: Everything that a payment touches, as one comparable value; what differs from run to run (ids, times) is left out.
_STATE = """
    SELECT (SELECT count(*) FROM payments), (SELECT count(*) FROM transfers),
        (SELECT count(*) FROM purchases WHERE status = 'paid'),
        (SELECT coalesce(sum(extract(epoch FROM expires_at - created_at)), 0)::bigint FROM subscriptions),
        (SELECT coalesce(sum(credits - debits), 0)::bigint FROM accounts WHERE kind = 'balance'),
        (SELECT coalesce(sum(credits - debits), 0)::bigint FROM accounts),
        (SELECT count(*) FROM outbox WHERE key LIKE 'payment:%'),
        (SELECT count(*) FROM updates WHERE done_at IS NULL)
"""


async def buy_plan(desk: Desk) -> Command[Any]:
    """F1: a plan, by a provider's payment that came as an update."""
    purchase = await desk.start(Provider.STARS)
    return _finalize(Provider.STARS, purchase.purchase_id, purchase.price, await desk.update())


async def top_up(desk: Desk) -> Command[Any]:
    """F2: a top-up, by a provider's payment."""
    purchase = await desk.start(Provider.CRYPTOPAY, "top_up:500")
    return _finalize(Provider.CRYPTOPAY, purchase.purchase_id, purchase.price)


async def pay_from_balance(desk: Desk) -> Command[Any]:
    """A plan, paid from the balance."""
    await desk.do(await top_up(desk))
    purchase = await desk.start(Provider.BALANCE)
    return PayFromBalance(await desk.update(), ALICE, purchase.purchase_id)


def _finalize(provider: Provider, purchase: int, price: Money, update_id: int | None = None) -> Command[Any]:
    return FinalizePayment(
        provider=provider,
        charge_id=f"charge-{purchase}",
        amount=price,
        purchase_id=purchase,
        payer=ALICE.id,
        update_id=update_id,
    )


@pytest.mark.requirement("F7")
@pytest.mark.parametrize("path", [buy_plan, top_up, pay_from_balance])
async def test_killed_at_any_step_a_payment_happened_wholly_or_not_at_all(
    database: Database, path: Callable[[Desk], Any]
) -> None:
    steps: list[str] = []
    async with open_desk(database.writer) as desk:
        await desk.do(
            await path(desk)
        )  # the first of its kind opens accounts; the steps of all later ones are the same
        command = await path(desk)
        desk.writer.step = steps.append
        before = await desk.rows(_STATE)
        await desk.do(command)
        grown = await _difference(desk, before)
    assert "before commit" in steps
    assert grown[0] == 1, "one payment"

    for fatal, name in enumerate(steps):
        async with open_desk(database.writer) as desk:
            command = await path(desk)
            before = await desk.rows(_STATE)
        await _kill_at(fatal, database, command)

        async with open_desk(database.writer) as desk:
            found = await _difference(desk, before)
            assert found == (grown if name == "committed" else [0] * len(grown)), f"killed at {name!r}"
            await desk.do(command)
            assert await _difference(desk, before) == grown, f"delivered again after a kill at {name!r}"


async def _difference(desk: Desk, before: list[tuple[Any, ...]]) -> list[int]:
    [now] = await desk.rows(_STATE)
    return [int(new) - int(old) for new, old in zip(now, before[0], strict=True)]


async def _kill_at(fatal: int, database: Database, command: Command[Any]) -> None:
    arguments = [sys.executable, "-m", "tests.crash.victim", database.writer, str(fatal)]
    with trio.fail_after(60):
        ended = await trio.run_process(
            [*arguments, pickle.dumps(command).hex()],
            cwd=_ROOT,
            check=False,
            capture_stderr=True,
        )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
