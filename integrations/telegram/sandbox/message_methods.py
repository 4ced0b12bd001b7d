"""Methods that send, edit and delete messages, and answer button presses."""

from typing import Final

import msgspec

from integrations.telegram.sandbox.callbacks import Answer
from integrations.telegram.sandbox.entities import find_entities, parse_html, utf16_length
from integrations.telegram.sandbox.errors import NOT_MODIFIED, BotApiError, bad_request
from integrations.telegram.sandbox.files import stored_document, stored_photo
from integrations.telegram.sandbox.keyboards import Markup, read_markup
from integrations.telegram.sandbox.parameters import Parameters
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import Entry, Person
from integrations.telegram.sandbox.wire import Content, Entity, Keyboard, Message

TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024
ANSWER_LIMIT: Final = 200
#: A bot may delete what is younger than two days.
DELETE_SECONDS: Final = 172_800


class _ReplyParameters(msgspec.Struct):
    message_id: int
    allow_sending_without_reply: bool = False


def chat_of(service: Service, parameters: Parameters, *, writing: bool = True) -> Person:
    """The person whose chat a call names; `writing`: refuses one who has not started or has blocked the bot."""
    text = parameters.text("chat_id").strip()
    if not text:
        raise bad_request("chat_id is empty")
    person = service.world.people.get(int(text)) if text.isdecimal() else None
    if person is None:
        raise bad_request("chat not found")
    if writing and person.blocked:
        raise BotApiError(403, "Forbidden: bot was blocked by the user")
    if not person.started:
        if not writing:
            raise bad_request("chat not found")
        raise BotApiError(403, "Forbidden: bot can't initiate conversation with a user")
    return person


def send_message(service: Service, parameters: Parameters) -> Message:
    """A text, 1 to 4096 characters after its formatting is read."""
    text, entities = _formatted(parameters, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return deliver(service, parameters, Content(text=text, entities=entities))


def send_photo(service: Service, parameters: Parameters) -> Message:
    """A picture, uploaded or by its file id."""
    person = chat_of(service, parameters)
    photo = stored_photo(service.world, parameters.upload("photo"))
    caption, entities = _caption(parameters)
    content = Content(photo=[photo], caption=caption, caption_entities=entities)
    return deliver(service, parameters, content, person=person)


def send_document(service: Service, parameters: Parameters) -> Message:
    """A file, uploaded or by its file id."""
    person = chat_of(service, parameters)
    document = stored_document(service.world, parameters.upload("document"))
    caption, entities = _caption(parameters)
    content = Content(document=document, caption=caption, caption_entities=entities)
    return deliver(service, parameters, content, person=person)


def deliver(
    service: Service,
    parameters: Parameters,
    content: Content,
    *,
    person: Person | None = None,
    markup: Markup | None = None,
    invoice_id: int | None = None,
) -> Message:
    """Put what the bot says into the chat that the call names."""
    markup = markup or read_markup(parameters)
    person = person or chat_of(service, parameters)
    content.reply_markup = markup.inline
    entry = service.world.post(
        person, service.world.bot, content, reply_to=_replied(service, parameters, person)
    )
    if markup.reply is not None or invoice_id is not None:
        entry.reply_keyboard, entry.invoice_id = markup.reply, invoice_id
        service.world.save_entry(entry)
    return entry.message


def edit_message_text(service: Service, parameters: Parameters) -> Message:
    """Another text and keyboard for a message of the bot."""
    text, entities = _formatted(parameters, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    entry = _own(service, parameters)
    if entry.message.text is None:
        raise bad_request("there is no text in the message to edit")
    changed = msgspec.structs.replace(entry.message, text=text, entities=entities)
    return _edit(service, entry, changed, read_markup(parameters).inline)


def edit_message_caption(service: Service, parameters: Parameters) -> Message:
    """Another caption and keyboard for a picture or file of the bot."""
    caption, entities = _caption(parameters)
    entry = _own(service, parameters)
    if entry.message.photo is None and entry.message.document is None:
        raise bad_request("there is no caption in the message to edit")
    changed = msgspec.structs.replace(entry.message, caption=caption, caption_entities=entities)
    return _edit(service, entry, changed, read_markup(parameters).inline)


def edit_message_reply_markup(service: Service, parameters: Parameters) -> Message:
    """Another keyboard, or none, for a message of the bot."""
    entry = _own(service, parameters)
    markup = read_markup(parameters, invoice=entry.invoice_id is not None)
    return _edit(service, entry, entry.message, markup.inline)


def delete_message(service: Service, parameters: Parameters) -> bool:
    """Take a message out of the chat: the bot's or the person's, not older than two days."""
    person = chat_of(service, parameters)
    message_id = parameters.identifier("message_id", "message identifier is not specified")
    entry = service.world.entry(person.id, message_id)
    if entry is None:
        raise bad_request("message to delete not found")
    if service.world.now() - entry.message.date > DELETE_SECONDS:
        raise bad_request("message can't be deleted for everyone")
    entry.deleted = True
    service.world.save_entry(entry)
    return True


def answer_callback_query(service: Service, parameters: Parameters) -> bool:
    """End the wait of who pressed a button: once, and in time."""
    answer = Answer(
        text=parameters.text("text"),
        show_alert=parameters.boolean("show_alert"),
        url=parameters.text("url"),
    )
    if len(answer.text) > ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    if answer.url and not answer.url.startswith(("https://t.me/", "tg://")):
        raise bad_request("URL_INVALID")
    service.callbacks.answer(parameters.text("callback_query_id"), answer)
    return True


def _formatted(parameters: Parameters, field: str, entities_field: str) -> tuple[str, list[Entity] | None]:
    """The text and its entities: given ones win over `parse_mode`, what Telegram finds by itself is added."""
    text = parameters.text(field)
    given = parameters.json(
        entities_field, list[Entity], "can't parse entities: expected an Array of entities"
    )
    mode = parameters.text("parse_mode").lower()
    if given is None and mode == "html":
        text, entities = parse_html(text)
    elif given is None and mode:
        # Markdown is known to Telegram and left out here on purpose: turnpike speaks HTML.
        raise bad_request("unsupported parse_mode")
    else:
        text, entities = text.strip(), given or []
    entities = sorted([*entities, *find_entities(text, entities)], key=lambda e: (e.offset, -e.length))
    return text, entities or None


def _caption(parameters: Parameters) -> tuple[str | None, list[Entity] | None]:
    caption, entities = _formatted(parameters, "caption", "caption_entities")
    if utf16_length(caption) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return caption or None, entities


def _replied(service: Service, parameters: Parameters, person: Person) -> Message | None:
    reply = parameters.json("reply_parameters", _ReplyParameters, "can't parse reply parameters JSON object")
    if reply is None:
        return None
    entry = service.world.entry(person.id, reply.message_id)
    if entry is None:
        if reply.allow_sending_without_reply:
            return None
        raise bad_request("message to be replied not found")
    return msgspec.structs.replace(entry.message, reply_to_message=None)


def _own(service: Service, parameters: Parameters) -> Entry:
    person = chat_of(service, parameters)
    message_id = parameters.identifier("message_id", "message identifier is not specified")
    entry = service.world.entry(person.id, message_id)
    if entry is None:
        raise bad_request("message to edit not found")
    if not entry.message.sender.is_bot:
        raise bad_request("message can't be edited")
    return entry


def _edit(service: Service, entry: Entry, changed: Message, keyboard: Keyboard | None) -> Message:
    changed = msgspec.structs.replace(changed, reply_markup=keyboard)
    if changed == entry.message:
        raise bad_request(NOT_MODIFIED)
    entry.message = msgspec.structs.replace(changed, edit_date=service.world.now())
    service.world.save_entry(entry)
    return entry.message
