"""What the screens speak of, and the addresses under which a key is reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from actors.words import Recipient, Words, words_in
from domain.catalogue import Catalogue
from integrations.xray.link import share_link
from integrations.xray.node import Node


@dataclass(frozen=True, slots=True)
class Shop:
    """The shop's name, what it sells, its nodes, its public address; language and time zone for who has none.

    `time_zones` are offered for choice; `bot` is the bot's username, None while Telegram has not told it.
    """

    name: str
    support: str
    catalogue: Catalogue
    nodes: Sequence[Node]
    public_url: str
    crypto: bool
    cards: bool = False
    bot: str | None = None
    language: str = "en"
    time_zone: str = "UTC"
    time_zones: Sequence[str] = ()

    def words_for(self, recipient: Recipient) -> Words:
        """The words for a reader."""
        return words_in(recipient, language=self.language, time_zone=self.time_zone)


def links_of(uuid: UUID, shop: Shop) -> list[str]:
    """One share link for each node."""
    return [share_link(node, uuid, f"{shop.name} · {node.label or node.name}") for node in shop.nodes]


def address_of(token: str, shop: Shop) -> str:
    """The subscription address of a token."""
    return f"{shop.public_url.rstrip('/')}/s/{token}"


def link_to_bot(shop: Shop, payload: str) -> str | None:
    """A link that opens the bot and tells it `payload`; None while nobody knows what the bot is called."""
    return None if shop.bot is None else f"https://t.me/{shop.bot}?start={payload}"
