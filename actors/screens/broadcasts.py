"""What is said to many at once, as they see it, and the panel of whoever made it."""

from typing import Final

from markupsafe import Markup

from actors.screens.page import Page, Told, paragraphs
from domain.entities import BroadcastAction, BroadcastAudience, BroadcastState
from domain.messages import Announced, AnnouncementEdited, BroadcastHelp, BroadcastPanel, OrderRefused
from integrations.telegram.outgoing import (
    Button,
    Buttons,
    EditCaption,
    EditText,
    Outgoing,
    SendPhoto,
    SendText,
)

Message = BroadcastPanel | BroadcastHelp | OrderRefused

_FEW: Final = 2


def announced(message: Announced, page: Page) -> Outgoing:
    """The content of a broadcast: a message, or another content for one that was sent."""
    buttons = tuple((Button(text, url=url),) for text, url in message.buttons)
    if isinstance(message, AnnouncementEdited):
        assert message.replaces is not None, "what is edited was sent"
        if message.photo is not None:
            return EditCaption(page.chat, message.replaces, message.html, buttons)
        return EditText(page.chat, message.replaces, message.html, buttons)
    if message.photo is not None:
        return SendPhoto(page.chat, message.photo, message.html, buttons)
    return SendText(page.chat, message.html, buttons)


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message to whoever makes broadcasts."""
    match message:
        case BroadcastPanel():
            return _panel(message, page)
        case BroadcastHelp():
            return page.words("broadcast-help"), ()
        case OrderRefused(why=why):
            return page.words("order-refused", why=why), ()


def _panel(message: BroadcastPanel, page: Page) -> Told:
    words = page.words
    parts = [words("broadcast", number=message.broadcast_id, state=message.state, action=message.action)]
    parts.append(_for_whom(message, page))
    if message.state != BroadcastState.DRAFT:
        parts.append(
            words(
                "broadcast-progress",
                reach=message.reach,
                sent=message.sent,
                blocked=message.blocked,
                failed=message.failed,
            )
        )
    if message.action != BroadcastAction.SEND:
        parts.append(words("broadcast-changes", changed=message.changed, unchanged=message.unchanged))
    return paragraphs(*parts), _buttons(message, page)


def _for_whom(message: BroadcastPanel, page: Page) -> Markup:
    words = page.words
    lines = [words("broadcast-audience", audience=message.audience, reach=message.reach)]
    if message.plan is not None:
        lines.append(words("broadcast-plan", plan=message.plan))
    if message.reads is not None:
        lines.append(words("broadcast-language", language=message.reads))
    if message.node is not None:
        lines.append(words("broadcast-node", node=message.node))
    return Markup("\n").join(lines)


def _buttons(message: BroadcastPanel, page: Page) -> Buttons:
    words, number = page.words, message.broadcast_id
    start = Button(words.plain("button-broadcast-start"), data=f"cast:start:{number}")
    pause = Button(words.plain("button-broadcast-pause"), data=f"cast:pause:{number}")
    resume = Button(words.plain("button-broadcast-resume"), data=f"cast:resume:{number}")
    cancel = Button(words.plain("button-broadcast-cancel"), data=f"cast:cancel:{number}")
    delete = Button(words.plain("button-broadcast-delete"), data=f"cast:delete:{number}")
    match message.state:
        case BroadcastState.DRAFT:
            return (*_audiences(message, page), (start, cancel))
        case BroadcastState.RUNNING:
            return ((pause, cancel),)
        case BroadcastState.PAUSED:
            return ((resume, cancel),)
        case _:
            return ((delete,),) if message.sent and message.action != BroadcastAction.DELETE else ()


def _audiences(message: BroadcastPanel, page: Page) -> Buttons:
    """Whom it could be for, two in a row; those who are listed are known by the command line alone."""
    if message.audience == BroadcastAudience.LISTED:
        return ()
    others = [each for each in BroadcastAudience if each not in (BroadcastAudience.LISTED, message.audience)]
    buttons = [
        Button(
            page.words.plain("button-broadcast-audience", audience=each),
            data=f"cast:{each}:{message.broadcast_id}",
        )
        for each in others
    ]
    return tuple(tuple(buttons[at : at + _FEW]) for at in range(0, len(buttons), _FEW))
