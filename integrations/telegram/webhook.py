"""The way in for updates that Telegram pushes: the same `accept` as long polling, behind one route.

Telegram repeats an update until it is answered with 200, so 200 is said only when `accept` has returned.
"""

import hmac
import re
from collections.abc import Sequence
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.telegram.bot import TrioBot
from integrations.telegram.raw_update import ALLOWED_UPDATES, Accept, BadUpdate, parse_update

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{16,256}")

_log: Final = structlog.get_logger(__name__)


def webhook_route(path: str, *, secret: str, accept: Accept) -> Route:
    """A route that takes updates over: 200 when accepted, 500 when `accept` raised, so that Telegram repeats it.

    A wrong or absent secret is 403, a body that is no JSON 415, no update 400; nothing of it reaches `accept`.
    Raises `ValueError` for a secret that Telegram would not take or that could be guessed.
    """
    _check(secret)

    async def receive(request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            return PlainTextResponse("this is not from Telegram", 403)
        if not request.headers.get("content-type", "").startswith("application/json"):
            return PlainTextResponse("an update is application/json", 415)
        try:
            update = parse_update(await request.body())
        except BadUpdate as error:
            return PlainTextResponse(str(error), 400)
        try:
            await accept([update])
        except Exception:
            _log.exception("an update was not accepted, Telegram will repeat it", update_id=update.update_id)
            return PlainTextResponse("not accepted, try again", 500)
        return PlainTextResponse("ok")

    return Route(path, receive, methods=["POST"])


async def set_webhook(
    bot: TrioBot, url: str, *, secret: str, allowed_updates: Sequence[str] = ALLOWED_UPDATES
) -> None:
    """Have Telegram push updates to `url`; what is already waiting is kept. Raises `TelegramError`."""
    _check(secret)
    await bot.set_webhook(
        url, secret_token=secret, allowed_updates=list(allowed_updates), drop_pending_updates=False
    )


def _check(secret: str) -> None:
    if not _SECRET.fullmatch(secret):
        raise ValueError("a webhook's secret is 16 to 256 of the characters A-Z, a-z, 0-9, _ and -")
