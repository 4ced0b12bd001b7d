"""The paths on which money moves: each prepares a shop and gives the batches that a process is then killed in."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.commands import (
    AskRefund,
    AutoRenew,
    Command,
    CreatePromo,
    EnterCode,
    FinalizePayment,
    LapseInvoices,
    PayFromBalance,
    Person,
    RecordRefund,
    SetAutoRenewal,
    Show,
    Start,
)
from domain.entities import PromoKind, Provider
from domain.money import Money
from tests.crash.victim import Batch
from tests.storage.shop import ALICE, BOB, NOW, Desk

Path = Callable[[Desk], Awaitable[list[Batch]]]

GUEST = Person(1003, "Guest", None, "en")


async def buy_a_plan(desk: Desk) -> list[Batch]:
    """F1: a plan, by a provider's payment that came as an update."""
    return [[await _pays(desk, Provider.STARS, "plan:month")]]


async def buy_as_a_guest_with_a_code(desk: Desk) -> list[Batch]:
    """F1 with all that can follow: a promo code, and rewards for the buyer and whoever invited them."""
    return [[await _guest_pays(desk)]]


async def buy_with_a_code_that_lapsed(desk: Desk) -> list[Batch]:
    """F1: what an invoice promised is kept after its time."""
    paid = await _guest_pays(desk)
    desk.now = NOW + timedelta(hours=2)
    await desk.do(LapseInvoices((paid.purchase_id or 0,)))
    return [[paid]]


async def buy_a_gift(desk: Desk) -> list[Batch]:
    """A gift, paid in Stars."""
    return [[await _pays(desk, Provider.STARS, "gift:month")]]


async def redeem_a_gift(desk: Desk) -> list[Batch]:
    """A gift reaches somebody else."""
    await desk.do(await _pays(desk, Provider.STARS, "gift:month"))
    code = await desk.value("SELECT code FROM gifts")
    return [[EnterCode(await desk.update(BOB), BOB, code)]]


async def top_up(desk: Desk) -> list[Batch]:
    """F2: a top-up, by a provider's payment."""
    return [[await _pays(desk, Provider.CRYPTOPAY, "top_up:500")]]


async def pay_from_the_balance(desk: Desk) -> list[Batch]:
    """A plan, paid from the balance."""
    await desk.do(await _pays(desk, Provider.CRYPTOPAY, "top_up:500"))
    purchase = await desk.start(Provider.BALANCE)
    return [[PayFromBalance(await desk.update(), ALICE, purchase.purchase_id)]]


async def renew(desk: Desk) -> list[Batch]:
    """F3: a renewal from the balance."""
    return [[await _due(desk, ALICE)]]


async def renew_three_in_a_batch(desk: Desk) -> list[Batch]:
    """F3: several subscribers in one transaction, one of them short of money."""
    due = [await _due(desk, person) for person in (ALICE, BOB)]
    return [[*due, await _due(desk, GUEST, credit=False)]]


async def be_swept(desk: Desk) -> list[Batch]:
    """What a sweep finds at once: a payment, a top-up, a charge of nobody, an underpaid one, and one twice."""
    plan = await _pays(desk, Provider.STARS, "plan:month")
    credit = await _pays(desk, Provider.CRYPTOPAY, "top_up:500")
    little = await _pays(desk, Provider.STARS, "plan:month")
    found: Batch = [
        plan,
        credit,
        replace(plan, charge_id="nobody's", purchase_id=None, payer=None, update_id=None),
        replace(little, amount=Money(100, "XTR")),
        replace(plan, update_id=None),
    ]
    return [found, found]


async def refund_as_asked(desk: Desk) -> list[Batch]:
    """An operator asks, then the provider has done it."""
    paid = await _guest_pays(desk)
    receipt = await desk.do(paid)
    asked = AskRefund(request="1", by="olga", reason="asked for it", payment_id=receipt.payment_id)
    return [[asked], [_returned(paid, by="provider")]]


async def refund_by_telegram(desk: Desk) -> list[Batch]:
    """Telegram has sent the Stars back and says so by an update."""
    paid = await _guest_pays(desk)
    await desk.do(paid)
    return [[_returned(paid, by="telegram", update_id=await desk.update(GUEST))]]


async def refund_a_top_up(desk: Desk) -> list[Batch]:
    """A top-up goes back, of which some is spent."""
    paid = await _pays(desk, Provider.CRYPTOPAY, "top_up:500")
    await desk.do(paid)
    purchase = await desk.start(Provider.BALANCE)
    await desk.do(PayFromBalance(await desk.update(), ALICE, purchase.purchase_id))
    return [[_returned(paid, by="olga")]]


async def _pays(desk: Desk, provider: Provider, item: str, person: Person = ALICE) -> FinalizePayment:
    """What a provider says when somebody has paid an invoice; Telegram says it by an update."""
    purchase = await desk.start(provider, item, person)
    return FinalizePayment(
        provider=provider,
        charge_id=f"charge-{purchase.purchase_id}",
        amount=purchase.price,
        purchase_id=purchase.purchase_id,
        payer=person.id,
        update_id=await desk.update(person) if provider is Provider.STARS else None,
    )


def _returned(paid: FinalizePayment, *, by: str, update_id: int | None = None) -> RecordRefund:
    return RecordRefund(
        provider=paid.provider,
        charge_id=paid.charge_id,
        amount=paid.amount,
        purchase_id=paid.purchase_id,
        payer=paid.payer,
        by=by,
        update_id=update_id,
    )


async def _guest_pays(desk: Desk) -> FinalizePayment:
    """Somebody new, whom Bob has invited and who has entered a code, pays for a plan."""
    terms: dict[str, Any] = {"code": "TEN", "kind": PromoKind.PERCENT, "percent": 10, "max_uses": 1}
    await desk.do(CreatePromo(request="ten", by="olga", reason="autumn", **terms))
    await desk.do(Show(await desk.update(BOB), BOB, "invite"))
    code = await desk.value("SELECT referral_code FROM users WHERE referral_code IS NOT NULL")
    await desk.do(Start(await desk.update(GUEST), GUEST, f"ref_{code}"))
    await desk.do(EnterCode(await desk.update(GUEST), GUEST, "TEN"))
    return await _pays(desk, Provider.STARS, "plan:month", GUEST)


async def _due(desk: Desk, person: Person, *, credit: bool = True) -> Command[Any]:
    """A month that ends now, with money on the balance for the next one."""
    desk.now = NOW - timedelta(days=30) + timedelta(hours=1)
    for item in ["plan:month", "top_up:500"][: 2 if credit else 1]:
        await desk.do(await _pays(desk, Provider.CRYPTOPAY, item, person))
    await desk.do(SetAutoRenewal(await desk.update(person), person, on=True))
    return AutoRenew(await desk.value(f"SELECT id FROM subscriptions WHERE user_id = {person.id}"))
