"""Kill switches: what is off is not begun and says so, nothing is lost by it, and switched on it goes on."""

from datetime import timedelta

import pytest

from domain import messages
from domain.commands import (
    ClaimMessages,
    CreateBroadcast,
    FinalizePayment,
    PayFromBalance,
    Person,
    QueueBroadcast,
    SetAutoRenewal,
    SetSwitch,
    Show,
    Start,
    StartPurchase,
    StartTrial,
    SteerBroadcast,
    Steering,
    Verdict,
)
from domain.entities import Function, PaymentOutcome, Provider
from domain.money import Money
from domain.outbox import PAUSE
from tests.domain.memory import Shop
from tests.domain.test_access import buy
from tests.storage.shop import ALICE, BOB

CAROL = Person(1003, "Carol", "carol", "ru")


def switch(shop: Shop, name: str, on: bool, by: str = "olga") -> None:
    request = f"{name}-{on}-{shop.now}"
    assert shop.do(SetSwitch(request=request, by=by, name=name, on=on, reason="a test")) == Verdict(True)


def start(shop: Shop, provider: Provider = Provider.STARS, item: str = "plan:month") -> int | None:
    started = shop.do(StartPurchase(shop.update(), ALICE, item, provider))
    return None if started is None else started.purchase_id


def pay(shop: Shop, purchase_id: int, amount: Money) -> PaymentOutcome:
    charge = f"charge-{purchase_id}"
    command = FinalizePayment(
        provider=Provider.STARS,
        charge_id=charge,
        amount=amount,
        purchase_id=purchase_id,
        payer=ALICE.id,
    )
    return shop.do(command).outcome


def test_while_payments_are_off_no_purchase_begins_and_the_money_of_earlier_ones_is_booked() -> None:
    shop = Shop()
    first = start(shop)
    assert first is not None
    switch(shop, Function.PAYMENTS, on=False)
    assert start(shop) is None
    assert shop.told()[-1] == messages.PaymentsOff()
    assert len(shop.rows.purchases.changed) == 1

    assert pay(shop, first, Money(150, "XTR")) is PaymentOutcome.ACCEPTED
    assert shop.rows.subscriptions.get(ALICE.id) is not None, "what was paid for is given"

    switch(shop, Function.PAYMENTS, on=True)
    assert start(shop) is not None


def test_an_order_on_the_balance_waits_until_payments_are_on_again() -> None:
    shop = Shop()
    top_up = start(shop, item="top_up:500")
    assert top_up is not None
    pay(shop, top_up, Money(380, "XTR"))
    order = start(shop, Provider.BALANCE)
    assert order is not None
    switch(shop, Function.PAYMENTS, on=False)
    assert shop.do(PayFromBalance(shop.update(), ALICE, order, replaces=7)) is None
    assert shop.told()[-1] == messages.PaymentsOff(replaces=7)
    switch(shop, Function.PAYMENTS, on=True)
    assert shop.do(PayFromBalance(shop.update(), ALICE, order)) is not None


def test_while_sign_ups_are_off_who_is_new_is_not_served_and_who_invited_them_is_noted() -> None:
    shop = Shop()
    shop.do(Start(shop.update(), ALICE))
    shop.do(Show(shop.update(), ALICE, "invite"))
    alice = shop.rows.users.get(ALICE.id)
    assert alice is not None
    shop.wait(timedelta(hours=1))
    switch(shop, Function.SIGN_UPS, on=False)
    shop.do(Start(shop.update(BOB), BOB, f"ref_{alice.referral_code}"))
    shop.do(StartTrial(shop.update(BOB), BOB))
    shop.do(Show(shop.update(BOB), BOB, "plans"))
    assert shop.told()[-3:] == [messages.SignUpsOff()] * 3
    assert not shop.rows.subscriptions.changed
    shop.do(Start(shop.update(), ALICE))
    assert shop.told()[-1] == messages.Home(first_name="Alice"), "who was here before"

    switch(shop, Function.SIGN_UPS, on=True)
    shop.do(StartTrial(shop.update(BOB), BOB))
    assert isinstance(shop.told()[-1], messages.TrialStarted)
    bob = shop.rows.users.get(BOB.id)
    assert bob is not None
    assert bob.referrer_id == ALICE.id


def test_money_of_a_stranger_is_booked_while_sign_ups_are_off() -> None:
    shop = Shop()
    switch(shop, Function.SIGN_UPS, on=False)
    command = FinalizePayment(
        provider=Provider.STARS,
        charge_id="x",
        amount=Money(150, "XTR"),
        purchase_id=None,
        payer=CAROL.id,
    )
    assert shop.do(command).outcome is PaymentOutcome.UNKNOWN_PURCHASE
    assert len(shop.rows.payments.changed) == 1


@pytest.mark.parametrize("on", [True, False])
def test_whoever_waits_for_a_key_is_told_that_it_takes_longer_while_provisioning_is_off(on: bool) -> None:
    shop = Shop()
    switch(shop, Function.PROVISIONING, on=on)
    buy(shop)
    [paid] = [each for each in shop.told() if isinstance(each, messages.Paid)]
    assert (paid.connecting, paid.delayed) == (True, not on)


def test_the_renewal_says_that_it_waits_while_renewals_are_off() -> None:
    shop = Shop()
    buy(shop)
    for on in (False, True):
        switch(shop, "auto_renewal", on=on)
        shop.do(SetAutoRenewal(shop.update(), ALICE, on=True))
        told = shop.told()[-1]
        assert isinstance(told, messages.AutoRenewal)
        assert (told.on, told.paused) == (True, not on)


def test_while_broadcasts_are_off_none_starts_and_what_is_written_waits() -> None:
    shop = Shop()
    shop.do(Start(shop.update(), ALICE))
    assert shop.do(CreateBroadcast(by="olga", request="1", html="News")) == Verdict(True, number=1)
    start = SteerBroadcast(by="olga", request="2", broadcast_id=1, what=Steering.START, last_number=9)
    assert shop.do(start) == Verdict(True)
    assert shop.do(QueueBroadcast(1, (ALICE.id,), 1)) == 1
    number = max(shop.rows.outbox.changed)

    switch(shop, Function.BROADCASTS, on=False)
    assert shop.do(ClaimMessages((number,))) == ()
    waiting = shop.rows.outbox.get(number)
    assert waiting is not None
    assert (waiting.state, waiting.not_before) == ("pending", shop.now + PAUSE)
    shop.do(CreateBroadcast(by="olga", request="3", html="More news"))
    again = SteerBroadcast(by="olga", request="4", broadcast_id=2, what=Steering.START, last_number=9)
    assert shop.do(again) == Verdict(False, "broadcasts are switched off: switch them on first")

    switch(shop, Function.BROADCASTS, on=True)
    assert shop.do(ClaimMessages((number,))) == (number,)


def test_a_switch_that_stands_so_already_keeps_who_put_it_so_and_when() -> None:
    shop = Shop()
    switch(shop, Function.PAYMENTS, on=False)
    before = shop.rows.switches.get(Function.PAYMENTS)
    shop.wait(timedelta(hours=1))
    switch(shop, Function.PAYMENTS, on=False, by="boris")
    assert shop.rows.switches.get(Function.PAYMENTS) == before
    assert before is not None
    assert before.changed_by == "olga"
