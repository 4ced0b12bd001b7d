"""Who may talk to the sandbox's page and person's side: a browser or script of this machine that means it.

The server binds loopback, yet a page of the open web can reach that too: by a name that it lets resolve to
127.0.0.1 (so `Host` must be loopback) or by a plain cross-site request (so `Origin` must be, where there is one).
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.telegram.sandbox.update_methods import is_loopback

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class LoopbackOnly:
    """ASGI middleware: 403 for a request that came by a name or from a page of somewhere else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not _is_ours(f"//{headers.get('host', '')}") or not _is_ours(headers.get("origin")):
            refusal = PlainTextResponse("The sandbox answers this machine only: open it as 127.0.0.1.", 403)
            await refusal(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.update(_HEADERS)
                answer.setdefault("cache-control", "no-cache")
            await send(message)

        await self._app(scope, receive, send_guarded)


def _is_ours(address: str | None) -> bool:
    if address is None:
        return True
    try:
        return is_loopback(urlsplit(address).hostname or "")
    except ValueError:
        return False
