"""A crowd that does something at random: people, providers, nodes, workers, operators and Telegram.

The same crowd works on the pure domain and on the real writer. Identifiers come again on purpose, so repeats of
everything happen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from domain.commands import (
    AbandonMessages,
    AskRefund,
    AttachInvoice,
    AutoRenew,
    ClaimMessages,
    Command,
    Dispute,
    DropMessages,
    EnterCode,
    FinalizePayment,
    FinishUpdate,
    LapseInvoices,
    MarkUnreachable,
    PayFromBalance,
    Person,
    PutAside,
    Received,
    RecordRefund,
    RecordUpdates,
    RefuseRefund,
    Reissue,
    ReleaseMessages,
    RenewNow,
    ReportUnavailable,
    SetAutoRenewal,
    SettleMessage,
    SettleReview,
    Show,
    Start,
    StartPurchase,
    StartTrial,
)
from domain.entities import (
    MessageState,
    Payment,
    Provider,
    Purchase,
    ReviewAction,
)
from domain.money import Money
from tests.domain.crowd_of_announcers import of_a_broadcast
from tests.domain.crowd_of_nodes import of_a_node, of_an_end
from tests.domain.crowd_of_operators import CODES, by_hand, operator, promo_by_hand
from tests.domain.memory import Shop

PEOPLE = {n: Person(n, f"<{n}> & \"co'", None if n % 2 else f"p{n}", "en") for n in range(1001, 1005)}

_ITEMS = ["plan:month", "plan:month", "plan:year", "gift:month", "top_up:500", "top_up:500", "plan:gone"]
_EXTERNAL = [Provider.STARS, Provider.CARDS, Provider.CRYPTOPAY]
_SCREENS = ["home", "account", "top_ups", "pay:plan:month", "invite", "gifts", "code", "?"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known outside of the writer, because it is committed: nobody can name what was not told to anybody."""

    subscriptions: frozenset[int]
    payments: frozenset[int]
    invitations: frozenset[str]

    @classmethod
    def of(cls, shop: Shop) -> "Known":
        """All that the shop holds now."""
        rows = shop.rows
        return cls(
            frozenset(row.id for row in rows.subscriptions.changed.values()),
            frozenset(row.id for row in rows.payments.changed.values()),
            frozenset(row.referral_code for row in rows.users.changed.values() if row.referral_code),
        )


class Crowd:
    """Makes commands out of what the shop in memory holds."""

    def __init__(self, random: Random, shop: Shop) -> None:
        self._random = random
        self._shop = shop
        self._updates = 1
        self._known = Known.of(shop)

    def act(self, known: Known) -> Command[Any]:
        """Some command of somebody who knows what is committed."""
        self._updates += 1
        self._known = known
        acts: list[Callable[[int, Person], Command[Any]]] = [
            *[self._buy] * 3,
            self._record,
            self._ask,
            self._small,
            self._enter,
            self._switch,
            self._make_promo,
            self._by_hand,
            lambda update, _: of_a_broadcast(self._random, self._shop, list(PEOPLE), update),
        ]
        if self._purchases():
            acts += (
                [self._provider_says_paid] * 4 + [self._pay_from_balance] * 3 + [self._invoice, self._lapse]
            )
        if known.payments:
            acts += [self._refund, self._review, self._review, self._provider_refunds]
        if known.subscriptions:
            acts += [self._nodes, self._nodes, self._expire, self._expire, self._renew, self._renew_now]
        update, person = self._random.randint(1, self._updates), self._random.choice(list(PEOPLE.values()))
        return self._random.choice(acts)(update, person)

    def wait(self) -> timedelta:
        """How long until the next batch: often no time, sometimes past the end of something."""
        return timedelta(days=self._random.choice([0, 0, 1, 20]), minutes=self._random.choice([0, 59, 61]))

    def _purchases(self) -> list[Purchase]:
        return list(self._shop.rows.purchases.changed.values())

    def _payments(self) -> list[Payment]:
        payments = self._shop.rows.payments.changed.values()
        return [payment for payment in payments if payment.id in self._known.payments]

    def _buy(self, update: int, person: Person) -> Command[Any]:
        provider = self._random.choice(list(Provider))
        recurring = self._random.random() < 0.2
        return StartPurchase(update, person, self._random.choice(_ITEMS), provider, recurring=recurring)

    def _record(self, _: int, person: Person) -> Command[Any]:
        ids = [self._random.randint(1, 2 * self._updates) for _ in range(3)]
        return RecordUpdates(tuple(Received(each, person.id, '{"x": 1}') for each in ids))

    def _ask(self, update: int, person: Person) -> Command[Any]:
        return Show(update, person, self._random.choice(_SCREENS))

    def _enter(self, update: int, person: Person) -> Command[Any]:
        gifts = list(self._shop.rows.gifts.changed)
        invitations = sorted(self._known.invitations)
        code = self._random.choice([*CODES, *gifts, "nothing"])
        kind = self._random.choice(["promo", "gift", ""])
        return self._random.choice(
            [
                EnterCode(update, person, code),
                Start(update, person, f"{kind}_{code}"),
                Start(update, person, f"ref_{self._random.choice(invitations or ['nobody'])}"),
                StartTrial(update, person),
                Reissue(update, person),
            ]
        )

    def _switch(self, update: int, person: Person) -> Command[Any]:
        return SetAutoRenewal(update, person, self._random.random() < 0.8)

    def _make_promo(self, update: int, _: Person) -> Command[Any]:
        return promo_by_hand(self._random, update)

    def _by_hand(self, update: int, person: Person) -> Command[Any]:
        return by_hand(self._random, update, person)

    def _operator(self, update: int) -> dict[str, Any]:
        return operator(self._random, update)

    def _small(self, update: int, person: Person) -> Command[Any]:
        outbox = self._random.choice([1, *self._shop.rows.outbox.changed])
        settle = SettleMessage(
            outbox_id=outbox,
            state=self._random.choice(list(MessageState)),
            not_before=self._shop.now,
            unreachable=self._random.random() < 0.2,
        )
        blocked = MarkUnreachable(update, person, self._random.random() < 0.5)
        about = self._random.choice([ClaimMessages, ReleaseMessages, AbandonMessages, DropMessages])(
            (outbox, 1)
        )
        return self._random.choice(
            [settle, about, about, blocked, PutAside(update, "Boom"), FinishUpdate(update)]
        )

    def _provider_says_paid(self, update: int, person: Person) -> Command[Any]:
        purchase = self._random.choice(self._purchases())
        off_by = self._random.choice([0, 0, 0, 0, 0, -1, 1, 1000])
        minor = max(1, purchase.price.minor + off_by)
        currency = self._random.choice([purchase.price.currency] * 9 + ["USD"])
        return FinalizePayment(
            provider=Provider.STARS if purchase.provider is Provider.BALANCE else purchase.provider,
            charge_id=f"{purchase.id}-{self._random.randint(1, 3)}",
            amount=Money(minor, currency),
            purchase_id=self._random.choice([purchase.id] * 6 + [None, 999_999]),
            payer=self._random.choice([purchase.user_id, purchase.user_id, person.id, None, 77]),
            update_id=self._random.choice([None, update]),
            repeated=self._random.random() < 0.3,
        )

    def _pay_from_balance(self, update: int, person: Person) -> Command[Any]:
        purchase = self._random.choice(self._purchases())
        return PayFromBalance(update, self._random.choice([person, PEOPLE[purchase.user_id]]), purchase.id)

    def _invoice(self, update: int, _: Person) -> Command[Any]:
        purchase = self._random.choice(self._purchases())
        made = AttachInvoice(update, purchase.id, f"{purchase.id}-{update}", "https://pay.example")
        return self._random.choice([made, ReportUnavailable(update, purchase.id)])

    def _lapse(self, _: int, __: Person) -> Command[Any]:
        return LapseInvoices(tuple(self._shop.rows.purchases.changed))

    def _refund(self, update: int, _: Person) -> Command[Any]:
        number = self._random.choice(self._payments()).id
        return self._random.choice(
            [
                AskRefund(**self._operator(update), payment_id=number),
                RefuseRefund(payment_id=number, error="no"),
                Dispute(**self._operator(update), payment_id=number),
            ]
        )

    def _provider_refunds(self, update: int, person: Person) -> Command[Any]:
        payment = self._random.choice(self._payments())
        provider = (
            self._random.choice(_EXTERNAL) if payment.provider is Provider.BALANCE else payment.provider
        )
        return RecordRefund(
            provider=provider,
            charge_id=self._random.choice([payment.charge_id, payment.charge_id, f"unheard-{update % 3}"]),
            amount=payment.amount,
            purchase_id=payment.purchase_id,
            payer=self._random.choice([payment.user_id, person.id, None]),
            by="telegram",
            update_id=self._random.choice([None, update]),
        )

    def _review(self, update: int, person: Person) -> Command[Any]:
        reviews = sorted(self._known.payments & self._shop.rows.reviews.changed.keys()) or [1]
        return SettleReview(
            **self._operator(update),
            payment_id=self._random.choice(reviews),
            action=self._random.choice(list(ReviewAction)),
            user_id=self._random.choice([None, None, person.id]),
            amount=self._random.choice([None, Money(100, "RUB")]),
            item=self._random.choice([None, "plan:month"]),
        )

    def _nodes(self, update: int, _: Person) -> Command[Any]:
        return of_a_node(self._random, self._shop, self._known.subscriptions, update)

    def _expire(self, _: int, __: Person) -> Command[Any]:
        return of_an_end(self._random, self._known.subscriptions)

    def _renew_now(self, update: int, person: Person) -> Command[Any]:
        known = self._shop.rows.subscriptions.get(person.id)
        period = 1 if known is None else known.periods - self._random.choice([0, 0, 1])
        return RenewNow(update, person, period)

    def _renew(self, _: int, __: Person) -> Command[Any]:
        return AutoRenew(self._random.choice(sorted(self._known.subscriptions)))
