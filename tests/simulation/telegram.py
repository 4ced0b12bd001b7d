"""The services that the shop talks to, in the same process: asked over their real interface, without sockets.

A request goes through the shop's own clients and ends in the application of the sandbox; so a long poll takes as long
on the shop's clock as it would, and no time at all on ours.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

import httpx
import pytest
import trio
from starlette.types import ASGIApp

_SENT: Final = "http11.send_request_headers.started"


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that a person sees: when, where, and its words."""

    at: datetime
    chat: int
    text: str


@dataclass(slots=True)
class Witness:
    """Sees every message that Telegram takes from the bot, new or in the place of another."""

    now: Callable[[], datetime]
    seen: list[Sighting] = field(default_factory=list)

    def on_exchange(self, method: str, params: Mapping[str, object], result: object) -> Sequence[str]:
        """A call and its result, as the sandbox tells them."""
        if isinstance(result, dict) and "chat" in result:
            message: dict[str, Any] = result
            invoice = message.get("invoice") or {}
            text = message.get("text") or message.get("caption") or invoice.get("description")
            assert isinstance(text, str), f"{method} showed something without words"
            self.seen.append(Sighting(self.now(), message["chat"]["id"], text))
        return ()

    def on_update(self, update: Mapping[str, object]) -> Sequence[str]:
        """An update; nothing that a person sees."""
        return ()


class Doors(httpx.AsyncBaseTransport):
    """Leads each request to the application behind the port that it names."""

    def __init__(self, apps: Mapping[int, ASGIApp]) -> None:
        self._doors = {port: httpx.ASGITransport(app) for port, app in apps.items()}

    async def serve(self, app: ASGIApp, *, port: int, task_status: trio.TaskStatus[int], **_: object) -> None:
        """In the place of a server: somebody listens behind the port until cancelled."""
        self._doors[port] = httpx.ASGITransport(app)
        task_status.started(port)
        try:
            await trio.sleep_forever()
        finally:
            del self._doors[port]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        trace: Callable[[str, object], Awaitable[None]] | None = request.extensions.get("trace")
        if trace is not None:
            await trace(_SENT, {})
        door = self._doors.get(request.url.port or 80)
        if door is None:
            raise httpx.ConnectError("nobody listens there", request=request)
        return await door.handle_async_request(request)


def lead_through(patch: pytest.MonkeyPatch, doors: Doors) -> None:
    """Have every HTTP client that is made from now on reach what is behind these doors, and nothing else."""
    patch.setattr(httpx, "AsyncClient", partial(httpx.AsyncClient, transport=doors))
