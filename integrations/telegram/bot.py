"""python-telegram-bot's Bot on Trio.

The library gives types, methods, keyboards and the mapping of errors; what it would do on asyncio (polling, its
webhook server, its rate limiter) is ours. Its Bot needs asyncio in two lines, to start and stop its two request
objects together; `TrioBot` replaces them.
"""

import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final

import telegram
from telegram.error import InvalidToken, NetworkError, TelegramError
from telegram.request import BaseRequest

from integrations.http_client import open_http
from integrations.telegram.request import HttpRequest

#: The longest that one request may take; pre-checkout queries must be answered within this time, too.
REQUEST_SECONDS: Final = 10.0
#: Requests to people at the same time; Telegram allows 30 a second, most take well below 300 ms.
MAX_CONNECTIONS: Final = 16
#: The request that fetches updates waits this much longer than it asks Telegram to.
POLL_MARGIN_SECONDS: Final = 5.0

#: What Telegram answered to the present task's last call. The library makes objects of an
#: answer after the deed is done, and fails where it does not expect what it finds.
answered: Final[ContextVar[object]] = ContextVar("answered", default=None)

_TOKEN: Final = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")


class BadToken(Exception):
    """Telegram does not know the token, or it is not one."""


class BotUnreachable(Exception):
    """The Bot API could not be asked who the bot is; worth another try."""


class TrioBot(telegram.Bot):
    """A `telegram.Bot` that is opened by `open_bot` and whose methods run in any Trio task."""

    def __init__(
        self, token: str, api_base: str, provider_token: str, *, request: BaseRequest, updates: BaseRequest
    ) -> None:
        super().__init__(
            token,
            base_url=f"{api_base}/bot",
            base_file_url=f"{api_base}/file/bot",
            request=request,
            get_updates_request=updates,
        )
        self._provider_token = provider_token

    @property
    def provider_token(self) -> str:
        """What invoices by card are paid through; empty where the shop takes none."""
        return self._provider_token

    def __repr__(self) -> str:
        """The library's own shows the token."""
        return f"<{type(self).__name__}>"

    async def initialize(self) -> None:
        """Learn who the bot is; its requests are opened and closed by `open_bot`."""
        await self.get_me()

    async def shutdown(self) -> None:
        """Nothing: `open_bot` closes what it opened."""

    async def _post(self, endpoint: str, *args: Any, **kwargs: Any) -> Any:  # the library's signature
        answer = await super()._post(endpoint, *args, **kwargs)
        answered.set(answer)
        return answer

    async def raw_updates(
        self, offset: int | None, poll_seconds: int, allowed_updates: Sequence[str]
    ) -> object:
        """getUpdates as it came, instead of objects: what cannot be read must be kept as well.

        Telegram holds the request for up to `poll_seconds`. Raises `TelegramError`.
        """
        wanted = {"offset": offset, "timeout": poll_seconds, "allowed_updates": list(allowed_updates)}
        answer: object = await self._post(
            "getUpdates", wanted, read_timeout=poll_seconds + POLL_MARGIN_SECONDS
        )
        return answer

    async def raw_star_transactions(self, offset: int, limit: int) -> object:
        """getStarTransactions as it came: one odd transaction must not hide the others. Raises `TelegramError`."""
        answer: object = await self._post("getStarTransactions", {"offset": offset, "limit": limit})
        return answer


@asynccontextmanager
async def open_bot(
    token: str,
    *,
    api_base: str = "https://api.telegram.org",
    introduce: bool = True,
    provider_token: str = "",
) -> AsyncIterator[TrioBot]:
    """Open the bot of `token` at the Bot API server `api_base` and learn its name.

    Without `introduce` nothing is asked, so it opens while Telegram is down; the bot does not know its name then.
    `provider_token`, from @BotFather, is what its invoices by card are paid through.
    Updates are fetched through a client of their own, so that a long poll never takes a sender's connection.
    Raises `BadToken` if Telegram refuses the token, `BotUnreachable` if it cannot be asked,
    `ValueError` for an `api_base` that is no address.
    """
    if not _TOKEN.fullmatch(token):
        raise BadToken("the bot's token is not of the form 123456:AbC-…; copy it from @BotFather")
    # At DEBUG the library logs the whole address, token included.
    logging.getLogger("telegram").setLevel(logging.WARNING)
    api_base = api_base.rstrip("/")
    async with (
        open_http(base_url=api_base, max_connections=MAX_CONNECTIONS, timeout=REQUEST_SECONDS) as http,
        open_http(base_url=api_base, max_connections=1, timeout=POLL_MARGIN_SECONDS) as updates_http,
    ):
        bot = TrioBot(
            token,
            api_base,
            provider_token,
            request=HttpRequest(http, REQUEST_SECONDS),
            updates=HttpRequest(updates_http, POLL_MARGIN_SECONDS),
        )
        if introduce:
            await _introduce(bot, api_base)
        yield bot


async def _introduce(bot: TrioBot, api_base: str) -> None:
    try:
        await bot.initialize()
    except InvalidToken:
        raise BadToken(f"{api_base} does not know this bot token; compare it with @BotFather's") from None
    except NetworkError as error:
        raise BotUnreachable(f"the Bot API does not answer: {error}") from None
    except TelegramError as error:
        raise BotUnreachable(f"the Bot API does not say who the bot is: {error}") from None
