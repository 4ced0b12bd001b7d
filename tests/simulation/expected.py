"""What everybody must be told in the week, and what they must have at its end, worked out from their lives alone.

One person after the other, event by event: what they do, and what becomes of it by the rules that people are told. The
shop's workers appear only as the grid on which they look.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.simulation.people import Deed, Life, What
from tests.simulation.table import NEVER, Expected, Hours, Outcome, Told
from tests.simulation.terms import RENEWS_BEFORE, Reminder, Terms

#: How late something may be seen: what is told at once, and what waits for somebody to look again.
AT_ONCE: Final = timedelta(minutes=2)
_LOOKED_FOR: Final = timedelta(minutes=16)

#: What is seen of a purchase until it is paid.
_CHOOSING: Final = {
    What.BUY: ("plans", "ways_to_pay", "invoice"),
    What.LEAVE: ("plans", "ways_to_pay", "invoice"),
    What.GIVE: ("gifts", "ways_to_pay_gift", "invoice"),
    What.TOP_UP: ("top_ups", "ways_to_pay_top_up", "crypto_invoice"),
}


#: What names the end of somebody's time.
_SPEAK_OF_AN_END: Final = frozenset(
    (
        "ends_soon",
        "ends_soon_short",
        "come_back",
        "trial_ends_soon",
        "trial_come_back",
        "renewed",
        "renewal_short",
    )
)


def expected(lives: Iterable[Life], terms: Terms, hours: Hours) -> Expected:
    """The table for these lives."""
    lives, table = list(lives), Expected()
    people = {life.id: _Person(life, terms, hours, table) for life in lives}
    for life in lives:
        people[life.id].live(people)
    for number, earned in table.rewards.items():
        outcome = table.outcomes[number]
        table.outcomes[number] = Outcome(outcome.ends_at, outcome.active, outcome.balance + earned)
    return table


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A reminder that waits for the morning: in which period, and until when it makes sense."""

    at: datetime
    kind: str
    period: int
    until: datetime


class _Person:
    """Somebody as the week goes by."""

    def __init__(self, life: Life, terms: Terms, hours: Hours, table: Expected) -> None:
        self._life, self._terms, self._hours, self._table = life, terms, hours, table
        self._zone = terms.zone(life.zone)
        self._reachable = True
        self._balance = 0
        self._ends_at: datetime | None = None
        self._active = self._trial = self._connected = self._renews = False
        self._plan = ""
        self._periods = 0
        self._short_told_in = 0
        #: Up to when reminders are told or out of date.
        self._reminded = NEVER
        #: When top-ups that are paid will be found.
        self._on_its_way: list[datetime] = []
        self._money_since = datetime.min.replace(tzinfo=UTC)
        self._waiting: list[_Waiting] = []

    def live(self, people: "dict[int, _Person]") -> None:
        """Go through the week."""
        deeds = list(self._life.deeds)
        while True:
            happens = [
                (deeds[0].at if deeds else NEVER, 0),
                (min(self._on_its_way, default=NEVER), 1),
                (self._renewal(), 2),
                (self._end(), 3),
                (self._reminder(), 4),
                (min((each.at for each in self._waiting), default=NEVER), 5),
            ]
            at, which = min(happens)
            if at >= self._hours.end:
                break
            match which:
                case 0:
                    self._do(deeds.pop(0), people)
                case 1:
                    self._arrive(at)
                case 2:
                    self._renew(at)
                case 3:
                    self._over(at)
                case 4:
                    self._remind(at)
                case _:
                    self._morning(at)
        self._table.outcomes[self._life.id] = Outcome(self._ends_at, self._active, self._balance)

    def tell(self, at: datetime, kind: str, late: timedelta = AT_ONCE) -> None:
        """Something is told, unless they cannot be reached."""
        if self._reachable and at >= self._hours.open[0][0]:
            on = at.astimezone(self._zone).date()
            of = self._ends_at.astimezone(self._zone) if kind in _SPEAK_OF_AN_END and self._ends_at else None
            self._table.told.append(Told(self._life.id, kind, self._life.reads, at, at + late, on, of))

    # What they do.

    def _do(self, deed: Deed, people: "dict[int, _Person]") -> None:
        for kind in _CHOOSING.get(deed.what, ()):
            self.tell(deed.at, kind)
        match deed.what:
            case What.COME | What.FOLLOW:
                self._reachable = True
                self.tell(deed.at, "home")
            case What.TRY:
                self.tell(deed.at, "trial_started")
                self._give(deed.at, self._terms.trial, trial=True)
            case What.BUY:
                self._buy(deed, people)
            case What.GIVE:
                self.tell(deed.at, "gift_ready")
            case What.REDEEM:
                self.tell(deed.at, "gift_redeemed")
                self._give(deed.at, self._terms.plan(deed.plan)[0])
                people[deed.whose].tell(deed.at, "gift_taken")
            case What.TOP_UP:
                self._top_up(deed.at)
            case What.RENEW_BY_ITSELF:
                self._renews = True
            case What.BLOCK:
                self._reachable = False
            case What.UNBLOCK:
                self._reachable = True

    def _buy(self, deed: Deed, people: "dict[int, _Person]") -> None:
        span, price = self._terms.plan(deed.plan)
        self.tell(deed.at, "paid")
        self._give(deed.at, span)
        self._plan = deed.plan
        [by] = [each.whose for each in self._life.deeds if each.what is What.FOLLOW] or [0]
        if by:
            referral = self._terms.document["referral"]
            for person, percent in ((self, referral["buyer"]), (people[by], referral["levels"][0])):
                person.tell(deed.at, "reward_earned")
                self._table.rewards[person._life.id] += price * percent["percent"] // 100

    def _top_up(self, at: datetime) -> None:
        """The payment is found when the shop next asks Crypto Pay."""
        worker = "crypto_payment_watcher"
        known = at < self._hours.open[0][0]
        looks = (self._terms.period(worker), self._terms.first_after(worker))
        self._on_its_way.append(at if known else self._hours.look(at, *looks))

    def _arrive(self, at: datetime) -> None:
        self._on_its_way.remove(at)
        self._balance += self._terms.top_up
        self._money_since = at
        self.tell(at, "topped_up")

    def _give(self, at: datetime, span: timedelta, *, trial: bool = False) -> None:
        self._ends_at = max(self._ends_at or at, at) + span
        self._trial, self._active, self._reminded = trial, True, at
        self._periods += 1
        if not self._connected:
            self._connected = True
            self.tell(at, "access_ready")

    # What becomes of it.

    def _renewal(self) -> datetime:
        """When the plan is renewed, or it is told why not."""
        if not (self._renews and self._active and self._plan and self._ends_at) or self._trial:
            return NEVER
        since = self._ends_at - RENEWS_BEFORE
        if self._balance >= self._terms.plan(self._plan)[1]:
            since = max(since, self._money_since)
        elif self._short_told_in == self._periods:
            return NEVER
        return self._hours.look(since)

    def _renew(self, at: datetime) -> None:
        span, price = self._terms.plan(self._plan)
        late = self._terms.period("auto_renewal") + AT_ONCE
        if self._balance >= price:
            self._balance -= price
            self._give(at, span)
            self.tell(at, "renewed", late)
        else:
            self._short_told_in = self._periods
            self.tell(at, "renewal_short", late)

    def _end(self) -> datetime:
        return self._hours.look(self._ends_at) if self._active and self._ends_at else NEVER

    def _over(self, at: datetime) -> None:
        self._active = self._connected = False
        self.tell(at, "trial_over" if self._trial else "over")

    def _reminders(self) -> list[Reminder]:
        if self._ends_at is None:
            return []
        return self._terms.reminders(self._ends_at, self._zone, trial=self._trial)

    def _reminder(self) -> datetime:
        """When a worker finds that a reminder is due."""
        due = min((each.at for each in self._reminders() if each.at > self._reminded), default=NEVER)
        worker = "trial_notifications" if self._trial else "reminders"
        return NEVER if due == NEVER else self._hours.look(due, self._terms.period(worker))

    def _remind(self, at: datetime) -> None:
        self._reminded = at
        reminder = [each for each in self._reminders() if each.at <= at][-1]
        kind = self._kind(reminder)
        night = self._terms.night(at, self._zone)
        if reminder.until <= at or kind is None or not self._reachable:
            return
        if night is None:
            opening = at in [opens for opens, _ in self._hours.open]
            self.tell(at, kind, _LOOKED_FOR if opening else AT_ONCE)
        elif night[1] < reminder.until:
            morning = self._hours.look(night[1])
            self._waiting.append(_Waiting(morning, kind, self._periods, reminder.until))

    def _kind(self, reminder: Reminder) -> str | None:
        if self._trial:
            return "trial_ends_soon" if reminder.before_end else "trial_come_back"
        if not reminder.before_end:
            return "come_back"
        if not self._renews:
            return "ends_soon"
        return None if self._balance >= self._terms.plan(self._plan)[1] else "ends_soon_short"

    def _morning(self, at: datetime) -> None:
        """What waited for the morning is told, if it still makes sense."""
        for waiting in [each for each in self._waiting if each.at == at]:
            self._waiting.remove(waiting)
            if waiting.period == self._periods and at < waiting.until:
                self.tell(at, waiting.kind, _LOOKED_FOR)
