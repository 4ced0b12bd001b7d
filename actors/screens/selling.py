"""Choosing: plans, top-ups, and how each can be paid."""

from markupsafe import Markup

from actors.screens.page import Page, Told, paragraphs, to_menu
from actors.words import Data
from domain.catalogue import Plan, TopUp
from domain.messages import NotForSale, PlanList, TopUpList, WaysToPay
from domain.purchases import STARS_PERIOD
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
    if catalogue.trial is not None:
        text = words.plain("button-trial", title=page.title(catalogue.trial.title))
        rows.append((Button(text, data="trial"),))
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
    stars, price = message.stars or item.stars, message.price or item.price
    ways = [(Button(words.plain("button-by-stars", stars=stars.minor), data=f"{buy}:stars"),)]
    if message.item.startswith("plan:") and item_is_monthly(item):
        ways.append(
            (Button(words.plain("button-by-stars-monthly", stars=item.stars.minor), data=f"{buy}:monthly"),)
        )
    if page.shop.cards:
        ways.append((Button(words.plain("button-by-card", price=price), data=f"{buy}:cards"),))
    if page.shop.crypto:
        ways.append((Button(words.plain("button-by-crypto", price=price), data=f"{buy}:cryptopay"),))
    if not isinstance(item, TopUp):
        by_balance = words.plain("button-by-balance", balance=message.balance)
        ways.append((Button(by_balance, data=f"{buy}:balance"),))
    kind = message.item.partition(":")[0]
    back = {"top_up": "show:top_ups", "gift": "show:gifts"}.get(kind, "show:plans")
    return paragraphs(_offer(message, page, item), *_limits(item, page)), (
        *ways,
        (Button(words.plain("button-back"), data=back),),
    )


def item_is_monthly(item: Plan | TopUp) -> bool:
    """Whether a Stars subscription can charge for it: they all last 30 days."""
    return isinstance(item, Plan) and item.duration == STARS_PERIOD


def _limits(item: Plan | TopUp, page: Page) -> list[Markup]:
    """What a plan is for besides time, if that is limited."""
    lines = []
    if isinstance(item, Plan) and item.traffic is not None:
        lines.append(page.words("plan-traffic", traffic=Data(item.traffic)))
    if isinstance(item, Plan) and item.devices is not None:
        lines.append(page.words("account-devices", devices=item.devices))
    return [Markup("\n").join(lines)] if lines else []


def _offer(message: WaysToPay, page: Page, item: Plan | TopUp) -> Markup:
    words, title = page.words, page.title(item.title)
    if isinstance(item, TopUp):
        return words("ways-to-pay-top-up", title=title)
    if message.item.startswith("gift:"):
        return words("ways-to-pay-gift", title=title, price=message.price or item.price)
    if message.promo is not None and message.price is not None:
        return words(
            "ways-to-pay-promo", title=title, price=message.price, full=item.price, code=message.promo
        )
    return words("ways-to-pay", title=title, price=message.price or item.price)
