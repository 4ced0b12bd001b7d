"""The sandbox's world: people, their chats with the bot, invoices, files, and the bot's own settings.

Everything here is written through to the `Store` at once. Nothing in it awaits, so a method that runs inside
`store.transaction()` happens wholly or not at all, whenever the process is killed.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

import msgspec

from integrations.sandbox_store import Collection, Store
from integrations.telegram.sandbox.events import Event, Events, Signals
from integrations.telegram.sandbox.wire import BotCommand, Chat, Content, Message, User

FIRST_PERSON: Final = 1001
FIRST_RUSSIAN: Final = 2001
FIRST_STARS: Final = 1000
LAST_SEARCHED: Final = 20
UNREAD_COUNTED: Final = 100
_FIRST_NAMES: Final = ("Alice", "Boris", "Clara", "Daniyar", "Elena", "Farid", "Greta", "Hugo")


class PersonError(Exception):
    """A person cannot do that; the sentence says why. Shown to whoever drives the person's side."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


class Person(msgspec.Struct):
    """Somebody with a Telegram account. `started`: pressed Start; `blocked`: blocked the bot."""

    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str = "en"
    stars: int = FIRST_STARS
    card: Literal["works", "declined"] = "works"
    started: bool = False
    blocked: bool = False
    read_up_to: int = 0

    def user(self) -> User:
        """The person as Telegram shows them to the bot."""
        return User(
            id=self.id,
            is_bot=False,
            first_name=self.first_name,
            last_name=self.last_name,
            username=self.username,
            language_code=self.language_code,
        )

    def chat(self) -> Chat:
        """The private chat with the bot, which has the person's id."""
        return Chat(
            id=self.id,
            type="private",
            first_name=self.first_name,
            last_name=self.last_name,
            username=self.username,
        )


class Entry(msgspec.Struct):
    """A message in a chat, and what Telegram knows of it beside its wire form.

    `revision` grows with every change of any message, so whoever reads a chat can ask for what is new.
    """

    message: Message
    revision: int = 0
    deleted: bool = False
    invoice_id: int | None = None
    reply_keyboard: list[list[str]] | None = None


class StoredInvoice(msgspec.Struct):
    """What an invoice asks for; `slug` makes it a link, `chat` and `message_id` are where it stands.

    `payers` has a person once for each standing charge.
    """

    id: int
    title: str
    description: str
    payload: str
    currency: str
    total_amount: int
    start_parameter: str = ""
    slug: str | None = None
    subscription_period: int | None = None
    payers: list[int] = []
    chat: int | None = None
    message_id: int | None = None


class StoredFile(msgspec.Struct):
    """A file that the bot sent; its bytes are the blob named like its id."""

    id: str
    unique_id: str
    path: str
    name: str
    media_type: str
    size: int
    width: int = 0
    height: int = 0


class Introduction(msgspec.Struct):
    """What the bot said about itself in one language; empty where it said nothing."""

    name: str = ""
    description: str = ""
    short_description: str = ""
    commands: list[BotCommand] = []


class BotSettings(Introduction):
    """What the bot said about itself to everybody, and to people with a language of their own."""

    translations: dict[str, Introduction] = {}


class World:
    """The state, and the way to every part of it."""

    def __init__(self, store: Store, clock: Callable[[], datetime], bot: User) -> None:
        self.store = store
        self.clock = clock
        self.bot = bot
        self.signals = Signals()
        self.events = Events(store.next_id("telegram/starts"))
        self.people = store.collection("telegram/people", Person)
        self.invoices = store.collection("telegram/invoices", StoredInvoice)
        self.invoice_links = store.collection("telegram/invoice_links", int)
        self.files = store.collection("telegram/files", StoredFile)
        self._settings = store.collection("telegram/settings", BotSettings)
        if self.people.count() == 0:
            self.add_person()
            self.add_person()
            self.add_person(id=FIRST_RUSSIAN, first_name="Мария", username="maria", language_code="ru")

    def now(self) -> int:
        """Unix seconds by the sandbox's clock."""
        return int(self.clock().timestamp())

    # People

    def person(self, person_id: int) -> Person:
        """The person; raises `PersonError` for an unknown id."""
        person = self.people.get(person_id)
        if person is None:
            raise PersonError(f"there is no person {person_id}; POST /sandbox/people makes one", 404)
        return person

    def add_person(self, **fields: object) -> Person:
        """Make a person; what is not given is made up."""
        person_id = fields.pop("id", None) or self._free_person_id()
        name = _FIRST_NAMES[(int(str(person_id)) - FIRST_PERSON) % len(_FIRST_NAMES)]
        person = msgspec.convert(
            {"id": person_id, "first_name": name, "username": f"{name.lower()}_{person_id}", **fields}, Person
        )
        if self.people.get(person.id) is not None:
            raise PersonError(f"there is a person {person.id} already; leave the id out for a free one", 409)
        self.save_person(person)
        return person

    def save_person(self, person: Person) -> None:
        """Write the person and tell who watches."""
        self.people.put(person.id, person)
        self.events.publish(Event("person", person.id))

    def _free_person_id(self) -> int:
        while True:
            person_id = self.store.next_id("telegram/person_id", first=FIRST_PERSON)
            if self.people.get(person_id) is None:
                return person_id

    # Chats

    def entry(self, person_id: int, message_id: int) -> Entry | None:
        """The message of the person's chat, None if there is none or it was deleted."""
        entry = self._chat(person_id).get(message_id)
        return None if entry is None or entry.deleted else entry

    def post(
        self,
        person: Person,
        sender: User,
        content: Content,
        *,
        reply_to: Message | None = None,
        date: int | None = None,
    ) -> Entry:
        """Put a message into the person's chat; its date is now if none is given."""
        message = Message(
            **msgspec.structs.asdict(content),
            message_id=self.store.next_id(f"telegram/message_id/{person.id}"),
            date=self.now() if date is None else date,
            chat=person.chat(),
            sender=sender,
            reply_to_message=reply_to,
        )
        entry = Entry(message)
        self.save_entry(entry)
        return entry

    def save_entry(self, entry: Entry) -> None:
        """Write the message under a new revision and wake who reads the chat."""
        chat_id = entry.message.chat.id
        log = self._log(chat_id)
        if entry.revision:
            log.delete(entry.revision)
        entry.revision = self.store.next_id("telegram/revision")
        log.put(entry.revision, entry.message.message_id)
        self._chat(chat_id).put(entry.message.message_id, entry)
        self.signals.notify(f"chat:{chat_id}")
        self.events.publish(Event("chat", chat_id))

    def touch(self, chat_id: int, message_id: int) -> None:
        """The message looks different now, though its wire form is the same."""
        entry = self.entry(chat_id, message_id)
        if entry is not None:
            self.save_entry(entry)

    def changed(self, person_id: int, after: int) -> list[Entry]:
        """The messages of the chat made, edited or deleted after the revision, oldest change first."""
        chat = self._chat(person_id)
        found = [chat.get(message_id) for _, message_id in self._log(person_id).items(after=after)]
        return [entry for entry in found if entry is not None]

    def unread(self, person: Person) -> int:
        """How many of the bot's messages the person has not seen; counting ends at `UNREAD_COUNTED`."""
        new = self._chat(person.id).items(after=person.read_up_to, limit=UNREAD_COUNTED)
        return sum(not entry.deleted and entry.message.sender.is_bot for _, entry in new)

    def last_entry(self, person_id: int) -> Entry | None:
        """The newest message of the chat that is still there, among the last `LAST_SEARCHED`."""
        newest_first = reversed(self._chat(person_id).last(LAST_SEARCHED))
        return next((entry for _, entry in newest_first if not entry.deleted), None)

    def _chat(self, person_id: int) -> Collection[Entry]:
        return self.store.collection(f"telegram/chat/{person_id}", Entry)

    def _log(self, person_id: int) -> Collection[int]:
        return self.store.collection(f"telegram/chat_log/{person_id}", int)

    # The bot

    def settings(self) -> BotSettings:
        """What the bot said about itself."""
        return self._settings.get("bot") or BotSettings(name=self.bot.first_name)

    def save_settings(self, settings: BotSettings) -> None:
        """Write the settings and tell who watches."""
        self._settings.put("bot", settings)
        self.events.publish(Event("bot"))
