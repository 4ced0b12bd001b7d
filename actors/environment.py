"""What every actor of turnpike is given besides its runtime context: settings, secrets, and the way to read."""

import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actors.metrics import Metrics
from actors.reading import Reading
from actors.settings import Configuration
from integrations.xray.node import Node
from runtime import ConfigError
from storage.flush import no_step


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must never reach a log, an error or the repository; hidden from `repr`."""

    bot_token: str = field(repr=False)
    cryptopay_token: str | None = field(repr=False, default=None)
    cards_token: str | None = field(repr=False, default=None)

    @property
    def webhook_secret(self) -> str:
        """What Telegram proves its webhook requests with; derived, so that the operator has one secret less."""
        return hmac.new(self.bot_token.encode(), b"telegram webhook", "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Environment:
    """The surroundings of the actors; one value for the whole tree."""

    configuration: Configuration
    secrets: Secrets
    writer_conninfo: str
    readers: Reading
    nodes: tuple[Node, ...]
    data_folder: Path
    #: None while Telegram has not told it.
    bot_username: str | None
    #: Only in the sandbox, where everything lives on loopback, may users of a node reach private addresses.
    sandbox: bool = False
    entropy: Callable[[int], bytes] = os.urandom
    metrics: Metrics = field(default_factory=Metrics)
    #: Told the name of each step of work on access and money as it has been taken; crash tests end the process there.
    step: Callable[[str], None] = no_step


def read_secret(environment: Mapping[str, str], name: str, file: str | None, what: str) -> str:
    """A secret from the file that the configuration names, else from the environment.

    Raises `ConfigError` saying where it was looked for, never what was found.
    """
    if file is not None:
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{what}: cannot read the file {file} ({error.strerror})") from None
        source = f"the file {file}"
    else:
        value, source = environment.get(name, "").strip(), f"the environment variable {name}"
    if not value:
        raise ConfigError(f"{what}: {source} is empty or missing; put the token there")
    return value
