"""Which class stands behind each name in `supervisor.toml`, and the settings that it reads there."""

from collections.abc import Callable
from functools import partial

from actors.crypto_payment_watcher import CryptoPaymentWatcher
from actors.db_writer import DbWriter
from actors.environment import Environment
from actors.fast_expiry import FastExpiry
from actors.gateway import Gateway
from actors.screens import Shop
from actors.sender import Sender
from actors.telegram import Telegram
from actors.vpn import Vpn
from actors.xray import Xray
from runtime import WORKER_SETTINGS, Actor, Context, GroupSpec, parse_tree


def build_tree(environment: Environment) -> GroupSpec:
    """The tree of the configuration, ready to run; raises `ConfigError` with one line for a mistake in it."""
    settings = environment.configuration.settings
    shop = Shop(
        name=settings.shop.name,
        support=settings.shop.support,
        catalogue=environment.configuration.catalogue,
        nodes=environment.nodes,
        public_url=settings.gateway.public_url,
        crypto=settings.cryptopay is not None,
    )
    factories: dict[str, Callable[[Context], Actor]] = {
        "db_writer": partial(DbWriter, environment=environment),
        "xray": partial(Xray, environment=environment),
        "vpn": partial(Vpn, environment=environment),
        "sender": partial(Sender, environment=environment, shop=shop),
        "telegram": partial(Telegram, environment=environment),
        "gateway": partial(Gateway, environment=environment, shop=shop),
        "fast_expiry": partial(FastExpiry, environment=environment),
        "crypto_payment_watcher": partial(CryptoPaymentWatcher, environment=environment),
    }
    workers = dict.fromkeys(("fast_expiry", "crypto_payment_watcher"), WORKER_SETTINGS)
    return parse_tree(environment.configuration.tree, factories, workers)
