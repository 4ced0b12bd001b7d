"""Whatever people, providers, nodes and time do, in whatever order: the ledger balances and paid time is given once."""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.commands import (
    Confirmation,
    ConfirmProvisions,
    ExpireSubscriptions,
    FinalizePayment,
    PayFromBalance,
    PurchaseStarted,
    StartPurchase,
)
from domain.entities import AccountKind, PaymentOutcome, Provider, PurchaseStatus
from domain.money import Money
from tests.domain.memory import Shop
from tests.storage.shop import ALICE, BOB

people = st.sampled_from([ALICE, BOB])
external = st.sampled_from([Provider.STARS, Provider.CRYPTOPAY])
items = st.sampled_from(["plan:month", "top_up:500", "plan:gone"])


class ShopMachine(RuleBasedStateMachine):
    """Random commands on the pure domain."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.started: list[tuple[Provider, PurchaseStarted]] = []

    @rule(person=people, item=items, provider=st.sampled_from(Provider))
    def start(self, person: object, item: str, provider: Provider) -> None:
        started = self.shop.do(StartPurchase(self.shop.update(), person, item, provider))  # type: ignore[arg-type]
        if started is not None:
            self.started.append((provider, started))

    @rule(data=st.data(), off_by=st.sampled_from([0, 0, 0, -1, 1]), payer=people, charge=st.integers(1, 3))
    def provider_says_paid(self, data: st.DataObject, off_by: int, payer: object, charge: int) -> None:
        outside = [each for each in self.started if each[0] is not Provider.BALANCE]
        if outside:
            provider, started = data.draw(st.sampled_from(outside))
            amount = Money(started.price.minor + off_by, started.price.currency)
            self.shop.do(
                FinalizePayment(
                    provider=provider,
                    charge_id=f"{started.purchase_id}-{charge}",
                    amount=amount,
                    purchase_id=started.purchase_id,
                    payer=payer.id,  # type: ignore[attr-defined]
                )
            )

    @rule(data=st.data(), person=people)
    def pay_from_balance(self, data: st.DataObject, person: object) -> None:
        if self.started:
            _, started = data.draw(st.sampled_from(self.started))
            self.shop.do(PayFromBalance(self.shop.update(), person, started.purchase_id))  # type: ignore[arg-type]

    @rule(days=st.integers(1, 40))
    def time_passes_and_ends_what_is_over(self, days: int) -> None:
        self.shop.wait(timedelta(days=days))
        self.shop.do(ExpireSubscriptions((1, 2, 3)))

    @rule(node=st.sampled_from(["one", "two"]))
    def node_confirms(self, node: str) -> None:
        grants = list(self.shop.rows.grants.changed.values())
        confirmed = tuple(Confirmation(each.subscription_id, each.version, each.present) for each in grants)
        self.shop.do(ConfirmProvisions(node, confirmed))

    @invariant()
    def every_currency_sums_to_zero(self) -> None:
        for currency in ("RUB", "XTR"):
            held = [each.credits - each.debits for each in self.shop.accounts() if each.currency == currency]
            assert sum(held) == 0

    @invariant()
    def no_balance_is_negative_and_each_is_the_sum_of_its_transfers(self) -> None:
        transfers = list(self.shop.rows.transfers.changed.values())
        for account in self.shop.accounts():
            came = sum(each.amount.minor for each in transfers if each.credit == account.id)
            went = sum(each.amount.minor for each in transfers if each.debit == account.id)
            assert (account.credits, account.debits) == (came, went)
            assert account.kind is not AccountKind.BALANCE or account.balance.minor >= 0

    @invariant()
    def every_purchase_has_one_accepted_payment_exactly_if_it_is_paid(self) -> None:
        payments = list(self.shop.rows.payments.changed.values())
        accepted = [each.purchase_id for each in payments if each.outcome is PaymentOutcome.ACCEPTED]
        paid = [
            each.id
            for each in self.shop.rows.purchases.changed.values()
            if each.status is PurchaseStatus.PAID
        ]
        assert sorted(map(str, accepted)) == sorted(map(str, paid))

    @invariant()
    def a_user_is_wanted_on_the_nodes_exactly_while_the_subscription_is_active(self) -> None:
        for subscription in self.shop.rows.subscriptions.changed.values():
            grant = self.shop.rows.grants.get(subscription.id)
            assert grant is not None
            assert grant.present is (subscription.status == "active")


TestShop = pytest.mark.requirement("F8")(ShopMachine.TestCase)
TestShop.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
