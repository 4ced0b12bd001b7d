"""Updates as values: what a person did, without any of Telegram's optional fields.

`read_update` is total: an update that cannot be read becomes `Ignored` with the reason, because an exception
here would make one odd update block its chat for ever.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

import msgspec
import telegram
from telegram import ChatMember, MessageEntity

from domain.commands import Person
from domain.money import BadMoney, Money
from integrations.telegram.raw_update import RawUpdate


@dataclass(frozen=True, slots=True)
class Command:
    """`/name argument`; the name is lower case, without the slash and the bot's own name.

    `html` is the argument with its formatting, as Telegram's HTML; `photo` names the picture whose caption it is.
    """

    user: Person
    name: str
    argument: str
    message_id: int
    html: str = ""
    photo: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """Any other text."""

    user: Person
    text: str
    message_id: int


@dataclass(frozen=True, slots=True)
class Tap:
    """A button of ours was pressed; `message_id` is the text that it hangs on.

    None if Telegram lost it, or if it is a picture or an invoice, which no text can take the place of.
    """

    user: Person
    query_id: str
    data: str
    message_id: int | None


@dataclass(frozen=True, slots=True)
class PreCheckout:
    """Telegram asks whether it may charge; must be answered within 10 s. `total` is in minor units."""

    user: Person
    query_id: str
    currency: str
    total: int
    payload: str


@dataclass(frozen=True, slots=True)
class Paid:
    """Money was charged. `user` is who paid, who need not be who asked for the invoice in `payload`."""

    user: Person
    charge_id: str
    provider_charge_id: str
    amount: Money
    payload: str
    paid_at: datetime
    is_recurring: bool
    is_first_recurring: bool
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refunded:
    """Money went back to the person, by our request or by Telegram's own decision."""

    user: Person
    charge_id: str
    amount: Money
    payload: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The person blocked the bot: nothing can be sent to them."""

    user: Person


@dataclass(frozen=True, slots=True)
class Unblocked:
    """The person took the bot back."""

    user: Person


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for us. `suspicious`: it was malformed or about money, so an operator should see it."""

    reason: str
    suspicious: bool = False


Inbound = Command | Text | Tap | PreCheckout | Paid | Refunded | Blocked | Unblocked | Ignored


def read_update(raw: RawUpdate) -> Inbound:
    """What the update says; never raises."""
    try:
        update = telegram.Update.de_json(json.loads(raw.payload), None)
        return _typed(_read(update))
    except BadMoney as error:
        return Ignored(f"unreadable amount: {error}", suspicious=True)
    except Exception as error:
        # The library checks no types: a wrong shape is any of KeyError, TypeError, AttributeError, ValueError …
        return Ignored(f"malformed update: {type(error).__name__}: {error}", suspicious=True)


def _typed(inbound: Inbound) -> Inbound:
    """The same value, its fields checked against their declared types; raises `msgspec.ValidationError`."""
    return msgspec.convert(asdict(inbound), type(inbound))


def _read(update: telegram.Update) -> Inbound:
    if update.message is not None:
        return _read_message(update.message)
    if update.callback_query is not None:
        return _read_tap(update.callback_query)
    if (query := update.pre_checkout_query) is not None:
        return PreCheckout(
            _person(query.from_user), query.id, query.currency, query.total_amount, query.invoice_payload
        )
    if update.my_chat_member is not None:
        return _read_membership(update.my_chat_member)
    return Ignored("a kind of update that we do not use")


def _read_message(message: telegram.Message) -> Inbound:
    user = _counterpart(message)
    if (payment := message.successful_payment) is not None:  # wherever the invoice was forwarded to
        return Paid(
            user,
            charge_id=payment.telegram_payment_charge_id,
            provider_charge_id=payment.provider_payment_charge_id,
            amount=Money(payment.total_amount, payment.currency),
            payload=payment.invoice_payload,
            paid_at=message.date,
            is_recurring=bool(payment.is_recurring),
            is_first_recurring=bool(payment.is_first_recurring),
            expires_at=payment.subscription_expiration_date,
        )
    if (refund := message.refunded_payment) is not None:
        amount = Money(refund.total_amount, refund.currency)
        return Refunded(user, refund.telegram_payment_charge_id, amount, refund.invoice_payload)
    if message.chat.type != telegram.Chat.PRIVATE:
        return Ignored("not a private chat")
    if message.text is None and message.caption is None:
        return Ignored("a message without text")
    if (command := _command(user, message)) is not None:
        return command
    if message.text is None:
        return Ignored("a picture or a file")
    return Text(user, message.text, message.message_id)


def _command(user: Person, message: telegram.Message) -> Command | None:
    text = message.text or message.caption or ""
    entities = message.entities if message.text is not None else message.caption_entities
    if not any(each.type == MessageEntity.BOT_COMMAND and each.offset == 0 for each in entities):
        return None
    word, _, argument = _split(text)
    html = message.text_html if message.text is not None else message.caption_html
    return Command(
        user,
        name=word.removeprefix("/").partition("@")[0].lower(),
        argument=argument.strip(),
        message_id=message.message_id,
        html=_split(html)[2].strip(),
        photo=message.photo[-1].file_id if message.photo else None,
    )


def _split(text: str) -> tuple[str, str, str]:
    """The first word, what stands between it and the rest, and the rest."""
    space = next((character for character in text if character.isspace()), " ")
    return text.partition(space)


def _read_tap(query: telegram.CallbackQuery) -> Inbound:
    if query.data is None:
        return Ignored("a button without data")
    message_id = None if query.message is None else _replaceable(query.message)
    return Tap(_person(query.from_user), query.id, query.data, message_id)


def _replaceable(shown: telegram.MaybeInaccessibleMessage) -> int | None:
    if shown.chat.type != telegram.Chat.PRIVATE:
        return None
    if shown.is_accessible and isinstance(shown, telegram.Message) and shown.text is None:
        return None
    return shown.message_id


def _read_membership(change: telegram.ChatMemberUpdated) -> Inbound:
    if change.chat.type != telegram.Chat.PRIVATE:
        return Ignored("not a private chat")
    user = _person(change.from_user)
    if change.new_chat_member.status == ChatMember.BANNED:
        return Blocked(user)
    return Unblocked(user)


def _person(user: telegram.User) -> Person:
    return Person(user.id, _writable(user.first_name), user.username, user.language_code)


def _writable(text: str) -> str:
    """What a database can hold: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _counterpart(message: telegram.Message) -> Person:
    """Who wrote, or whose private chat it is where the bot itself is named as the sender (a refund's notice)."""
    sender = message.from_user
    if sender is not None and not sender.is_bot:
        return _person(sender)
    return Person(message.chat.id, message.chat.first_name or "", message.chat.username)
