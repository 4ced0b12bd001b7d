"""The person's side over HTTP, under `/sandbox`: what the chat page uses, and scripts that drive the bot as users.

JSON in, JSON out; a mistake is answered 4xx with `{"error": "one sentence"}`. `docs/sandbox.md` describes every
request. A body must be declared as `application/json`: a foreign web page cannot send that here unasked.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from integrations.telegram.sandbox import person as acts
from integrations.telegram.sandbox.calls import CallLog, Fault, Faults
from integrations.telegram.sandbox.events import Event
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import PersonError
from integrations.telegram.sandbox.views import BotView, view_invoice, view_message, view_person

LONGEST_WAIT_SECONDS: Final = 60.0
T = TypeVar("T")


class _Text(msgspec.Struct):
    text: str


class _PersonFields(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    stars: int | None = None


class _Press(msgspec.Struct, forbid_unknown_fields=True):
    message_id: int
    button: int | str | None = None
    text: str | None = None
    data: str | None = None
    wait: float = 5.0


class _Pay(msgspec.Struct, forbid_unknown_fields=True):
    message_id: int | None = None
    chat: int | None = None
    link: str | None = None


class _Charge(msgspec.Struct):
    charge_id: str


class _Redelivery(msgspec.Struct):
    update_id: int


class _Advance(msgspec.Struct):
    seconds: int


Handler = Callable[[Request], Awaitable[object]]


class PersonApi:
    """The routes under `/sandbox`."""

    def __init__(
        self,
        service: Service,
        calls: CallLog,
        faults: Faults,
        advance: Callable[[timedelta], None] | None,
    ) -> None:
        self._service = service
        self._calls = calls
        self._faults = faults
        self._advance = advance

    def routes(self) -> list[BaseRoute]:
        """Every request of the person's side."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "state", self._state),
            ("GET", "people", self._people),
            ("POST", "people", self._add_person),
            ("PATCH", "people/{person:int}", self._change_person),
            ("GET", "people/{person:int}/messages", self._read),
            ("POST", "people/{person:int}/messages", self._write),
            ("POST", "people/{person:int}/press", self._press),
            ("POST", "people/{person:int}/pay", self._pay),
            ("POST", "people/{person:int}/block", self._block),
            ("POST", "people/{person:int}/unblock", self._unblock),
            ("POST", "people/{person:int}/read", self._mark_read),
            ("GET", "invoice", self._invoice),
            ("POST", "refund", self._refund),
            ("GET", "transactions", self._transactions),
            ("GET", "calls", self._calls_made),
            ("GET", "updates", self._updates),
            ("POST", "redeliver", self._redeliver),
            ("POST", "faults", self._add_fault),
            ("GET", "faults", self._list_faults),
            ("DELETE", "faults", self._clear_faults),
            ("POST", "advance", self._move_clock),
        ]
        routes: list[BaseRoute] = [
            Route(f"/sandbox/{path}", _answering(handler), methods=[method])
            for method, path, handler in table
        ]
        routes.append(Route("/sandbox/events", self._events, methods=["GET"]))
        routes.append(Route("/sandbox/files/{file}", self._file, methods=["GET"]))
        return routes

    # People and what they do

    async def _state(self, _: Request) -> object:
        world = self._service.world
        settings = world.settings()
        online = self._service.updates.is_polled() or bool(self._service.webhook.settings().url)
        bot = BotView(
            id=world.bot.id,
            name=settings.name,
            username=world.bot.username or "",
            online=online,
            settings=settings,
        )
        return {"bot": bot, "now": world.now(), "can_advance": self._advance is not None, **self._everybody()}

    async def _people(self, _: Request) -> object:
        return self._everybody()

    def _everybody(self) -> dict[str, object]:
        world = self._service.world
        return {"people": [view_person(world, person) for _, person in world.people.items()]}

    async def _add_person(self, request: Request) -> object:
        fields = msgspec.to_builtins(await _body(request, _PersonFields))
        return view_person(self._service.world, self._service.world.add_person(**fields))

    async def _change_person(self, request: Request) -> object:
        fields = msgspec.to_builtins(await _body(request, _PersonFields))
        if "id" in fields:
            raise PersonError("a person keeps their id")
        world = self._service.world
        person = msgspec.structs.replace(world.person(_person_id(request)), **fields)
        world.save_person(person)
        return view_person(world, person)

    async def _read(self, request: Request) -> object:
        person_id = _person_id(request)
        after = int(_number(request, "after"))
        wait = min(_number(request, "wait"), LONGEST_WAIT_SECONDS)
        world = self._service.world
        world.person(person_id)
        with trio.move_on_after(wait):
            while not world.changed(person_id, after):
                await world.signals.wait(f"chat:{person_id}")
        entries = world.changed(person_id, after)
        revision = max((entry.revision for entry in entries), default=after)
        entries.sort(key=lambda entry: entry.message.message_id)
        return {"revision": revision, "messages": [view_message(world, entry) for entry in entries]}

    async def _write(self, request: Request) -> object:
        body = await _body(request, _Text)
        with self._service.world.store.transaction():
            return acts.send_text(self._service, _person_id(request), body.text)

    async def _press(self, request: Request) -> object:
        body = await _body(request, _Press)
        person_id = _person_id(request)
        wanted = body.button if body.button is not None else body.text
        entry, button = acts.choose_button(self._service, person_id, body.message_id, wanted, body.data)
        wait = min(body.wait, LONGEST_WAIT_SECONDS)
        return await acts.press(self._service, person_id, entry, button, wait)

    async def _pay(self, request: Request) -> object:
        body = await _body(request, _Pay)
        person_id = _person_id(request)
        if body.link is not None:
            invoice = acts.invoice_of_link(self._service, body.link)
        elif body.message_id is not None:
            chat = person_id if body.chat is None else body.chat
            invoice = acts.invoice_of(self._service, chat, person_id, body.message_id)
        else:
            raise PersonError("name the invoice: message_id, or link")
        return await acts.pay(self._service, person_id, invoice)

    async def _invoice(self, request: Request) -> object:
        invoice = acts.invoice_of_link(self._service, request.query_params.get("link", ""))
        return view_invoice(invoice, payer=None)

    async def _block(self, request: Request) -> object:
        return self._set_blocked(request, True)

    async def _unblock(self, request: Request) -> object:
        return self._set_blocked(request, False)

    def _set_blocked(self, request: Request, blocked: bool) -> object:
        person_id = _person_id(request)
        with self._service.world.store.transaction():
            acts.set_blocked(self._service, person_id, blocked)
        return view_person(self._service.world, self._service.world.person(person_id))

    async def _mark_read(self, request: Request) -> object:
        acts.mark_read(self._service, _person_id(request))
        return {}

    # What Telegram does, and what tests ask of it

    async def _refund(self, request: Request) -> object:
        body = await _body(request, _Charge)
        with self._service.world.store.transaction():
            acts.refund_by_telegram(self._service, body.charge_id)
        return {}

    async def _transactions(self, _: Request) -> object:
        payments = self._service.payments
        return {"balance": payments.balance(), "transactions": payments.transactions(0, 1 << 31)}

    async def _calls_made(self, request: Request) -> object:
        after = int(_number(request, "after"))
        return {"calls": self._calls.after(after, request.query_params.get("method"))}

    async def _updates(self, _: Request) -> object:
        updates = self._service.updates
        return {"waiting": updates.waiting(), "confirmed": updates.confirmed(100)}

    async def _redeliver(self, request: Request) -> object:
        body = await _body(request, _Redelivery)
        self._service.updates.again(body.update_id)
        return {}

    async def _add_fault(self, request: Request) -> object:
        self._faults.pending.append(await _body(request, Fault))
        return await self._list_faults(request)

    async def _list_faults(self, _: Request) -> object:
        return {"faults": self._faults.pending}

    async def _clear_faults(self, request: Request) -> object:
        self._faults.pending.clear()
        return await self._list_faults(request)

    async def _move_clock(self, request: Request) -> object:
        body = await _body(request, _Advance)
        if self._advance is None:
            raise PersonError("this sandbox runs on real time; its clock cannot be moved", 409)
        if body.seconds <= 0:
            raise PersonError("the clock moves forward only; give seconds above 0")
        self._advance(timedelta(seconds=body.seconds))
        self._service.world.events.publish(Event("clock"))
        return {"now": self._service.world.now()}

    # What is not JSON

    async def _events(self, request: Request) -> Response:
        last = request.headers.get("last-event-id", "")
        stream = self._service.world.events.follow(int(last) if last.isdecimal() else None)
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    async def _file(self, request: Request) -> Response:
        world = self._service.world
        stored = world.files.get(request.path_params["file"])
        if stored is None:
            return _json({"error": "there is no such file"}, 404)
        # A document may be anything; only pictures that we measured are shown in place.
        inline = stored.width > 0
        headers = {"cache-control": "private, max-age=86400"}
        if not inline:
            headers["content-disposition"] = "attachment"
        media_type = stored.media_type if inline else "application/octet-stream"
        return Response(world.store.get_blob(f"telegram/{stored.id}"), media_type=media_type, headers=headers)


def _answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return _json(await handler(request))
        except PersonError as error:
            return _json({"error": str(error)}, error.status)
        except msgspec.ValidationError as error:
            return _json({"error": str(error)}, 400)

    return answer


async def _body(request: Request, document: type[T]) -> T:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise PersonError("the body must be JSON, declared as content-type: application/json", 415)
    try:
        return msgspec.json.decode(await request.body(), type=document)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        raise PersonError(f"the body is not JSON: {error}") from None


def _json(document: object, status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(document), status, headers, media_type="application/json")


def _person_id(request: Request) -> int:
    return int(request.path_params["person"])


def _number(request: Request, name: str) -> float:
    text = request.query_params.get(name, "0")
    try:
        return max(float(text), 0.0)
    except ValueError:
        raise PersonError(f"{name} is a number, not {text!r}") from None
