"""A Bot API server for one bot, with the people who talk to it and the page on which they do.

The bot talks to `/bot<token>/<method>` and `/file/bot<token>/<path>` and cannot tell it from Telegram's server;
scripts act as people under `/sandbox`; the chat page is at `/`. Everything that must be remembered is in the
`Store`, so killing the process loses nothing. Serve `app` on loopback only: whoever reaches it is everybody.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import trio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from integrations.sandbox_store import Store
from integrations.telegram.sandbox.bot_api import SANDBOX_TOKEN_FORM, BotApi
from integrations.telegram.sandbox.calls import CallLog, Faults, Observer
from integrations.telegram.sandbox.control_api import ControlApi
from integrations.telegram.sandbox.guard import LoopbackOnly
from integrations.telegram.sandbox.person_api import PersonApi
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import World
from integrations.telegram.sandbox.wire import User

#: The token of a sandbox that nobody named another for.
SANDBOX_TOKEN: Final = "7000000001:SANDBOX-turnpike-local-bot-00000001"  # noqa: S105 - opens a toy on loopback
_PAGE: Final = Path(__file__).parent / "page"


class TelegramSandbox:
    """Telegram on this machine.

    `token` must look like `<digits>:SANDBOX-…` (`ValueError` otherwise). `advance` moves the clock behind `clock`
    and makes the page offer time travel. `observer` judges every call and update by a specification.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        *,
        token: str = SANDBOX_TOKEN,
        name: str = "Turnpike",
        username: str = "turnpike_sandbox_bot",
        advance: Callable[[timedelta], None] | None = None,
        observer: Observer | None = None,
    ) -> None:
        match = SANDBOX_TOKEN_FORM.fullmatch(token)
        if match is None:
            raise ValueError(
                "the sandbox takes only tokens of the form <digits>:SANDBOX-<letters and digits>, "
                "so that a real bot's token is never used by mistake"
            )
        bot = User(id=int(match["id"]), is_bot=True, first_name=name, username=username)
        calls, faults = CallLog(clock, observer), Faults()
        self._service = Service.over(World(store, clock, bot), calls.judge)
        bot_api = BotApi(self._service, token, calls, faults)
        person_api = PersonApi(self._service, can_advance=advance is not None)
        control_api = ControlApi(self._service, calls, faults, advance)
        page = [
            *person_api.routes(),
            *control_api.routes(),
            Route("/", _index),
            Mount("/page", StaticFiles(directory=_PAGE)),
        ]
        self.app = Starlette(
            routes=[*bot_api.routes(), Mount("/", routes=page, middleware=[Middleware(LoopbackOnly)])]
        )

    async def run(self) -> None:
        """Deliver updates to the bot's webhook, and charge subscriptions as time goes by, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._service.webhook.run)
            nursery.start_soon(self._service.subscriptions.run)


async def _index(_: Request) -> Response:
    return FileResponse(_PAGE / "index.html", headers={"cache-control": "no-store"})
