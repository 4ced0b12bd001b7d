"""Renewing in one tap, by the button of a message that speaks of an end."""

from domain import messages
from domain.commands import RenewNow
from domain.draft import Draft
from domain.entities import User
from domain.outbox import done, tell
from domain.people import balance_of, meet
from domain.renewal import extend_from_balance, order_of
from domain.screens import account, ways_to_pay


def renew_now(command: RenewNow, draft: Draft) -> None:
    """Renew the plan from the balance if that covers it, else ask how to pay.

    The button names the period that it was made for, so tapped twice, or long after, it takes no more money (R7).
    """
    user = meet(draft, command.person)
    message = _renew(command, draft, user)
    if message is not None:
        tell(draft, user.id, f"update:{command.update_id}", message)
    done(draft, command.update_id)


def _renew(command: RenewNow, draft: Draft, user: User) -> messages.Message | None:
    """What to say beyond the receipt."""
    subscription = draft.rows.subscriptions.get(user.id)
    order = None if subscription is None else order_of(draft, subscription)
    if subscription is None or order is None:
        return messages.PlanList(replaces=command.replaces)
    if subscription.periods != command.period:
        return account(draft, user, command.replaces)
    if balance_of(draft, user.id) < order.price:
        return ways_to_pay(draft, user, order.item, command.replaces)
    extend_from_balance(draft, subscription, order)
    return None
