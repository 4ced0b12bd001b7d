"""A Bot API server that answers exactly what a test says, for the behaviour that a real one shows rarely."""

import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.http_server import serve
from integrations.telegram.bot import TrioBot, open_bot

TOKEN = "7:SCRIPTED-secret"
ME = {"id": 7, "is_bot": True, "first_name": "Scripted", "username": "scripted_bot"}

Answer = Response | Callable[[dict[str, str]], Awaitable[Response]]


def ok(result: object) -> Response:
    return JSONResponse({"ok": True, "result": result})


def refused(status: int, description: str, **parameters: object) -> Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return JSONResponse(body | ({"parameters": parameters} if parameters else {}), status)


def message(message_id: int, chat: int = 1001) -> dict[str, object]:
    return {"message_id": message_id, "date": 1_700_000_000, "chat": {"id": chat, "type": "private"}}


class ScriptedBotApi:
    """Answers a method with the next of its answers; the last one stays."""

    def __init__(self) -> None:
        self.address = ""
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.over = trio.Event()
        self.answers: dict[str, deque[Answer]] = defaultdict(deque)
        self.answers["getMe"].append(ok(ME))
        self.answers["deleteWebhook"].append(ok(True))

    def on(self, method: str, *answers: Answer) -> None:
        self.answers[method] = deque(answers)

    async def hold(self, _: dict[str, str]) -> Response:
        """An answer that does not come before the test is over: an idle long poll."""
        await self.over.wait()
        return ok([])

    def called(self, method: str) -> list[dict[str, str]]:
        return [parameters for name, parameters in self.calls if name == method]

    async def handle(self, request: Request) -> Response:
        if request.path_params["token"] != TOKEN:
            return refused(401, "Unauthorized")
        method = request.path_params["method"]
        body = (await request.body()).decode(errors="replace")
        parameters = dict(parse_qsl(body, keep_blank_values=True))
        self.calls.append((method, parameters))
        answers = self.answers[method]
        if not answers:
            return refused(404, "Not Found")
        answer = answers.popleft() if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Response) else await answer(parameters)


@asynccontextmanager
async def scripted_bot() -> AsyncIterator[tuple[ScriptedBotApi, TrioBot]]:
    api = ScriptedBotApi()
    app = Starlette(routes=[Route("/bot{token}/{method}", api.handle, methods=["POST"])])
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, app, host="127.0.0.1", port=0, name="the scripted Bot API"))
        api.address = f"http://127.0.0.1:{port}"
        async with open_bot(TOKEN, api_base=api.address) as bot:
            yield api, bot
            api.over.set()
        nursery.cancel_scope.cancel()


def update(update_id: int, **content: object) -> dict[str, object]:
    return {"update_id": update_id, **content}


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()
