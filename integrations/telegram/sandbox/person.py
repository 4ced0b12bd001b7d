"""What a person can do in the chat: write, press, pay, block. Each act becomes the update that a real one would."""

import msgspec

from integrations.telegram.sandbox.callbacks import Answer
from integrations.telegram.sandbox.entities import find_entities
from integrations.telegram.sandbox.payments import Outcome
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import Entry, Person, PersonError, StoredInvoice
from integrations.telegram.sandbox.till import STARS
from integrations.telegram.sandbox.wire import Button, ChatMember, ChatMemberUpdated, Content

TEXT_LIMIT = 4096


class Sent(msgspec.Struct):
    """The person's message and the update that tells the bot."""

    message_id: int
    update_id: int


class Pressed(msgspec.Struct, omit_defaults=True):
    """What came of a press: the bot's answer, or the address that the button opens."""

    answered: bool
    text: str | None = None
    show_alert: bool = False
    url: str | None = None


def send_text(service: Service, person_id: int, text: str) -> Sent:
    """Write to the bot; the first message starts it."""
    person = _unblocked(service, person_id)
    text = text.strip()
    if not 1 <= len(text) <= TEXT_LIMIT:
        raise PersonError(f"a message has 1 to {TEXT_LIMIT} characters")
    person.started = True
    content = Content(text=text, entities=find_entities(text) or None)
    entry = service.world.post(person, person.user(), content)
    person.read_up_to = entry.message.message_id
    service.world.save_person(person)
    return Sent(entry.message.message_id, service.updates.add(message=entry.message))


def choose_button(
    service: Service, person_id: int, message_id: int, button: int | str | None, data: str | None
) -> tuple[Entry, Button]:
    """The button of a message by its number (row by row, from 0), its text, or its callback data."""
    entry = _entry(service, person_id, message_id)
    keyboard = entry.message.reply_markup
    buttons = [b for row in keyboard.inline_keyboard for b in row] if keyboard else []
    if isinstance(button, int):
        found = buttons[button : button + 1] if button >= 0 else []
    elif data is not None:
        found = [b for b in buttons if b.callback_data == data]
    else:
        found = [b for b in buttons if b.text == button]
    if not found:
        there = ", ".join(f"{n}: {b.text!r}" for n, b in enumerate(buttons)) or "none"
        raise PersonError(f"message {message_id} has no such button; its buttons are {there}", 404)
    return entry, found[0]


async def press(service: Service, person_id: int, entry: Entry, button: Button, wait: float) -> Pressed:
    """Press the button; a callback waits up to `wait` seconds for the bot's answer."""
    person = _unblocked(service, person_id)
    if button.pay:
        raise PersonError(f"this is a Pay button; POST /sandbox/people/{person_id}/pay pays the invoice")
    if button.callback_data is None:
        return Pressed(True, url=button.url or (button.web_app.url if button.web_app else None))
    with service.world.store.transaction():
        query_id = service.callbacks.press(person, entry, button.callback_data)
    answer = await service.callbacks.wait(query_id, wait)
    return _shown(answer) if answer else Pressed(False)


def invoice_of(service: Service, chat_id: int, payer_id: int, message_id: int) -> StoredInvoice:
    """The invoice of a message; in another person's chat it stands for a forwarded copy of it."""
    entry = _entry(service, chat_id, message_id)
    invoice = service.world.invoices.get(entry.invoice_id) if entry.invoice_id else None
    if invoice is None:
        raise PersonError(f"message {message_id} is not an invoice")
    if chat_id != payer_id and invoice.start_parameter:
        raise PersonError("a forwarded copy of this invoice has no Pay button: it has a start parameter")
    return invoice


def invoice_of_link(service: Service, link: str) -> StoredInvoice:
    """The invoice behind `https://t.me/$…`."""
    invoice_id = service.world.invoice_links.get(link.rpartition("$")[2])
    invoice = service.world.invoices.get(invoice_id) if invoice_id else None
    if invoice is None:
        raise PersonError(f"{link} is not an invoice link of this sandbox", 404)
    return invoice


async def pay(service: Service, person_id: int, invoice: StoredInvoice) -> Outcome:
    """Accept the payment sheet; returns when the payment is decided, within ten seconds."""
    return await service.payments.pay(_unblocked(service, person_id), invoice)


def set_blocked(service: Service, person_id: int, blocked: bool) -> None:
    """Block or unblock the bot; the bot is told by `my_chat_member`."""
    person = service.world.person(person_id)
    if person.blocked == blocked:
        return
    person.blocked = blocked
    service.world.save_person(person)
    member = ChatMember(status="member", user=service.world.bot)
    kicked = ChatMember(status="kicked", user=service.world.bot, until_date=0)
    change = ChatMemberUpdated(
        chat=person.chat(),
        sender=person.user(),
        date=service.world.now(),
        old_chat_member=member if blocked else kicked,
        new_chat_member=kicked if blocked else member,
    )
    service.updates.add(my_chat_member=change)


def mark_read(service: Service, person_id: int) -> None:
    """The person has seen everything up to now."""
    person = service.world.person(person_id)
    last = service.world.last_entry(person_id)
    if last and person.read_up_to != last.message.message_id:
        person.read_up_to = last.message.message_id
        service.world.save_person(person)


def refund_by_telegram(service: Service, charge_id: str) -> None:
    """Telegram gives the Stars of a charge back without asking the bot, as after a complaint."""
    charge = service.till.charge(charge_id)
    if charge is None or charge.refunded or charge.currency != STARS:
        raise PersonError(f"there is no charge {charge_id} of Stars that could be refunded", 404)
    service.till.give_back(charge)


def _shown(answer: Answer) -> Pressed:
    return Pressed(True, answer.text or None, answer.show_alert, answer.url or None)


def _entry(service: Service, person_id: int, message_id: int) -> Entry:
    service.world.person(person_id)
    entry = service.world.entry(person_id, message_id)
    if entry is None:
        raise PersonError(f"there is no message {message_id} in the chat of {person_id}", 404)
    return entry


def _unblocked(service: Service, person_id: int) -> Person:
    person = service.world.person(person_id)
    if person.blocked:
        raise PersonError(f"person {person_id} blocked the bot; POST …/unblock first", 409)
    return person
