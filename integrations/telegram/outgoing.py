"""What the bot says, as values, and how each ends: `deliver` turns Telegram's errors into four outcomes.

The outcomes are what a sender must decide by: gone through, never will, later, or not known. Only the last
needs care: a message has no idempotency key, so repeating an unknown one may say the thing twice.
"""

from dataclasses import dataclass
from typing import Final

import trio
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LabeledPrice, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, TelegramError

from domain.money import Money
from integrations.telegram.bot import TrioBot, answered
from integrations.telegram.request import MaybeDelivered, TooManyRequests


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button: `data` comes back as a `Tap`, `url` opens a page, `pay` pays the invoice above it."""

    text: str
    data: str | None = None
    url: str | None = None
    pay: bool = False


STARS: Final = "XTR"

Buttons = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class SendText:
    """A message in Telegram's HTML; `thread` is a topic, where the chat is a forum."""

    chat: int
    html: str
    buttons: Buttons = ()
    thread: int | None = None


@dataclass(frozen=True, slots=True)
class EditText:
    """Replace the text and the buttons of a message of ours."""

    chat: int
    message_id: int
    html: str
    buttons: Buttons = ()


@dataclass(frozen=True, slots=True)
class SendPhoto:
    """A picture, as a file or by its name at Telegram, with a caption in Telegram's HTML."""

    chat: int
    photo: bytes | str
    caption: str
    buttons: Buttons = ()


@dataclass(frozen=True, slots=True)
class EditCaption:
    """Replace the caption and the buttons of a picture of ours."""

    chat: int
    message_id: int
    caption: str
    buttons: Buttons = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """Take back a message of ours; Telegram allows that for 48 hours."""

    chat: int
    message_id: int


@dataclass(frozen=True, slots=True)
class SendInvoice:
    """An invoice, in Stars if `amount` is in XTR, else by card.

    `payload` (1 to 128 bytes, never shown) comes back with the payment.
    """

    chat: int
    title: str
    description: str
    payload: str
    amount: Money
    label: str
    buttons: Buttons = ()


@dataclass(frozen=True, slots=True)
class AnswerTap:
    """End the button's spinner, with a line of text or, as an `alert`, a dialog."""

    query_id: str
    text: str | None = None
    alert: bool = False


@dataclass(frozen=True, slots=True)
class AnswerPreCheckout:
    """Approve a charge, or refuse it with the reason that the person reads."""

    query_id: str
    error: str | None = None


Outgoing = (
    SendText | EditText | SendPhoto | EditCaption | Delete | SendInvoice | AnswerTap | AnswerPreCheckout
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """It is there; `message_id` of what was sent, None for answers to queries."""

    message_id: int | None


@dataclass(frozen=True, slots=True)
class Permanent:
    """It will never go through. `unreachable`: nothing to this person will, until they write again."""

    reason: str
    unreachable: bool


@dataclass(frozen=True, slots=True)
class Temporary:
    """It did not go through and may later; not before `retry_after` seconds, where Telegram said so."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It left and no answer came: it may be there."""

    reason: str


Outcome = Delivered | Permanent | Temporary | Unknown

#: Parts of Telegram's texts, lower case, that mean that nothing can be sent to this chat.
_UNREACHABLE: Final = ("chat not found", "user not found", "peer_id_invalid", "user is deactivated")
#: Refusals that mean that the wanted state is there already.
_ALREADY_SO: Final = ("message is not modified", "message to delete not found")


async def deliver(bot: TrioBot, outgoing: Outgoing) -> Outcome:
    """Carry it out once, within the request's bound of 10 s; a cancellation waits for the outcome.

    Raises nothing for what Telegram or the network may do.
    """
    await trio.lowlevel.checkpoint()
    answered.set(None)
    try:
        with trio.CancelScope(shield=True):
            message_id = await _carry_out(bot, outgoing)
    except TelegramError as error:
        return _outcome(error, outgoing)
    except Exception as error:
        answer = answered.get()
        if answer is None:
            return Temporary(f"cannot be sent: {type(error).__name__}: {error}")
        # An answer of a wrong shape comes after the deed: taken for a failure, it would repeat the deed for ever.
        return Delivered(_message_id(answer))
    return Delivered(message_id)


def _message_id(answer: object) -> int | None:
    found = answer.get("message_id") if isinstance(answer, dict) else None
    return found if isinstance(found, int) else None


async def _carry_out(bot: TrioBot, outgoing: Outgoing) -> int | None:
    match outgoing:
        case SendText(chat, html, buttons, thread):
            sent = await bot.send_message(
                chat,
                html,
                parse_mode=ParseMode.HTML,
                reply_markup=_keyboard(buttons),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                message_thread_id=thread,
            )
            return sent.message_id
        case EditText(chat, message_id, html, buttons):
            await bot.edit_message_text(
                html,
                chat,
                message_id,
                parse_mode=ParseMode.HTML,
                reply_markup=_keyboard(buttons),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
            return message_id
        case SendPhoto(chat, photo, caption, buttons):
            picture = InputFile(photo, "picture.png") if isinstance(photo, bytes) else photo
            sent = await bot.send_photo(
                chat, picture, caption=caption, parse_mode=ParseMode.HTML, reply_markup=_keyboard(buttons)
            )
            return sent.message_id
        case EditCaption(chat, message_id, caption, buttons):
            await bot.edit_message_caption(
                chat,
                message_id,
                caption=caption,
                parse_mode=ParseMode.HTML,
                reply_markup=_keyboard(buttons),
            )
            return message_id
        case Delete(chat, message_id):
            await bot.delete_message(chat, message_id)
            return message_id
        case SendInvoice(chat, title, description, payload, amount, label, buttons):
            sent = await bot.send_invoice(
                chat,
                title,
                description,
                payload,
                amount.currency,
                [LabeledPrice(label, amount.minor)],
                provider_token="" if amount.currency == STARS else bot.provider_token,
                reply_markup=_keyboard(buttons),
            )
            return sent.message_id
        case AnswerTap(query_id, text, alert):
            await bot.answer_callback_query(query_id, text, show_alert=alert)
            return None
        case AnswerPreCheckout(query_id, error):
            await bot.answer_pre_checkout_query(query_id, ok=error is None, error_message=error)
            return None


def _keyboard(buttons: Buttons) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(
                    button.text, url=button.url, callback_data=button.data, pay=button.pay or None
                )
                for button in row
            ]
            for row in buttons
        ]
    )


def _outcome(error: TelegramError, outgoing: Outgoing) -> Outcome:
    """What an error of the Bot API means; python-telegram-bot rewrites texts, so they are compared lower-cased."""
    reason = str(error)
    match error:
        case TooManyRequests():
            return Temporary(reason, error.retry_after)
        case MaybeDelivered():
            return Unknown(reason)
        case Forbidden():
            return Permanent(reason, unreachable=True)
        case BadRequest() if any(text in reason.lower() for text in _ALREADY_SO):
            return Delivered(getattr(outgoing, "message_id", None))
        case BadRequest():
            unreachable = any(text in reason.lower() for text in _UNREACHABLE)
            return Permanent(reason, unreachable)
        case ChatMigrated():
            return Permanent(reason, unreachable=True)
        case InvalidToken() | NetworkError():
            return Temporary(reason)
        case _:
            # An answer that could not be read: Telegram may have carried it out.
            return Unknown(reason)
