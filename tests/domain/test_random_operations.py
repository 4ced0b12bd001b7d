"""Whatever people, providers, operators, nodes and time do, in whatever order: nothing is lost, doubled or invented.

./run test tests/domain/test_random_operations.py --campaign 500    # 100,000 sequences
"""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from domain.entities import AccountKind, Provider, PurchaseStatus, ReviewAction
from tests.domain.crowd import Crowd, Known
from tests.domain.memory import Shop

_SEQUENCES = 200
_STEPS = 60


@pytest.mark.requirement("F8", "I3", "I4", "I7")
def test_the_books_balance_after_every_step_of_random_sequences(campaign: int) -> None:
    for seed in range(_SEQUENCES * campaign):
        random, shop = Random(seed), Shop()
        crowd = Crowd(random, shop)
        for step in range(_STEPS):
            command = crowd.act(Known.of(shop))
            shop.do(command)
            try:
                check(shop)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, step {step}: {command}") from error
            shop.wait(crowd.wait())


def check(shop: Shop) -> None:
    """What is true after every command."""
    _ledger_balances(shop)
    _payments_and_transfers_pair(shop)
    _suspense_holds_what_is_under_review(shop)
    _purchases_are_paid_once(shop)
    _promos_hold_their_limits(shop)
    _time_is_the_sum_of_its_periods(shop)


def _ledger_balances(shop: Shop) -> None:
    transfers = list(shop.rows.transfers.changed.values())
    came: Counter[int] = Counter()
    went: Counter[int] = Counter()
    for transfer in transfers:
        came[transfer.credit] += transfer.amount.minor
        went[transfer.debit] += transfer.amount.minor
    sums: Counter[str] = Counter()
    for account in shop.accounts():
        assert (account.credits, account.debits) == (came[account.id], went[account.id])
        assert account.kind is not AccountKind.BALANCE or account.balance.minor >= 0
        sums[account.currency] += account.balance.minor
    assert not any(sums.values())


def _payments_and_transfers_pair(shop: Shop) -> None:
    transfers = list(shop.rows.transfers.changed.values())
    causes = Counter((each.cause, each.cause_id) for each in transfers)
    assert set(causes.values()) <= {1}
    payments = {each.id: each for each in shop.rows.payments.changed.values()}
    by_cause = {each.cause_id: each for each in transfers if each.cause == "payment"}
    assert by_cause.keys() == payments.keys()
    for number, payment in payments.items():
        assert (by_cause[number].id, by_cause[number].amount) == (payment.transfer_id, payment.amount)


def _suspense_holds_what_is_under_review(shop: Shop) -> None:
    """Money lies in suspense exactly while somebody still has to say what becomes of it."""
    waiting: Counter[str] = Counter()
    for payment in shop.rows.payments.changed.values():
        review, refund = shop.rows.reviews.get(payment.id), shop.rows.refunds.get(payment.id)
        refunded = refund is not None and refund.state == "done"
        opened = review is not None and review.action in (None, ReviewAction.REFUND)
        if opened and not refunded and not payment.outcome.settles and not _credited(shop, payment.id):
            waiting[payment.amount.currency] += payment.amount.minor
    held = {a.currency: a.balance.minor for a in shop.accounts() if a.kind is AccountKind.SUSPENSE}
    excess = _unsettled_excess(shop)
    for currency, amount in held.items():
        assert amount == waiting[currency] + excess[currency]


def _credited(shop: Shop, payment_id: int) -> bool:
    """Whether an earlier settlement moved the money on; a dispute may have opened the review again since."""
    causes = {(each.cause, each.cause_id) for each in shop.rows.transfers.changed.values()}
    return ("review", payment_id) in causes


def _unsettled_excess(shop: Shop) -> Counter[str]:
    """What is too much of an overpaid purchase and whose worth nobody could tell by rule."""
    causes = {(each.cause, each.cause_id) for each in shop.rows.transfers.changed.values()}
    excess: Counter[str] = Counter()
    for payment in shop.rows.payments.changed.values():
        if payment.outcome != "overpaid" or {("excess", payment.id), ("review", payment.id)} & causes:
            continue
        refund = shop.rows.refunds.get(payment.id)
        if refund is None or refund.state != "done":
            purchase = shop.rows.purchases.get(payment.purchase_id or 0)
            assert purchase is not None
            excess[payment.amount.currency] += payment.amount.minor - purchase.price.minor
    return excess


def _purchases_are_paid_once(shop: Shop) -> None:
    payments = shop.rows.payments.changed.values()
    settled = [each.purchase_id for each in payments if each.outcome.settles]
    granted = [
        each.purchase_id for each in shop.rows.reviews.changed.values() if each.purchase_id is not None
    ]
    paid = [
        each.id
        for each in shop.rows.purchases.changed.values()
        if each.status in (PurchaseStatus.PAID, PurchaseStatus.REFUNDED)
    ]
    assert sorted(map(str, [*settled, *granted])) == sorted(map(str, paid))


def _promos_hold_their_limits(shop: Shop) -> None:
    held = Counter(each.promo_code for each in shop.rows.purchases.changed.values() if each.promo_held)
    used = Counter(each.code for each in shop.rows.redemptions.changed.values())
    for promo in shop.rows.promos.changed.values():
        assert promo.max_uses is None or promo.taken <= promo.max_uses
        assert held[promo.code] + used[promo.code] == promo.taken + promo.honoured
    granted = {each.purchase_id for each in shop.rows.reviews.changed.values()} - {None}
    had = Counter(
        (each.code, each.user_id)
        for each in shop.rows.redemptions.changed.values()
        if each.purchase_id not in granted
    )
    for use in shop.rows.promo_uses.changed.values():
        assert 0 <= use.taken <= use.allowed
        assert had[use.code, use.user_id] <= use.allowed


def _time_is_the_sum_of_its_periods(shop: Shop) -> None:
    for subscription in shop.rows.subscriptions.changed.values():
        periods = [
            each for each in shop.rows.periods.changed.values() if each.subscription_id == subscription.id
        ]
        assert [each.ordinal for each in periods] == list(range(1, subscription.periods + 1))
        assert periods[-1].ends_at == subscription.expires_at
        assert all(one.cause != "trial" for one in periods[1:])
        assert all(
            (two.seconds > 0) == (two.ends_at > one.ends_at) for one, two in pairwise(periods) if two.seconds
        )
        grant = shop.rows.grants.get(subscription.id)
        assert grant is not None
        assert (grant.present, grant.grace) == (
            subscription.status != "expired",
            subscription.status == "grace",
        )
        assert (grant.uuid, grant.generation) == (subscription.uuid, subscription.generation)
        renewed_at = subscription.last_auto_renewal_at
        assert renewed_at is None or renewed_at <= subscription.expires_at
    charges = [each for each in shop.rows.payments.changed if each[0] is Provider.BALANCE]
    assert len(charges) == len(set(charges))
