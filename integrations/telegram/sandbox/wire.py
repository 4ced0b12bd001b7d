"""Telegram's objects as the sandbox sends them: the fields that a bot in private chats can meet, no others.

Absent fields are left out of the JSON, as Telegram does; so a required field has no default here. Integers are
whole Stars, Unix seconds or identifiers; offsets and lengths of entities count UTF-16 code units.
"""

import msgspec


class Wire(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of every object here: fields that have their default value are not sent."""


class User(Wire):
    """A person or the bot."""

    id: int
    is_bot: bool
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None


class BotUser(Wire):
    """The bot as `getMe` shows it to itself."""

    id: int
    is_bot: bool
    first_name: str
    username: str
    can_join_groups: bool
    can_read_all_group_messages: bool
    supports_inline_queries: bool
    can_connect_to_business: bool
    has_main_web_app: bool


class Chat(Wire):
    """A private chat; its id is the person's."""

    id: int
    type: str
    first_name: str
    last_name: str | None = None
    username: str | None = None


class AcceptedGiftTypes(Wire):
    """Which gifts a chat takes."""

    unlimited_gifts: bool
    limited_gifts: bool
    unique_gifts: bool
    premium_subscription: bool
    gifts_from_channels: bool


class ChatFullInfo(Chat, kw_only=True):
    """A chat as `getChat` shows it."""

    accent_color_id: int
    max_reaction_count: int
    accepted_gift_types: AcceptedGiftTypes


class Entity(Wire):
    """A stretch of text with a meaning: bold, a link, a command."""

    type: str
    offset: int
    length: int
    url: str | None = None
    user: User | None = None
    language: str | None = None
    custom_emoji_id: str | None = None


class WebAppInfo(Wire):
    """The page behind a web app button."""

    url: str


class CopyText(Wire):
    """What a copy button puts on the clipboard."""

    text: str


class Button(Wire):
    """A button of an inline keyboard; exactly one of the fields behind `style` says what it does."""

    text: str
    icon_custom_emoji_id: str | None = None
    style: str | None = None
    callback_data: str | None = None
    url: str | None = None
    pay: bool | None = None
    web_app: WebAppInfo | None = None
    copy_text: CopyText | None = None


class Keyboard(Wire):
    """The inline keyboard under a message, row by row."""

    inline_keyboard: list[list[Button]]


class PhotoSize(Wire):
    """A stored picture."""

    file_id: str
    file_unique_id: str
    width: int
    height: int
    file_size: int


class Document(Wire):
    """A stored file."""

    file_id: str
    file_unique_id: str
    file_name: str
    mime_type: str
    file_size: int


class File(Wire):
    """Where a stored file is downloaded: `/file/bot<token>/<file_path>`."""

    file_id: str
    file_unique_id: str
    file_size: int
    file_path: str


class Invoice(Wire):
    """An invoice as it stands in a chat; its payload is not shown to anybody."""

    title: str
    description: str
    start_parameter: str
    currency: str
    total_amount: int


class SuccessfulPayment(Wire):
    """The service message of a payment."""

    currency: str
    total_amount: int
    invoice_payload: str
    telegram_payment_charge_id: str
    provider_payment_charge_id: str
    subscription_expiration_date: int | None = None
    is_recurring: bool | None = None
    is_first_recurring: bool | None = None


class RefundedPayment(Wire):
    """The service message of a payment that was given back."""

    currency: str
    total_amount: int
    invoice_payload: str
    telegram_payment_charge_id: str


class Content(Wire):
    """What a message says, without who, where and when."""

    text: str | None = None
    entities: list[Entity] | None = None
    photo: list[PhotoSize] | None = None
    document: Document | None = None
    caption: str | None = None
    caption_entities: list[Entity] | None = None
    invoice: Invoice | None = None
    successful_payment: SuccessfulPayment | None = None
    refunded_payment: RefundedPayment | None = None
    reply_markup: Keyboard | None = None


class Message(Content, kw_only=True, rename={"sender": "from"}):
    """A message in a private chat."""

    message_id: int
    date: int
    chat: Chat
    sender: User
    edit_date: int | None = None
    reply_to_message: "Message | None" = None


class CallbackQuery(Wire, rename={"sender": "from"}):
    """A press of an inline button."""

    id: str
    sender: User
    message: Message
    chat_instance: str
    data: str


class PreCheckoutQuery(Wire, rename={"sender": "from"}):
    """Telegram asks the bot whether a payment may go on."""

    id: str
    sender: User
    currency: str
    total_amount: int
    invoice_payload: str


class ChatMember(Wire):
    """The bot's standing in a chat; `until_date` belongs to `kicked` (0: for ever)."""

    status: str
    user: User
    until_date: int | None = None


class ChatMemberUpdated(Wire, rename={"sender": "from"}):
    """A person blocked or unblocked the bot."""

    chat: Chat
    sender: User
    date: int
    old_chat_member: ChatMember
    new_chat_member: ChatMember


class Update(Wire):
    """What `getUpdates` and webhooks carry; exactly one field beside the id is set."""

    update_id: int
    message: Message | None = None
    callback_query: CallbackQuery | None = None
    pre_checkout_query: PreCheckoutQuery | None = None
    my_chat_member: ChatMemberUpdated | None = None


class BotCommand(Wire):
    """An entry of the bot's command menu."""

    command: str
    description: str


class WebhookInfo(Wire):
    """The state of the webhook."""

    url: str
    has_custom_certificate: bool
    pending_update_count: int
    last_error_date: int | None = None
    last_error_message: str | None = None
    max_connections: int | None = None
    allowed_updates: list[str] | None = None


class TransactionPartner(Wire):
    """Who paid or was paid: always a person, for an invoice."""

    type: str
    transaction_type: str
    user: User
    invoice_payload: str
    subscription_period: int | None = None


class StarTransaction(Wire):
    """A movement of the bot's Stars: in with a `source`, out with a `receiver`."""

    id: str
    amount: int
    date: int
    source: TransactionPartner | None = None
    receiver: TransactionPartner | None = None


class StarTransactions(Wire):
    """A page of movements."""

    transactions: list[StarTransaction]


class StarAmount(Wire):
    """The bot's balance in whole Stars."""

    amount: int
