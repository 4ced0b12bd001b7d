"""Who writes to the bot, and the screens that they ask for."""

from dataclasses import replace

from domain import messages
from domain.commands import MarkUnreachable, Person, Show
from domain.draft import Draft
from domain.entities import AccountKind, SubscriptionStatus, User
from domain.money import Money
from domain.outbox import done, tell
from domain.referrals import invitation


def meet(draft: Draft, person: Person) -> User:
    """Remember a person as they are now; whoever writes to us can be reached again (N4)."""
    known = draft.rows.users.get(person.id)
    if known is None:
        number = draft.new_id("users")
        user = User(person.id, person.first_name, person.username, person.language, draft.now, number)
    else:
        user = replace(
            known,
            first_name=person.first_name,
            username=person.username,
            language=person.language,
            unreachable_since=None,
        )
    return draft.rows.users.put(user)


def mark_unreachable(command: MarkUnreachable, draft: Draft) -> None:
    """Note that a person blocked the bot, or let it in again."""
    user = meet(draft, command.person)
    if command.blocked:
        draft.rows.users.put(replace(user, unreachable_since=draft.now))
    done(draft, command.update_id)


def balance_of(draft: Draft, user_id: int) -> Money:
    """What the user has in the shop's currency."""
    return draft.account(AccountKind.BALANCE, draft.catalogue.currency, user_id).balance


def show(command: Show, draft: Draft) -> None:
    """Write the screen that was asked for; a screen that does not exist any more is answered politely."""
    user = meet(draft, command.person)
    message = _screen(command, draft, user)
    tell(draft, user.id, f"update:{command.update_id}", message)
    done(draft, command.update_id)


def _screen(command: Show, draft: Draft, user: User) -> messages.Message:
    name, _, item = command.screen.partition(":")
    replaces = command.replaces
    match name:
        case "home":
            return messages.Home(first_name=user.first_name, replaces=replaces)
        case "plans":
            return messages.PlanList(replaces=replaces)
        case "top_ups":
            return messages.TopUpList(balance=balance_of(draft, user.id), replaces=replaces)
        case "account":
            return _account(draft, user, replaces)
        case "pay" if draft.catalogue.find(item) is not None:
            return messages.WaysToPay(item=item, balance=balance_of(draft, user.id), replaces=replaces)
        case "pay":
            return messages.NotForSale(replaces=replaces)
        case "gifts":
            return messages.GiftList(replaces=replaces)
        case "code":
            return messages.AskForCode(replaces=replaces)
        case "invite":
            return invitation(draft, user, replaces) or messages.Help()
        case _:
            return messages.Help()


def _account(draft: Draft, user: User, replaces: int | None) -> messages.Account:
    balance = balance_of(draft, user.id)
    subscription = draft.rows.subscriptions.get(user.id)
    if subscription is None:
        return messages.Account(balance=balance, replaces=replaces)
    grant = draft.rows.grants.get(subscription.id)
    return messages.Account(
        balance=balance,
        title=subscription.title,
        expires_at=subscription.expires_at,
        active=subscription.status is SubscriptionStatus.ACTIVE and subscription.expires_at > draft.now,
        connected=grant is not None and grant.present and grant.ready,
        uuid=str(subscription.uuid),
        token=subscription.token,
        replaces=replaces,
    )
