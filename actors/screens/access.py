"""The key: that it works, until when, and that it is over."""

from io import BytesIO
from uuid import UUID

import segno
from markupsafe import Markup

from actors.screens.page import Page, Told, menu, paragraphs, renewing, renewing_at_once, to_menu
from actors.screens.shop import address_of, links_of
from actors.words import Data
from domain.messages import (
    AccessReady,
    Account,
    AskToReissue,
    Expired,
    KeyNotReissued,
    KeyReissued,
    TooManyDevices,
    TrafficGiven,
    TrafficRunsOut,
    TrafficUsedUp,
)
from integrations.telegram.outgoing import Button, Outgoing, SendPhoto, SendText

Message = (
    Account
    | Expired
    | TrafficRunsOut
    | TrafficUsedUp
    | TooManyDevices
    | TrafficGiven
    | AskToReissue
    | KeyReissued
    | KeyNotReissued
)


def ready(message: AccessReady, page: Page) -> Outgoing:
    """The key as a picture, with the key and the subscription address to copy."""
    words, shop = page.words, page.shop
    links = links_of(UUID(message.uuid), shop)
    if not links:
        return SendText(page.chat, words("access-without-nodes"), (to_menu(page),))
    picture = BytesIO()
    segno.make(links[0], error="m", micro=False).save(picture, kind="png", scale=8, border=3)
    address = address_of(message.token, shop)
    caption = words("access-ready", until=message.expires_at, key=links[0], address=address)
    account = Button(words.plain("button-account"), data="show:account")
    return SendPhoto(page.chat, picture.getvalue(), caption, ((account,),))


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    match message:
        case Account():
            return _account(message, page)
        case TrafficRunsOut() | TrafficUsedUp():
            return _traffic(message, page), (_renewing(message, page),)
        case TrafficGiven(traffic=traffic, reason=reason):
            return page.words("traffic-given", traffic=Data(traffic), reason=reason), menu(page)
        case TooManyDevices(title=title, online=online, devices=devices):
            account = (Button(page.words.plain("button-account"), data="show:account"),)
            return page.words("too-many-devices", title=title, online=online, devices=devices), (account,)
        case Expired():
            button = _renewing(message, page)
            if message.grace:
                return page.words("expired-with-grace", title=message.title), (button,)
            return page.words("expired", title=message.title), (button,)
        case AskToReissue():
            return page.words("ask-to-reissue"), (_reissue(page), to_menu(page))
        case KeyReissued():
            return _reissued(message, page)
        case KeyNotReissued():
            return _not_reissued(message, page)


def _renewing(message: Expired | TrafficRunsOut | TrafficUsedUp, page: Page) -> tuple[Button, ...]:
    if message.price is None:
        return renewing(page)
    return renewing_at_once(page, message.price, message.period)


def _traffic(message: TrafficRunsOut | TrafficUsedUp, page: Page) -> Markup:
    words, title, traffic = page.words, message.title, Data(message.traffic)
    if isinstance(message, TrafficRunsOut):
        return words("traffic-runs-out", title=title, used=Data(message.used), traffic=traffic)
    if message.grace:
        return words("traffic-used-up-with-grace", title=title, traffic=traffic, until=message.expires_at)
    return words("traffic-used-up", title=title, traffic=traffic, until=message.expires_at)


def _limits(message: Account, page: Page) -> list[Markup]:
    """What was moved of what may be, and how many devices may be connected."""
    words, used = page.words, Data(message.used)
    lines = [words("account-traffic-so-far", used=used)]
    if message.traffic is not None:
        lines = [words("account-traffic", used=used, traffic=Data(message.traffic))]
    if message.devices is not None:
        lines.append(words("account-devices-online", online=message.online, devices=message.devices))
    return lines


def _not_reissued(message: KeyNotReissued, page: Page) -> Told:
    if message.again_at is None:
        return page.words("account-without-plan"), (renewing(page), to_menu(page))
    return page.words("reissued-lately", at=message.again_at), (to_menu(page),)


def _reissue(page: Page) -> tuple[Button, ...]:
    return (Button(page.words.plain("button-reissue-now"), data="reissue"),)


def _reissued(message: KeyReissued, page: Page) -> Told:
    text = page.words("key-reissued") if message.active else page.words("key-reissued-without-plan")
    if message.reason:
        text = paragraphs(text, page.words("key-reissued-why", reason=message.reason))
    return text, (to_menu(page),)


def _account(message: Account, page: Page) -> Told:
    words, shop = page.words, page.shop
    balance = words("account-balance", balance=message.balance)
    title, until, uuid, token = message.title, message.expires_at, message.uuid, message.token
    if title is None or until is None or uuid is None or token is None:
        plans = Button(words.plain("button-plans"), data="show:plans")
        return words("account-without-plan") + "\n" + balance, ((plans,), to_menu(page))
    if not message.active:
        return words("account-ended", title=title, at=until) + "\n" + balance, (renewing(page), to_menu(page))
    head = Markup("\n").join(
        [words("account-active", title=title, until=until), balance, *_limits(message, page)]
    )
    if message.stopped:
        return paragraphs(head, words("account-stopped")), (renewing(page), to_menu(page))
    if not message.connected:
        return paragraphs(head, words("account-connecting")), (to_menu(page),)
    keys = [words("account-key", key=link) for link in links_of(UUID(uuid), shop)]
    address = words("account-address", address=address_of(token, shop))
    another = (Button(words.plain("button-reissue"), data="show:reissue"),)
    return paragraphs(head, *keys, address), (renewing(page), another, to_menu(page))
