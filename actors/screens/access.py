"""The key: that it works, until when, and that it is over."""

from io import BytesIO
from uuid import UUID

import segno

from actors.screens.page import Page, Told, paragraphs, renewing, renewing_at_once, to_menu
from actors.screens.shop import address_of, links_of
from domain.messages import AccessReady, Account, AskToReissue, Expired, KeyNotReissued, KeyReissued
from integrations.telegram.outgoing import Button, Outgoing, SendPhoto, SendText

Message = Account | Expired | AskToReissue | KeyReissued | KeyNotReissued


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
        case Expired():
            button = renewing(page)
            if message.price is not None:
                button = renewing_at_once(page, message.price, message.period)
            if message.grace:
                return page.words("expired-with-grace", title=message.title), (button,)
            return page.words("expired", title=message.title), (button,)
        case AskToReissue():
            return page.words("ask-to-reissue"), (_reissue(page), to_menu(page))
        case KeyReissued():
            return _reissued(message, page)
        case KeyNotReissued():
            return _not_reissued(message, page)


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
    head = words("account-active", title=title, until=until) + "\n" + balance
    if not message.connected:
        return paragraphs(head, words("account-connecting")), (to_menu(page),)
    keys = [words("account-key", key=link) for link in links_of(UUID(uuid), shop)]
    address = words("account-address", address=address_of(token, shop))
    another = (Button(words.plain("button-reissue"), data="show:reissue"),)
    return paragraphs(head, *keys, address), (renewing(page), another, to_menu(page))
