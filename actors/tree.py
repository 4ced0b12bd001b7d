"""Which class stands behind each name in `supervisor.toml`, and the settings that it reads there."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from actors.activation import Activation
from actors.auto_renewal import AutoRenewal
from actors.broadcast import Broadcast
from actors.crypto_payment_watcher import CryptoPaymentWatcher
from actors.db_writer import DbWriter
from actors.desk import Desk
from actors.environment import Environment
from actors.fast_expiry import FastExpiry
from actors.gateway import Gateway
from actors.invoice_lapse import InvoiceLapse
from actors.notices import Notices
from actors.payment_sweep import PaymentSweep
from actors.refunds import Refunds
from actors.reminders import Reminders
from actors.screens import Shop
from actors.sender import Sender
from actors.settings import Configuration
from actors.switches import Switches
from actors.telegram import Telegram
from actors.trial_expiry import TrialExpiry
from actors.trial_notifications import TrialNotifications
from actors.usage import Usage
from actors.vpn import Vpn
from actors.xray import Xray
from actors.xray_reconciler import XrayReconciler
from runtime import WORKER_SETTINGS, Actor, ActorSpec, ConfigError, Context, GroupSpec, parse_tree, percent

#: Every actor by its name in the file: what is needed besides its context and environment says which list it is in.
_ACTORS: Final[dict[str, Callable[..., Actor]]] = {
    "db_writer": DbWriter,
    "xray": Xray,
    "vpn": Vpn,
    "desk": Desk,
    "activation": Activation,
    "auto_renewal": AutoRenewal,
    "broadcast": Broadcast,
    "crypto_payment_watcher": CryptoPaymentWatcher,
    "fast_expiry": FastExpiry,
    "invoice_lapse": InvoiceLapse,
    "notices": Notices,
    "payment_sweep": PaymentSweep,
    "refunds": Refunds,
    "switches": Switches,
    "reminders": Reminders,
    "trial_expiry": TrialExpiry,
    "trial_notifications": TrialNotifications,
    "usage": Usage,
    "xray_reconciler": XrayReconciler,
}
_WITH_SHOP: Final[dict[str, Callable[..., Actor]]] = {
    "sender": Sender,
    "telegram": Telegram,
    "gateway": Gateway,
}

#: Actors that tick, with the settings of theirs that `[actor.NAME]` may hold.
_WORKERS: Final = {
    **dict.fromkeys(
        (
            "activation",
            "auto_renewal",
            "broadcast",
            "crypto_payment_watcher",
            "fast_expiry",
            "invoice_lapse",
            "payment_sweep",
            "refunds",
            "reminders",
            "trial_expiry",
            "trial_notifications",
            "usage",
        ),
        WORKER_SETTINGS,
    ),
    "xray_reconciler": {**WORKER_SETTINGS, "removes_at_most": percent},
}

#: The sections that the payment providers are opened by.
_PROVIDERS: Final = ("telegram", "cryptopay", "cards")

#: The sections of the configuration that each actor reads: if one changes, the actor starts again with it.
_READS: Final = {
    "db_writer": ("shop", "plans", "top_ups", "trial", "referral", "grace", "reminders"),
    "xray": ("nodes", "grace"),
    "vpn": ("nodes", "grace"),
    "sender": ("shop", "plans", "top_ups", "trial", "referral", *_PROVIDERS, "gateway", "nodes"),
    "telegram": ("shop", "admins", *_PROVIDERS, "gateway"),
    "gateway": ("shop", *_PROVIDERS, "gateway", "nodes", "grace"),
    "fast_expiry": ("plans", "grace"),
    "trial_expiry": ("trial", "grace"),
    "switches": ("nodes",),
    "notices": ("admins", "shop", "nodes"),
    "usage": ("nodes",),
    "xray_reconciler": ("nodes",),
    "desk": ("nodes",),
    "crypto_payment_watcher": _PROVIDERS,
    "payment_sweep": _PROVIDERS,
    "refunds": _PROVIDERS,
}


def check_tree(configuration: Configuration) -> None:
    """Find a mistake in the tree before anything is started; raises `ConfigError` with one line."""
    _parse(configuration, dict.fromkeys((*_ACTORS, *_WITH_SHOP), Actor))


def build_tree(environment: Environment) -> GroupSpec:
    """The tree of the configuration, ready to run."""
    settings = environment.configuration.settings
    shop = Shop(
        name=settings.shop.name,
        support=settings.shop.support,
        catalogue=environment.configuration.catalogue,
        nodes=environment.nodes,
        public_url=settings.gateway.public_url,
        crypto=settings.cryptopay is not None,
        cards=settings.cards is not None,
        bot=environment.bot_username,
        language=settings.shop.language,
        time_zone=settings.shop.time_zone,
        time_zones=settings.shop.time_zones,
    )
    factories: dict[str, Callable[[Context], Actor]] = {
        **{name: partial(actor, environment=environment) for name, actor in _ACTORS.items()},
        **{name: partial(actor, environment=environment, shop=shop) for name, actor in _WITH_SHOP.items()},
    }
    return _with_what_they_read(_parse(environment.configuration, factories), environment)


def _with_what_they_read(group: GroupSpec, environment: Environment) -> GroupSpec:
    """The tree with the configuration and secrets that each actor reads among its settings."""
    children: list[ActorSpec | GroupSpec] = []
    for child in group.children:
        if isinstance(child, GroupSpec):
            children.append(_with_what_they_read(child, environment))
            continue
        sections = {
            name: getattr(environment.configuration.settings, name) for name in _READS.get(child.name, ())
        }
        secrets = environment.secrets if sections.keys() & set(_PROVIDERS) else None
        children.append(replace(child, settings={**child.settings, "reads": (sections, secrets)}))
    return replace(group, children=children)


def _parse(configuration: Configuration, factories: Mapping[str, Callable[[Context], Actor]]) -> GroupSpec:
    try:
        return parse_tree(configuration.tree, factories, _WORKERS)
    except ConfigError as error:
        raise ConfigError(f"{configuration.name}: {error}") from None
