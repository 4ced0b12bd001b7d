"""More devices than a plan is for: borne for a while, told once a day, then kept out for as long as it goes on."""

from datetime import timedelta

import pytest

from domain.commands import Excess, Online, RecordOnline
from domain.devices import PATIENCE, TOLD_FOR
from domain.messages import TooManyDevices
from tests.domain.test_limits import Customer

MINUTE = timedelta(minutes=1)


@pytest.fixture
def alice() -> Customer:
    alice = Customer()  # her plan is for three
    alice.buy()
    return alice


def look(alice: Customer, addresses: int) -> tuple[Excess, ...]:
    return alice.shop.do(RecordOnline((Online(1, addresses),)))


def told(alice: Customer) -> list[TooManyDevices]:
    return [each for each in alice.shop.told() if isinstance(each, TooManyDevices)]


def test_who_is_over_for_a_while_only_hears_nothing_of_it(alice: Customer) -> None:
    for _ in range(20):
        assert look(alice, 4) == (Excess(1, "s1", 3, keep_out=False),)
        alice.shop.wait(PATIENCE - MINUTE)
        look(alice, 4)
        alice.shop.wait(MINUTE / 2)
        assert look(alice, 3) == ()
    assert told(alice) == []


def test_who_stays_over_is_told_then_kept_out_and_not_told_again_that_day(alice: Customer) -> None:
    assert not look(alice, 5)[0].keep_out
    alice.shop.wait(PATIENCE)
    assert not look(alice, 4)[0].keep_out
    assert told(alice) == [TooManyDevices(title="1 month", online=4, devices=3)]
    alice.shop.wait(PATIENCE)
    assert look(alice, 4) == (Excess(1, "s1", 3, keep_out=True),)
    assert look(alice, 3) == ()
    alice.shop.wait(timedelta(hours=3))
    assert look(alice, 4)[0].keep_out, "whoever was told has no time once more"
    assert len(told(alice)) == 1
    alice.shop.wait(TOLD_FOR)
    assert not look(alice, 4)[0].keep_out
    assert len(told(alice)) == 2


def test_a_plan_without_a_limit_is_for_any_number_and_so_is_what_has_ended(alice: Customer) -> None:
    look(alice, 9)
    alice.buy("year")
    alice.shop.wait(2 * PATIENCE)
    assert look(alice, 9) == ()
    assert alice.shop.do(RecordOnline((Online(77, 9),))) == (), "nobody has that subscription"
    assert told(alice) == []
