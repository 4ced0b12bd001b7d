"""`supervisor.toml` as typed values: the shop, its plans, the integrations, the nodes (requirement O1).

The tree of actors in the same file is read by `runtime`; everything else is read here, once, before anything starts.
A mistake is one line that names the file, the key, what was found and what was expected.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from actors.admin_chat import Admins, check_admins
from actors.grace import GraceEntry, check_hosts
from actors.nodes import NodeEntry, check_entry
from actors.offers import (
    PlanEntry,
    ReferralEntry,
    RemindersEntry,
    Title,
    TopUpEntry,
    TrialEntry,
    catalogue_of,
    duration_of,
)
from actors.words import languages
from domain.catalogue import Catalogue
from runtime import ConfigError

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]

#: The sections of the file that belong to the tree of actors.
TREE_SECTIONS = ("tree", "actor")


#: What people choose from unless the file says otherwise.
COMMON_TIME_ZONES = (
    "Europe/London",
    "Europe/Berlin",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Asia/Tehran",
    "Asia/Yekaterinburg",
    "Asia/Almaty",
    "Asia/Novosibirsk",
    "Asia/Vladivostok",
    "America/New_York",
)


class Shop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shop's name as people read it, the currency of balances, and who helps.

    Language and time zone are those of people of whom we know none; `time_zones` are what these can choose from.
    """

    name: Title
    currency: str
    support: str = ""
    language: str = "en"
    time_zone: str = "UTC"
    time_zones: tuple[str, ...] = COMMON_TIME_ZONES


class Telegram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bot: where its token is, which Bot API server it talks to, and how updates come."""

    token_env: str = "TURNPIKE_BOT_TOKEN"  # noqa: S105 - the name of a variable
    token_file: str | None = None
    api: str = "https://api.telegram.org"
    updates: Literal["polling", "webhook"] = "polling"


class CryptoPay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Crypto Pay: where the app's token is, and which server it talks to."""

    token_env: str = "TURNPIKE_CRYPTOPAY_TOKEN"  # noqa: S105 - the name of a variable
    token_file: str | None = None
    api: str = "https://pay.crypt.bot"


class Cards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Payments by card within Telegram: where the token is that @BotFather gave for the shop's payment provider."""

    token_env: str = "TURNPIKE_CARDS_TOKEN"  # noqa: S105 - the name of a variable
    token_file: str | None = None


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`embedded`, or the environment variable that holds the address of a PostgreSQL server."""

    url_env: str | None = None


class Gateway(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP listener for subscription addresses and webhooks, and its address as people reach it."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    public_url: str = ""
    #: Networks whose word is taken for where a request comes from; by default a proxy on this machine.
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The port on loopback where Prometheus finds the metrics; nobody outside of the machine can read them."""

    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 9464


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything in `supervisor.toml` but the tree."""

    shop: Shop
    plans: list[PlanEntry]
    top_ups: list[TopUpEntry] = []
    trial: TrialEntry | None = None
    referral: ReferralEntry | None = None
    grace: GraceEntry | None = None
    reminders: RemindersEntry = RemindersEntry()
    telegram: Telegram = Telegram()
    admins: Admins = Admins()
    cryptopay: CryptoPay | None = None
    cards: Cards | None = None
    database: Database = Database()
    gateway: Gateway = Gateway()
    metrics: Metrics | None = None
    nodes: list[NodeEntry] = []


@dataclass(frozen=True, slots=True)
class Configuration:
    """The whole file: its name, settings, what is for sale, and the tree's sections for `runtime.parse_tree`."""

    name: str
    settings: Settings
    catalogue: Catalogue
    tree: Mapping[str, object]


def load_configuration(path: Path) -> Configuration:
    """Read and check the file; raises `ConfigError` with one line for a person."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file; copy supervisor.toml of the repository and edit it"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None
    return configuration_of(document, path.name)


def configuration_of(document: Mapping[str, Any], name: str) -> Configuration:
    """Check a document that was read already; `name` is what messages call it."""
    tree = {section: document[section] for section in TREE_SECTIONS if section in document}
    rest = {section: value for section, value in document.items() if section not in TREE_SECTIONS}
    try:
        settings = msgspec.convert(rest, Settings)
        return Configuration(name, settings, _checked(settings), tree)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_sentence(str(error), rest)}") from None
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def _sentence(text: str, document: Mapping[str, Any]) -> str:
    """Msgspec's finding with the key in front, and the nearest known name where one is unknown."""
    what, _, where = text.partition(" - at `$")
    path = where.rstrip("`").lstrip(".")
    unknown = re.match(r"Object contains unknown field `(.+)`", what)
    if unknown is None:
        return f"{path or 'the file'}: {what[0].lower()}{what[1:]}" if path else what
    key = unknown[1]
    near = get_close_matches(key, _known_fields(path), n=1)
    hint = f", did you mean {near[0]!r}?" if near else f", expected one of {', '.join(_known_fields(path))}"
    return f"{path + '.' if path else ''}{key}: unknown key{hint}"


def _known_fields(path: str) -> list[str]:
    at: Any = Settings
    for step in filter(None, re.split(r"[.\[\]]+", path)):
        if step == "..." or step.isdecimal():
            continue
        hint = next(field.type for field in msgspec.structs.fields(at) if field.name == step)
        at = next((each for each in _structs(hint)), at)
    return [field.name for field in msgspec.structs.fields(at)] + (
        list(TREE_SECTIONS) if at is Settings else []
    )


def _structs(hint: Any) -> list[type[msgspec.Struct]]:
    inside = getattr(hint, "__args__", ())
    here = [hint] if isinstance(hint, type) and issubclass(hint, msgspec.Struct) else []
    return here + [found for each in inside for found in _structs(each)]


def _checked(settings: Settings) -> Catalogue:
    """What is for sale, after a check of everything else; raises ValueError with a sentence."""
    _check_shop(settings.shop)
    names = [node.name for node in settings.nodes]
    if len(set(names)) < len(names):
        raise ValueError("nodes: two entries have the same name, expected each once")
    for node in settings.nodes:
        check_entry(node)
    _check_gateway(settings.gateway)
    check_admins(settings.admins)
    catalogue = catalogue_of(
        settings.plans,
        settings.top_ups,
        settings.trial,
        settings.referral,
        settings.reminders,
        currency=settings.shop.currency,
        language=settings.shop.language,
        time_zone=settings.shop.time_zone,
    )
    if settings.grace is None:
        return catalogue
    check_hosts(settings.grace)
    return replace(catalogue, grace=duration_of("grace.period", settings.grace.period))


def _check_shop(shop: Shop) -> None:
    if shop.language not in languages():
        raise ValueError(f"shop.language: found {shop.language!r}, expected one of {', '.join(languages())}")
    _check_time_zone("shop.time_zone", shop.time_zone)
    for zone in shop.time_zones:
        _check_time_zone("shop.time_zones", zone)


def _check_time_zone(key: str, name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{key}: found {name!r}, expected a name such as 'Europe/Berlin'") from None


def _check_gateway(gateway: Gateway) -> None:
    if not re.fullmatch(r"(https?://[!-~]+)?", gateway.public_url):
        raise ValueError(
            f"gateway.public_url: found {gateway.public_url!r}, expected an address such as "
            "'https://vpn.example.com', in ASCII (xn--... for other scripts)"
        )
    for network in gateway.trusted_proxies:
        try:
            ip_network(network)
        except ValueError:
            raise ValueError(
                f"gateway.trusted_proxies: found {network!r}, expected a network such as '172.17.0.0/16'"
            ) from None
