"""What people enter or follow: gifts, promo codes, invitations, and the trial."""

from domain import messages
from domain.allowance import Terms
from domain.commands import EnterCode, Start, StartTrial
from domain.draft import Draft
from domain.entities import PeriodCause, User
from domain.gifts import redeem
from domain.grants import is_delayed
from domain.outbox import done, tell
from domain.people import meet
from domain.periods import give_time
from domain.promos import use_now
from domain.referrals import attach


def start(command: Start, draft: Draft) -> None:
    """Greet a person; an invitation in the link is noted, a code in it is entered."""
    user = meet(draft, command.person)
    kind, _, code = command.payload.partition("_")
    message: messages.Message = messages.Home(first_name=user.first_name)
    if kind == "ref":
        attach(draft, user, code)
    elif kind in ("gift", "promo") and code:
        message = _enter(draft, user, code)
    tell(draft, user.id, f"update:{command.update_id}", message)
    done(draft, command.update_id)


def enter_code(command: EnterCode, draft: Draft) -> None:
    """Do what a code does for this person, or say why it does nothing."""
    user = meet(draft, command.person)
    message = _enter(draft, user, command.code.strip())
    if command.guess and isinstance(message, messages.CodeRefused) and message.reason == "unknown":
        message = messages.Help()
    tell(draft, user.id, f"update:{command.update_id}", message)
    done(draft, command.update_id)


def _enter(draft: Draft, user: User, code: str) -> messages.Message:
    gift, promo = draft.rows.gifts.get(code), draft.rows.promos.get(code.upper())
    if gift is not None:
        return redeem(draft, gift, user)
    if promo is not None:
        return use_now(draft, promo, user)
    return messages.CodeRefused(code=code, reason="unknown")


def start_trial(command: StartTrial, draft: Draft) -> None:
    """Begin a person's trial: only as the first access that they ever have (I5)."""
    user = meet(draft, command.person)
    terms = draft.catalogue.trial
    message: messages.Message
    if terms is None or draft.rows.subscriptions.get(user.id) is not None:
        message = messages.TrialUnavailable(replaces=command.replaces)
    else:
        seconds = int(terms.duration.total_seconds())
        subscription, grant = give_time(
            draft,
            user.id,
            seconds,
            PeriodCause.TRIAL,
            user.number,
            title=terms.title,
            terms=Terms(terms.traffic, terms.devices),
        )
        message = messages.TrialStarted(
            title=terms.title,
            expires_at=subscription.expires_at,
            connecting=not grant.ready,
            delayed=is_delayed(draft, grant),
            replaces=command.replaces,
        )
    tell(draft, user.id, f"update:{command.update_id}", message)
    done(draft, command.update_id)
