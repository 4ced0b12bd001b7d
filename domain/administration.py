"""What an operator does by hand: who, why and when are kept, and value moves through the ledgers (F14)."""

import re
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.allowance import with_more
from domain.commands import (
    AdjustBalance,
    CreatePromo,
    GiveTraffic,
    GrantTime,
    OperatorCommand,
    ReissueKey,
    RevokeAccess,
    SwitchPromo,
    Verdict,
)
from domain.draft import Draft
from domain.entities import AccountKind, Act, ActKind, PeriodCause, Promo, PromoKind, SubscriptionStatus
from domain.grants import put_grant
from domain.keys import give_new_key
from domain.ledger import move
from domain.money import Money
from domain.outbox import tell
from domain.people import balance_of
from domain.periods import give_time, take_time

#: Days that can be given at once, ten years: more is a slip of the finger.
DAYS_MAX: Final = 3_650

_DAY: Final = 86_400
_SECOND: Final = timedelta(seconds=1)
_CODE: Final = re.compile(r"[A-Z0-9_-]{3,32}")
_DONE: Final = Verdict(True)


def grant_time(command: GrantTime, draft: Draft) -> Verdict:
    """Give days of access."""
    if (refusal := _refusal(draft, command, command.user_id)) is not None:
        return refusal
    if not 1 <= command.days <= DAYS_MAX:
        return Verdict(False, f"expected 1 to {DAYS_MAX} days, found {command.days}")
    seconds = command.days * _DAY
    act = _note(draft, command, ActKind.GRANT, command.user_id, seconds=seconds)
    known = draft.rows.subscriptions.get(command.user_id)
    title = known.title if known is not None else f"{command.days} days"
    subscription, _ = give_time(draft, command.user_id, seconds, PeriodCause.ACT, act.id, title=title)
    told = messages.TimeGranted(days=command.days, expires_at=subscription.expires_at, reason=command.reason)
    tell(draft, command.user_id, f"act:{act.id}", told)
    return _DONE


def adjust_balance(command: AdjustBalance, draft: Draft) -> Verdict:
    """Add to a balance, or take from it what is there."""
    if (refusal := _refusal(draft, command, command.user_id)) is not None:
        return refusal
    currency = draft.catalogue.currency
    if command.amount.currency != currency or command.amount.minor == 0:
        return Verdict(False, f"expected an amount in {currency} other than 0, found {command.amount}")
    balance = draft.account(AccountKind.BALANCE, currency, command.user_id)
    if (balance.balance + command.amount).minor < 0:
        return Verdict(False, f"the balance is {balance.balance}: no more can be taken from it")
    act = _note(draft, command, ActKind.ADJUST, command.user_id, amount=command.amount)
    adjustments = draft.account(AccountKind.ADJUSTMENTS, currency)
    if command.amount.minor > 0:
        move(draft, adjustments, balance, command.amount, "act", act.id)
    else:
        move(draft, balance, adjustments, -command.amount, "act", act.id)
    left = balance_of(draft, command.user_id)
    told = messages.Adjusted(amount=command.amount, balance=left, reason=command.reason)
    tell(draft, command.user_id, f"act:{act.id}", told)
    return _DONE


def revoke_access(command: RevokeAccess, draft: Draft) -> Verdict:
    """End a user's access now: all the time that is left is taken, and nothing renews it."""
    if (refusal := _refusal(draft, command, command.user_id)) is not None:
        return refusal
    known = draft.rows.subscriptions.get(command.user_id)
    if known is None or known.expires_at <= draft.now:
        return Verdict(False, f"user {command.user_id} has no running subscription")
    seconds = -((draft.now - known.expires_at) // _SECOND)
    act = _note(draft, command, ActKind.REVOKE, command.user_id, seconds=-seconds)
    draft.rows.subscriptions.put(replace(known, auto_renewal=False))
    take_time(draft, command.user_id, seconds, PeriodCause.ACT, act.id)
    told = messages.Revoked(title=known.title, reason=command.reason)
    tell(draft, command.user_id, f"act:{act.id}", told)
    return _DONE


def reissue_key(command: ReissueKey, draft: Draft) -> Verdict:
    """Give a user another key and address."""
    if (refusal := _refusal(draft, command, command.user_id)) is not None:
        return refusal
    known = draft.rows.subscriptions.get(command.user_id)
    if known is None:
        return Verdict(False, f"user {command.user_id} has never had a subscription, so there is no key")
    act = _note(draft, command, ActKind.REISSUE, command.user_id)
    fresh = give_new_key(draft, known)
    active = fresh.status is SubscriptionStatus.ACTIVE
    told = messages.KeyReissued(active=active, reason=command.reason)
    tell(draft, command.user_id, f"act:{act.id}", told)
    return _DONE


def give_traffic(command: GiveTraffic, draft: Draft) -> Verdict:
    """Add to what a user's plan may move; whose traffic was used up is connected again."""
    if (refusal := _refusal(draft, command, command.user_id)) is not None:
        return refusal
    if command.traffic <= 0:
        return Verdict(False, f"expected a positive number of bytes, found {command.traffic}")
    known = draft.rows.subscriptions.get(command.user_id)
    if known is None or known.status is not SubscriptionStatus.ACTIVE:
        return Verdict(False, f"user {command.user_id} has no running subscription")
    if known.traffic is None:
        return Verdict(False, f"the plan of user {command.user_id} has no limit of traffic")
    act = _note(draft, command, ActKind.TRAFFIC, command.user_id, traffic=command.traffic)
    fresh = with_more(draft, known, command.traffic)
    draft.rows.subscriptions.put(fresh)
    put_grant(draft, fresh)
    told = messages.TrafficGiven(traffic=command.traffic, reason=command.reason)
    tell(draft, command.user_id, f"act:{act.id}", told)
    return _DONE


def create_promo(command: CreatePromo, draft: Draft) -> Verdict:
    """Make a promo code; the database holds what its kind allows, this says it in words."""
    code = command.code.upper()
    if draft.rows.promos.get(code) is not None:
        return Verdict(False, f"there is a code {code} already")
    if (wrong := _wrong_terms(command, draft.catalogue.currency)) is not None:
        return Verdict(False, wrong)
    if command.plan is not None and draft.catalogue.find(f"plan:{command.plan}") is None:
        return Verdict(
            False, f"there is no plan {command.plan!r}; there are {', '.join(draft.catalogue.plans)}"
        )
    if not command.reason.strip():
        return Verdict(False, "say why: a reason is kept with everything that is done by hand")
    _note(draft, command, ActKind.PROMO, None, amount=command.amount)
    draft.rows.promos.put(
        Promo(
            code=code,
            kind=command.kind,
            percent=command.percent,
            amount=command.amount,
            seconds=None if command.days is None else command.days * _DAY,
            max_uses=command.max_uses,
            per_user=command.per_user,
            starts_at=command.starts_at,
            ends_at=command.ends_at,
            first_purchase_only=command.first_purchase_only,
            audience=command.audience,
            plan=command.plan,
            created_by=command.by,
            created_at=draft.now,
        )
    )
    return _DONE


def _wrong_terms(command: CreatePromo, currency: str) -> str | None:
    money = command.kind in (PromoKind.FIXED, PromoKind.BALANCE)
    given = {"percent": command.percent, "amount": command.amount, "days": command.days}
    wanted = {PromoKind.PERCENT: "percent", PromoKind.DAYS: "days"}.get(command.kind, "amount")
    wrong = [name for name, value in given.items() if (value is not None) != (name == wanted)]
    rules = {
        f"a code of kind {command.kind} has {wanted} and nothing else": bool(wrong),
        "a code has 3 to 32 letters, digits, _ or -": _CODE.fullmatch(command.code.upper()) is None,
        f"expected a positive amount in {currency}": money
        and command.amount is not None
        and (command.amount.currency != currency or command.amount.minor <= 0),
        "expected 1 to 99 percent": command.percent is not None and not 1 <= command.percent <= 99,
        f"expected 1 to {DAYS_MAX} days": command.days is not None and not 1 <= command.days <= DAYS_MAX,
        "expected at least one use": (command.max_uses or 1) < 1 or command.per_user < 1,
        "a code ends after it starts": command.starts_at is not None
        and command.ends_at is not None
        and command.ends_at <= command.starts_at,
    }
    return next((sentence for sentence, broken in rules.items() if broken), None)


def switch_promo(command: SwitchPromo, draft: Draft) -> Verdict:
    """Switch a promo code off or on."""
    promo = draft.rows.promos.get(command.code.upper())
    if promo is None:
        return Verdict(False, f"there is no code {command.code.upper()}")
    if not command.reason.strip():
        return Verdict(False, "say why: a reason is kept with everything that is done by hand")
    _note(draft, command, ActKind.PROMO, None)
    draft.rows.promos.put(replace(promo, enabled=command.enabled))
    return _DONE


def _refusal(draft: Draft, command: OperatorCommand, user_id: int) -> Verdict | None:
    if not command.reason.strip():
        return Verdict(False, "say why: a reason is kept with everything that is done by hand")
    if draft.rows.users.get(user_id) is None:
        return Verdict(False, f"user {user_id} has never written to the bot")
    return None


def _note(
    draft: Draft,
    command: OperatorCommand,
    kind: ActKind,
    user_id: int | None,
    *,
    amount: Money | None = None,
    seconds: int | None = None,
    traffic: int | None = None,
) -> Act:
    number = draft.new_id("acts")
    act = Act(number, kind, user_id, command.by, command.reason, amount, seconds, draft.now, traffic)
    return draft.rows.acts.put(act)
