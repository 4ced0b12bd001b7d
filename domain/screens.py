"""The screens that people ask for, as facts."""

from domain import messages
from domain.allowance import used
from domain.catalogue import Plan
from domain.commands import Show
from domain.draft import Draft
from domain.entities import SubscriptionStatus, User
from domain.outbox import done, tell
from domain.people import balance_of, meet
from domain.promos import holds, reduced, refusal
from domain.referrals import invitation
from domain.renewal import renewal_screen


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
            return account(draft, user, replaces)
        case "pay":
            return ways_to_pay(draft, user, item, replaces)
        case "choices":
            return messages.Choices(replaces=replaces)
        case "broadcast":
            return messages.BroadcastHelp()
        case "gifts":
            return messages.GiftList(replaces=replaces)
        case "code":
            return messages.AskForCode(replaces=replaces)
        case "reissue":
            return messages.AskToReissue(replaces=replaces)
        case "renewal":
            return renewal_screen(draft, user, replaces)
        case "invite":
            return invitation(draft, user, replaces) or messages.Help()
        case _:
            return messages.Help()


def account(draft: Draft, user: User, replaces: int | None) -> messages.Account:
    """What the user has, and until when."""
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
        used=used(draft, subscription),
        traffic=subscription.traffic,
        devices=subscription.devices,
        online=draft.usage(subscription.id).online,
        stopped=subscription.stopped is not None,
        replaces=replaces,
    )


def ways_to_pay(
    draft: Draft, user: User, item: str, replaces: int | None
) -> messages.WaysToPay | messages.NotForSale:
    """The prices of an item, after the promo code that the person has chosen if it holds for it."""
    offer = draft.catalogue.find(item)
    if offer is None:
        return messages.NotForSale(replaces=replaces)
    promo = draft.rows.promos.get(user.promo_code or "")
    price = stars = None
    if promo is not None and isinstance(offer, Plan):
        own = holds(draft, user, promo)
        if refusal(draft, promo, user, item, own_holds=own) is None:
            price, stars = reduced(promo, offer.price, offer.price), reduced(promo, offer.price, offer.stars)
    return messages.WaysToPay(
        item=item,
        balance=balance_of(draft, user.id),
        price=price,
        stars=stars,
        promo=promo.code if promo is not None and price is not None else None,
        replaces=replaces,
    )
