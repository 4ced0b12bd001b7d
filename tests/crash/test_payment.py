"""The process is killed at every step of a change of money; after the restart all of it happened, or none (F7).

The steps are not listed here: a run that is not killed reports them, and each is then killed in a process of its own.
"""

import pickle
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trio

from domain.commands import (
    AutoRenew,
    Command,
    CreatePromo,
    EnterCode,
    FinalizePayment,
    PayFromBalance,
    Person,
    RecordRefund,
    SetAutoRenewal,
    Show,
    Start,
)
from domain.entities import PromoKind, Provider
from domain.money import Money
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, BOB, NOW, Desk, open_desk

_ROOT = Path(__file__).parents[2]

#: Everything that a payment touches, as one comparable value; what differs from run to run (ids, times) is left out.
_STATE = """
    SELECT (SELECT count(*) FROM payments), (SELECT count(*) FROM transfers),
        (SELECT count(*) FROM purchases WHERE status = 'paid'),
        (SELECT coalesce(sum(extract(epoch FROM expires_at - created_at)), 0)::bigint FROM subscriptions),
        (SELECT coalesce(sum(credits - debits), 0)::bigint FROM accounts WHERE kind = 'balance'),
        (SELECT coalesce(sum(credits - debits), 0)::bigint FROM accounts),
        (SELECT count(*) FROM outbox WHERE key LIKE 'payment:%'),
        (SELECT count(*) FROM updates WHERE done_at IS NULL),
        (SELECT count(*) FROM periods), (SELECT count(*) FROM rewards), (SELECT count(*) FROM redemptions),
        (SELECT coalesce(sum(taken), 0)::bigint FROM promos), (SELECT count(*) FROM gifts),
        (SELECT count(*) FROM refunds WHERE state = 'done'),
        (SELECT count(*) FROM rewards WHERE taken_back_at IS NOT NULL),
        (SELECT count(*) FROM subscriptions WHERE last_auto_renewal_at IS NOT NULL),
        (SELECT count(*) FROM grants WHERE present), (SELECT count(*) FROM outbox)
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


async def buy_as_a_guest_with_a_code(desk: Desk) -> Command[Any]:
    """F1 with all that can follow: a promo code, and rewards for the buyer and whoever invited them."""
    guest = await _guest(desk)
    purchase = await desk.start(Provider.STARS, person=guest)
    return _finalize(Provider.STARS, purchase.purchase_id, purchase.price, await desk.update(guest), guest)


async def buy_a_gift(desk: Desk) -> Command[Any]:
    """A gift, paid in Stars."""
    purchase = await desk.start(Provider.STARS, "gift:month")
    return _finalize(Provider.STARS, purchase.purchase_id, purchase.price)


async def renew(desk: Desk) -> Command[Any]:
    """F3: a renewal from the balance; the end is moved to where it is due."""
    await desk.do(await top_up(desk))
    if not await desk.value("SELECT count(*) FROM subscriptions"):
        await desk.do(await buy_plan(desk))
        await desk.do(SetAutoRenewal(await desk.update(), ALICE, on=True))
    ends_at = NOW + timedelta(hours=1, seconds=await desk.value("SELECT count(*) FROM payments"))
    await desk.writer.connection.execute(
        "UPDATE subscriptions SET expires_at = %s, last_auto_renewal_at = NULL", [ends_at]
    )
    return AutoRenew(await desk.value("SELECT id FROM subscriptions"))


async def refund(desk: Desk) -> Command[Any]:
    """A purchase that earned rewards goes back; the provider, or whoever swept it, says so."""
    paid = await buy_as_a_guest_with_a_code(desk)
    await desk.do(paid)
    return _refund(paid)


async def refund_a_top_up(desk: Desk) -> Command[Any]:
    """A top-up goes back."""
    paid = await top_up(desk)
    await desk.do(paid)
    return _refund(paid)


async def _guest(desk: Desk) -> Person:
    """Somebody new, whom Bob has invited and who has entered a code."""
    if not await desk.value("SELECT count(*) FROM promos"):
        terms = {"code": "TEN", "kind": PromoKind.PERCENT, "percent": 10}
        await desk.do(CreatePromo(request="ten", by="olga", reason="autumn", **terms))  # type: ignore[arg-type]
        await desk.do(Show(await desk.update(BOB), BOB, "invite"))
    code = await desk.value("SELECT referral_code FROM users WHERE referral_code IS NOT NULL")
    guest = Person(await desk.value("SELECT max(id) + 1 FROM users"), "Guest", None, "en")
    await desk.do(Start(await desk.update(guest), guest, f"ref_{code}"))
    await desk.do(EnterCode(await desk.update(guest), guest, "TEN"))
    return guest


def _refund(paid: Any) -> Command[Any]:
    return RecordRefund(
        provider=paid.provider,
        charge_id=paid.charge_id,
        amount=paid.amount,
        purchase_id=paid.purchase_id,
        payer=paid.payer,
        by="telegram",
    )


def _finalize(
    provider: Provider, purchase: int, price: Money, update_id: int | None = None, payer: Person = ALICE
) -> Command[Any]:
    return FinalizePayment(
        provider=provider,
        charge_id=f"charge-{purchase}",
        amount=price,
        purchase_id=purchase,
        payer=payer.id,
        update_id=update_id,
    )


def proving(path: Callable[[Desk], Any], *requirements: str) -> Any:
    return pytest.param(path, marks=pytest.mark.requirement("F7", *requirements), id=path.__name__)


@pytest.mark.parametrize(
    "path",
    [
        proving(buy_plan, "C2"),
        proving(buy_as_a_guest_with_a_code, "C2"),
        proving(buy_a_gift, "C2"),
        proving(top_up, "C3"),
        proving(pay_from_balance),
        proving(renew, "C1"),
        proving(refund, "C9"),
        proving(refund_a_top_up, "C9"),
    ],
)
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
    assert any(grown), "something happens"

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
