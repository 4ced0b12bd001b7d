"""What is promised of each kind of message: how it is delivered, what it goes before, and how long it makes sense.

A fact about money or access is worth hearing twice rather than never; a screen that somebody asked for may come twice
as well, since it says the same. A reminder or a broadcast that comes twice is a nuisance, so a try that may have
succeeded is the last one (N3).
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.entities import Priority


class Promise(StrEnum):
    """What happens to a message whose fate is not known, because no answer came or the process was killed."""

    AT_LEAST_ONCE = "at_least_once"
    """It is sent again."""
    AT_MOST_ONCE = "at_most_once"
    """It is not."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The promise, the priority, and after how long a message is not sent any more; None: never too late.

    Whoever writes a message may know a better end.
    """

    promise: Promise
    priority: Priority
    lasts: timedelta | None = None


#: What a screen says is of the moment: after this time it is out of date, and nobody waits for it.
_SCREEN: Final = Delivery(Promise.AT_LEAST_ONCE, Priority.PROMPT, timedelta(hours=1))
_FACT: Final = Delivery(Promise.AT_LEAST_ONCE, Priority.PROMPT)
_REMINDER: Final = Delivery(Promise.AT_MOST_ONCE, Priority.REMINDER, timedelta(hours=12))
#: Administrators wait behind everybody who has asked for something.
_NOTICE: Final = Delivery(Promise.AT_LEAST_ONCE, Priority.REMINDER, timedelta(days=1))
_BROADCAST: Final = Delivery(Promise.AT_MOST_ONCE, Priority.BROADCAST, timedelta(days=3))

#: Every kind that there is.
DELIVERY: Final[dict[str, Delivery]] = {
    "home": _SCREEN,
    "help": _SCREEN,
    "plan_list": _SCREEN,
    "ways_to_pay": _SCREEN,
    "top_up_list": _SCREEN,
    "account": _SCREEN,
    "choices": _SCREEN,
    "stars_invoice": _SCREEN,
    "crypto_invoice": _SCREEN,
    "confirm_balance": _SCREEN,
    "not_enough": _SCREEN,
    "not_for_sale": _SCREEN,
    "provider_unavailable": _SCREEN,
    "already_paid": _SCREEN,
    "gift_list": _SCREEN,
    "ask_for_code": _SCREEN,
    "card_invoice": _SCREEN,
    "stars_subscription": _SCREEN,
    "trial_unavailable": _SCREEN,
    "promo_chosen": _SCREEN,
    "code_refused": _SCREEN,
    "invitation": _SCREEN,
    "auto_renewal": _SCREEN,
    "ask_to_reissue": _SCREEN,
    "key_not_reissued": _SCREEN,
    "paid": _FACT,
    "topped_up": _FACT,
    "under_review": _FACT,
    "access_ready": _FACT,
    "expired": _FACT,
    "too_many_devices": _FACT,
    "traffic_given": _FACT,
    "traffic_runs_out": _FACT,
    "traffic_used_up": _FACT,
    "trial_started": _FACT,
    "promo_redeemed": _FACT,
    "gift_ready": _FACT,
    "gift_redeemed": _FACT,
    "gift_taken": _FACT,
    "reward_earned": _FACT,
    "renewed": _FACT,
    "renewal_short": _FACT,
    "credited": _FACT,
    "paid_for_another": _FACT,
    "review_closed": _FACT,
    "refunded": _FACT,
    "adjusted": _FACT,
    "time_granted": _FACT,
    "revoked": _FACT,
    "key_reissued": _FACT,
    "ends_soon": _REMINDER,
    "come_back": _REMINDER,
    "announcement": _BROADCAST,
    "announcement_edited": _BROADCAST,
    "announcement_gone": _BROADCAST,
    "announcement_preview": _SCREEN,
    "broadcast_panel": _SCREEN,
    "broadcast_help": _SCREEN,
    "order_refused": _SCREEN,
    "payments_off": _SCREEN,
    "sign_ups_off": _SCREEN,
    "switch_panel": _SCREEN,
    "money_notice": _NOTICE,
    "alerts_notice": _NOTICE,
    "daily_report": _NOTICE,
}
