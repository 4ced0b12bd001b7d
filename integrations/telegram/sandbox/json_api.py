"""JSON requests under `/sandbox`: reading them, answering them, refusing them with one sentence."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from integrations.telegram.sandbox.state import PersonError

T = TypeVar("T")
#: Returns what is answered as JSON; raises `PersonError` to refuse.
Handler = Callable[[Request], Awaitable[object]]


def json_routes(table: Iterable[tuple[str, str, Handler]]) -> list[BaseRoute]:
    """Routes under `/sandbox` of (method, path, handler)."""
    return [
        Route(f"/sandbox/{path}", _answering(handler), methods=[method]) for method, path, handler in table
    ]


def _answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return json_response(await handler(request))
        except PersonError as error:
            return json_response({"error": str(error)}, error.status)
        except msgspec.ValidationError as error:
            return json_response({"error": str(error)}, 400)

    return answer


async def read_body(request: Request, document: type[T]) -> T:
    """The JSON body as `document`; raises `PersonError` or `msgspec.ValidationError`, which name what is wrong.

    It must be declared as `application/json`: a foreign web page cannot send that here unasked.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise PersonError("the body must be JSON, declared as content-type: application/json", 415)
    try:
        return msgspec.json.decode(await request.body(), type=document)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        raise PersonError(f"the body is not JSON: {error}") from None


def json_response(document: object, status: int = 200) -> Response:
    """A document that nobody may keep."""
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(document), status, headers, media_type="application/json")


def person_id_of(request: Request) -> int:
    """The person that the path names."""
    return int(request.path_params["person"])


def number_of(request: Request, name: str) -> float:
    """A number of the query string, 0 when absent; raises `PersonError` for what is none."""
    text = request.query_params.get(name, "0")
    try:
        return max(float(text), 0.0)
    except ValueError:
        raise PersonError(f"{name} is a number, not {text!r}") from None
