"""Methods about the bot itself, chats and files."""

import re
from typing import Final

from integrations.telegram.sandbox.errors import BotApiError, bad_request
from integrations.telegram.sandbox.events import Event
from integrations.telegram.sandbox.message_methods import chat_of
from integrations.telegram.sandbox.parameters import Parameters
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import BotSettings, Introduction
from integrations.telegram.sandbox.wire import (
    AcceptedGiftTypes,
    BotCommand,
    BotUser,
    ChatFullInfo,
    ChatMember,
    File,
)

COMMANDS_LIMIT: Final = 100
_COMMAND: Final = re.compile(r"/?[a-z0-9_]{1,32}")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_ACTIONS: Final = frozenset(
    {"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice"}
    | {"upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note"}
)


def get_me(service: Service, _: Parameters) -> BotUser:
    """The bot."""
    bot = service.world.bot
    return BotUser(
        id=bot.id,
        is_bot=True,
        first_name=service.world.settings().name,
        username=bot.username or "",
        can_join_groups=True,
        can_read_all_group_messages=False,
        supports_inline_queries=False,
        can_connect_to_business=False,
        has_main_web_app=False,
    )


def log_out(service: Service, parameters: Parameters) -> bool:
    """`close` and `logOut` say yes and change nothing: there is no other server to go to."""
    del service, parameters
    return True


def set_my_commands(service: Service, parameters: Parameters) -> bool:
    """The command menu of a language, or of everybody; scopes are accepted and not told apart."""
    commands = parameters.json("commands", list[BotCommand], "can't parse commands JSON array") or []
    if len(commands) > COMMANDS_LIMIT:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not _COMMAND.fullmatch(command.command):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command.description) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        command.command = command.command.removeprefix("/")
    return _introduce(service, parameters, commands=commands)


def delete_my_commands(service: Service, parameters: Parameters) -> bool:
    """An empty command menu."""
    return _introduce(service, parameters, commands=[])


def get_my_commands(service: Service, parameters: Parameters) -> list[BotCommand]:
    """The command menu of exactly that language."""
    return _introduction(service.world.settings(), parameters).commands


def set_my_name(service: Service, parameters: Parameters) -> bool:
    """The bot's name above the chat."""
    name = parameters.text("name") or service.world.bot.first_name
    return _introduce(service, parameters, name=name)


def set_my_description(service: Service, parameters: Parameters) -> bool:
    """What an empty chat shows."""
    return _introduce(service, parameters, description=parameters.text("description"))


def set_my_short_description(service: Service, parameters: Parameters) -> bool:
    """What the bot's profile shows."""
    return _introduce(service, parameters, short_description=parameters.text("short_description"))


def get_my_name(service: Service, parameters: Parameters) -> dict[str, str]:
    """The name as set."""
    settings = service.world.settings()
    return {"name": _introduction(settings, parameters).name or settings.name}


def get_my_description(service: Service, parameters: Parameters) -> dict[str, str]:
    """The description as set."""
    settings = service.world.settings()
    return {"description": _introduction(settings, parameters).description or settings.description}


def get_my_short_description(service: Service, parameters: Parameters) -> dict[str, str]:
    """The short description as set."""
    settings = service.world.settings()
    own = _introduction(settings, parameters).short_description
    return {"short_description": own or settings.short_description}


def _introduce(service: Service, parameters: Parameters, **said: object) -> bool:
    settings = service.world.settings()
    introduction = _introduction(settings, parameters)
    for field, value in said.items():
        setattr(introduction, field, value)
    service.world.save_settings(settings)
    return True


def _introduction(settings: BotSettings, parameters: Parameters) -> Introduction:
    """What is said in the language of the call; to everybody if it names none."""
    language = parameters.text("language_code")
    if not language:
        return settings
    if not _LANGUAGE.fullmatch(language):
        raise bad_request("invalid language code specified")
    return settings.translations.setdefault(language, Introduction())


def set_chat_menu_button(service: Service, parameters: Parameters) -> bool:
    """Accepted; the page always shows the menu of commands."""
    del service, parameters
    return True


def send_chat_action(service: Service, parameters: Parameters) -> bool:
    """The "typing…" of the header."""
    person = chat_of(service, parameters)
    if parameters.required("action").lower() not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    service.world.events.publish(Event("typing", person.id))
    return True


def get_chat(service: Service, parameters: Parameters) -> ChatFullInfo:
    """The chat with a person."""
    person = chat_of(service, parameters, writing=False)
    gifts = AcceptedGiftTypes(
        unlimited_gifts=True,
        limited_gifts=True,
        unique_gifts=True,
        premium_subscription=True,
        gifts_from_channels=True,
    )
    return ChatFullInfo(
        id=person.id,
        type="private",
        first_name=person.first_name,
        last_name=person.last_name,
        username=person.username,
        accent_color_id=person.id % 7,
        max_reaction_count=11,
        accepted_gift_types=gifts,
    )


def get_chat_member(service: Service, parameters: Parameters) -> ChatMember:
    """A member of a private chat: the person or the bot."""
    person = chat_of(service, parameters, writing=False)
    user_id = parameters.identifier("user_id", "invalid user_id specified")
    if user_id not in {person.id, service.world.bot.id}:
        raise bad_request("user not found")
    user = person.user() if user_id == person.id else service.world.bot
    return ChatMember(status="member", user=user)


def get_file(service: Service, parameters: Parameters) -> File:
    """Where a file is downloaded."""
    stored = service.world.files.get(parameters.text("file_id"))
    if stored is None:
        raise BotApiError(400, "Bad Request: invalid file_id")
    return File(
        file_id=stored.id, file_unique_id=stored.unique_id, file_size=stored.size, file_path=stored.path
    )
