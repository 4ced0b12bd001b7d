"""Choosing: plans, top-ups, and how each can be paid."""

from actors.screens.page import Page, Told, to_menu
from domain.catalogue import TopUp
from domain.messages import NotForSale, PlanList, TopUpList, WaysToPay
from integrations.telegram.outgoing import Button, Buttons

Message = PlanList | WaysToPay | TopUpList | NotForSale


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    words = page.words
    match message:
        case PlanList():
            return words("plans"), _plans(page)
        case TopUpList():
            return words("top-ups", balance=message.balance), _top_ups(page)
        case WaysToPay():
            return _ways_to_pay(message, page)
        case NotForSale():
            return words("not-for-sale"), _plans(page)


def _plans(page: Page) -> Buttons:
    words, catalogue = page.words, page.shop.catalogue
    rows = []
    for plan in catalogue.plans.values():
        text = words.plain("button-plan", title=page.title(plan.title), price=plan.price)
        rows.append((Button(text, data=f"show:pay:plan:{plan.id}"),))
    return (*rows, to_menu(page))


def _top_ups(page: Page) -> Buttons:
    words, catalogue = page.words, page.shop.catalogue
    rows = []
    for top_up in catalogue.top_ups.values():
        text = words.plain("button-top-up-by", title=page.title(top_up.title))
        rows.append((Button(text, data=f"show:pay:top_up:{top_up.id}"),))
    return (*rows, to_menu(page))


def _ways_to_pay(message: WaysToPay, page: Page) -> Told:
    words = page.words
    item = page.shop.catalogue.find(message.item)
    if item is None:
        return told(NotForSale(), page)
    buy = f"buy:{message.item}"
    by_stars = words.plain("button-by-stars", stars=item.stars.minor)
    ways = [(Button(by_stars, data=f"{buy}:stars"),)]
    if page.shop.crypto:
        by_crypto = words.plain("button-by-crypto", price=item.price)
        ways.append((Button(by_crypto, data=f"{buy}:cryptopay"),))
    if not isinstance(item, TopUp):
        by_balance = words.plain("button-by-balance", balance=message.balance)
        ways.append((Button(by_balance, data=f"{buy}:balance"),))
    back = "show:top_ups" if isinstance(item, TopUp) else "show:plans"
    return words("ways-to-pay", title=page.title(item.title), price=item.price), (
        *ways,
        (Button(words.plain("button-back"), data=back),),
    )
