"""Delivering updates to the bot's webhook: in order, again until the bot answers 2xx.

Telegram's server keeps several deliveries in flight and so may reorder them; here one is in flight at a time,
which is the `max_connections=1` that a bot can ask for.
"""

from typing import Final

import httpx
import msgspec
import trio

from integrations.http_client import Http, HttpError, open_http
from integrations.telegram.sandbox.state import World
from integrations.telegram.sandbox.updates import UpdateQueue
from integrations.telegram.sandbox.wire import Update, WebhookInfo

ANSWER_SECONDS: Final = 30.0
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
_SIGNED: Final = "x-telegram-bot-api-secret-token"


class WebhookSettings(msgspec.Struct):
    """Where updates go, and how the last failure read; no `url`: nowhere."""

    url: str = ""
    secret_token: str = ""
    max_connections: int = 40
    last_error_date: int | None = None
    last_error_message: str | None = None


class Webhook:
    """The bot's webhook; `run` delivers for as long as it is let run."""

    def __init__(self, world: World, updates: UpdateQueue) -> None:
        self._world = world
        self._updates = updates
        self._settings = world.store.collection("telegram/webhook", WebhookSettings)

    def settings(self) -> WebhookSettings:
        """Where updates go now."""
        return self._settings.get("bot") or WebhookSettings()

    def set(self, settings: WebhookSettings) -> None:
        """Deliver there from now on; a `getUpdates` in progress ends."""
        self._settings.put("bot", settings)
        if settings.url:
            self._updates.end_polling("setWebhook request")
        self._world.signals.notify("webhook")
        self._world.signals.notify("updates")

    def info(self) -> WebhookInfo:
        """`getWebhookInfo`."""
        settings = self.settings()
        return WebhookInfo(
            url=settings.url,
            has_custom_certificate=False,
            pending_update_count=self._updates.count(),
            last_error_date=settings.last_error_date,
            last_error_message=settings.last_error_message,
            max_connections=settings.max_connections if settings.url else None,
            allowed_updates=self._updates.allowed() or None,
        )

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            url = self.settings().url
            if not url:
                await self._world.signals.wait("webhook")
                continue
            async with open_http(base_url=url, max_connections=1, timeout=ANSWER_SECONDS) as http:
                await self._deliver_to(http, url)

    async def _deliver_to(self, http: Http, url: str) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self.settings().url == url:
            waiting = self._updates.waiting(1)
            if not waiting:
                await self._updates.wait()
            elif (error := await self._post(http, url, waiting[0])) is None:
                pause = FIRST_PAUSE_SECONDS
                self._updates.confirm(waiting[0].update_id)
            else:
                self._note(url, error)
                with trio.move_on_after(pause):
                    await self._world.signals.wait("webhook")
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _post(self, http: Http, url: str, update: Update) -> str | None:
        """What went wrong, in Telegram's words; None when the bot has the update."""
        secret = self.settings().secret_token
        headers = {"content-type": "application/json", **({_SIGNED: secret} if secret else {})}
        try:
            response = await http.request("POST", url, content=msgspec.json.encode(update), headers=headers)
        except HttpError as error:
            return f"Connection failed: {error}"
        if response.is_success:
            return None
        phrase = httpx.codes.get_reason_phrase(response.status_code)
        return f"Wrong response from the webhook: {response.status_code} {phrase}"

    def _note(self, url: str, error: str) -> None:
        settings = self.settings()
        if settings.url == url:
            settings.last_error_date = self._world.now()
            settings.last_error_message = error
            self._settings.put("bot", settings)
