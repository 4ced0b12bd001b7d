"""What a person sees of a message: for the chat page and for scripts that read a chat."""

import msgspec

from integrations.telegram.sandbox.entities import to_html
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import BotSettings, Entry, Person, StoredInvoice, World
from integrations.telegram.sandbox.subscriptions import Subscription
from integrations.telegram.sandbox.wire import (
    Button,
    Entity,
    Message,
    RefundedPayment,
    SuccessfulPayment,
)


class View(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base: fields that have their default value are left out."""


class ButtonView(View):
    """A button; `kind` says what pressing it does: callback, url, pay, copy or web_app."""

    text: str
    kind: str
    data: str | None = None
    url: str | None = None
    style: str | None = None


class PhotoView(View):
    """A picture and where its bytes are."""

    url: str
    width: int
    height: int


class DocumentView(View):
    """A file and where its bytes are."""

    url: str
    file_name: str
    file_size: int


class InvoiceView(View):
    """An invoice; `paid`: by this person."""

    title: str
    description: str
    currency: str
    total_amount: int
    paid: bool
    subscription_period: int | None = None


class SubscriptionView(View):
    """A Star subscription; `state` is active, canceled (paid until `expires`) or over."""

    id: str
    title: str
    total_amount: int
    expires: int
    state: str


class MessageView(View, rename={"sender": "from"}):
    """A message; `sender` is "bot" or "person", `html` the text or caption with its formatting."""

    message_id: int
    revision: int
    date: int
    sender: str
    deleted: bool = False
    edit_date: int | None = None
    text: str | None = None
    caption: str | None = None
    html: str | None = None
    entities: list[Entity] | None = None
    buttons: list[list[ButtonView]] = []
    reply_keyboard: list[list[str]] | None = None
    photo: PhotoView | None = None
    document: DocumentView | None = None
    invoice: InvoiceView | None = None
    successful_payment: SuccessfulPayment | None = None
    refunded_payment: RefundedPayment | None = None


class PersonView(View):
    """A person with what their list entry shows."""

    id: int
    first_name: str
    language_code: str
    stars: int
    card: str
    started: bool
    blocked: bool
    unread: int
    last_name: str | None = None
    username: str | None = None
    last_message: MessageView | None = None
    subscriptions: list[SubscriptionView] = []


class BotView(View):
    """The bot as its chat header and its menu show it."""

    id: int
    name: str
    username: str
    online: bool
    settings: BotSettings


def view_message(world: World, entry: Entry) -> MessageView:
    """The message as the person of its chat sees it."""
    message = entry.message
    view = MessageView(
        message_id=message.message_id,
        revision=entry.revision,
        date=message.date,
        sender="bot" if message.sender.is_bot else "person",
        deleted=entry.deleted,
    )
    if not entry.deleted:
        _fill(world, entry, view)
    return view


def view_person(service: Service, person: Person) -> PersonView:
    """The person with their unread count, last message and subscriptions."""
    world = service.world
    last = world.last_entry(person.id)
    return PersonView(
        id=person.id,
        first_name=person.first_name,
        last_name=person.last_name,
        username=person.username,
        language_code=person.language_code,
        stars=person.stars,
        card=person.card,
        started=person.started,
        blocked=person.blocked,
        unread=world.unread(person),
        last_message=view_message(world, last) if last else None,
        subscriptions=[view_subscription(*each) for each in service.subscriptions.of(person)],
    )


def view_subscription(subscription: Subscription, invoice: StoredInvoice) -> SubscriptionView:
    """The subscription as the person sees it among theirs."""
    stopped = subscription.canceled or subscription.bot_canceled
    return SubscriptionView(
        id=subscription.id,
        title=invoice.title,
        total_amount=invoice.total_amount,
        expires=subscription.expires,
        state="over" if subscription.over else "canceled" if stopped else "active",
    )


def view_button(button: Button) -> ButtonView:
    """The button and what pressing it does."""
    if button.callback_data is not None:
        return ButtonView(text=button.text, kind="callback", data=button.callback_data, style=button.style)
    if button.pay:
        return ButtonView(text=button.text, kind="pay", style=button.style)
    if button.copy_text is not None:
        return ButtonView(text=button.text, kind="copy", data=button.copy_text.text, style=button.style)
    if button.web_app is not None:
        return ButtonView(text=button.text, kind="web_app", url=button.web_app.url, style=button.style)
    return ButtonView(text=button.text, kind="url", url=button.url, style=button.style)


def view_invoice(invoice: StoredInvoice, payer: int | None) -> InvoiceView:
    """The invoice, and whether that person paid it."""
    return InvoiceView(
        title=invoice.title,
        description=invoice.description,
        currency=invoice.currency,
        total_amount=invoice.total_amount,
        paid=payer in invoice.payers,
        subscription_period=invoice.subscription_period,
    )


def _fill(world: World, entry: Entry, view: MessageView) -> None:
    message = entry.message
    view.edit_date = message.edit_date
    view.text, view.caption = message.text, message.caption
    view.entities = message.entities or message.caption_entities
    text = message.text or message.caption
    view.html = to_html(text, view.entities or ()) if text else None
    view.reply_keyboard = entry.reply_keyboard
    if message.reply_markup:
        view.buttons = [[view_button(b) for b in row] for row in message.reply_markup.inline_keyboard]
    view.successful_payment = message.successful_payment
    view.refunded_payment = message.refunded_payment
    _fill_media(message, view)
    stored = world.invoices.get(entry.invoice_id) if entry.invoice_id else None
    if message.invoice and stored:
        view.invoice = view_invoice(stored, payer=message.chat.id)


def _fill_media(message: Message, view: MessageView) -> None:
    if message.photo:
        size = message.photo[-1]
        view.photo = PhotoView(url=f"/sandbox/files/{size.file_id}", width=size.width, height=size.height)
    if message.document:
        document = message.document
        view.document = DocumentView(
            url=f"/sandbox/files/{document.file_id}",
            file_name=document.file_name,
            file_size=document.file_size,
        )
