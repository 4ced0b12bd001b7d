"""The bot's door: `/bot<token>/<method>` and `/file/bot<token>/<path>`, with Telegram's envelope."""

import inspect
import re
from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from integrations.telegram.sandbox.calls import CallLog, Faults, raise_fault
from integrations.telegram.sandbox.errors import BotApiError, ResponseParameters
from integrations.telegram.sandbox.methods import METHODS
from integrations.telegram.sandbox.parameters import Parameters, read_parameters
from integrations.telegram.sandbox.service import Service

#: A token that the sandbox accepts says so: a real one, pasted by mistake, is refused like any wrong token.
SANDBOX_TOKEN_FORM: Final = re.compile(r"(?P<id>\d{1,16}):SANDBOX-[A-Za-z0-9_-]{1,120}")
_TOKEN_FORM: Final = re.compile(r"\d{1,16}:[A-Za-z0-9_-]{1,128}")


class _Answer(msgspec.Struct, omit_defaults=True):
    ok: bool
    result: object = None
    error_code: int | None = None
    description: str | None = None
    parameters: ResponseParameters | None = None


class BotApi:
    """The Bot API of one bot."""

    def __init__(self, service: Service, token: str, calls: CallLog, faults: Faults) -> None:
        self._service = service
        self._token = token
        self._calls = calls
        self._faults = faults

    def routes(self) -> list[BaseRoute]:
        """Where the API is found."""
        return [
            Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
            Route("/bot{rest:path}", _not_found, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self._download, methods=["GET"]),
        ]

    async def _call(self, request: Request) -> Response:
        method = request.path_params["method"]
        parameters = Parameters({}, {})
        fault = None
        result: object = None
        try:
            self._authorize(request.path_params["token"])
            parameters = await read_parameters(request)
            fault = self._faults.take(method)
            raise_fault(fault)
            result = await self._act(method, parameters)
            answer = _Answer(ok=True, result=result)
        except BotApiError as error:
            answer = _Answer(
                ok=False,
                error_code=error.code,
                description=error.description,
                parameters=error.parameters,
            )
        self._note(method, parameters.shown(), answer)
        if fault is not None and fault.kind == "drop":
            return _BrokenOff()
        return _envelope(answer)

    async def _act(self, method: str, parameters: Parameters) -> object:
        handler = METHODS.get(method.lower())
        if handler is None:
            raise BotApiError(404, "Not Found: method not found")
        with self._service.world.store.transaction():
            result = handler(self._service, parameters)
        return await result if inspect.isawaitable(result) else result

    def _authorize(self, token: str) -> None:
        if not _TOKEN_FORM.fullmatch(token):
            raise BotApiError(404, "Not Found")
        if token != self._token:
            raise BotApiError(401, "Unauthorized")

    def _note(self, method: str, params: Mapping[str, object], answer: _Answer) -> None:
        """Log the call; a poll that brought nothing is not worth a line."""
        if answer.ok and answer.result == []:
            return
        self._calls.add(method, params, answer.result, answer.error_code or 200, answer.description)

    async def _download(self, request: Request) -> Response:
        world = self._service.world
        try:
            self._authorize(request.path_params["token"])
        except BotApiError as error:
            return _envelope(_Answer(ok=False, error_code=error.code, description=error.description))
        path = request.path_params["path"]
        for _, stored in world.files.items():
            if stored.path == path:
                return Response(world.store.get_blob(f"telegram/{stored.id}"), media_type=stored.media_type)
        return _envelope(_Answer(ok=False, error_code=404, description="Not Found"))


async def _not_found(_: Request) -> Response:
    return _envelope(_Answer(ok=False, error_code=404, description="Not Found"))


def _envelope(answer: _Answer) -> Response:
    return Response(msgspec.json.encode(answer), answer.error_code or 200, media_type="application/json")


class _BrokenOff(Response):
    """An answer that is announced and never sent: the server has to close the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"ok":', "more_body": True})
