"""The person's side over HTTP, under `/sandbox`: what the chat page uses, and scripts that drive the bot as users.

JSON in, JSON out; a mistake is answered 4xx with `{"error": "one sentence"}`. `docs/sandbox.md` describes every
request.
"""

from typing import Annotated, Final, Literal

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from integrations.telegram.sandbox import person as acts
from integrations.telegram.sandbox.events import Events
from integrations.telegram.sandbox.json_api import (
    json_response,
    json_routes,
    number_of,
    person_id_of,
    read_body,
)
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import PersonError
from integrations.telegram.sandbox.views import BotView, view_invoice, view_message, view_person

LONGEST_WAIT_SECONDS: Final = 60.0


class _Text(msgspec.Struct):
    text: str


class _PersonFields(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    id: Annotated[int, msgspec.Meta(gt=0)] | None = None
    first_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    stars: Annotated[int, msgspec.Meta(ge=0)] | None = None
    card: Literal["works", "declined"] | None = None


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


class _Stop(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    canceled: bool


class PersonApi:
    """The routes under `/sandbox`."""

    def __init__(self, service: Service, *, can_advance: bool) -> None:
        self._service = service
        self._can_advance = can_advance

    def routes(self) -> list[BaseRoute]:
        """Every request of the person's side."""
        routes = json_routes(
            [
                ("GET", "state", self._state),
                ("GET", "people", self._people),
                ("POST", "people", self._add_person),
                ("PATCH", "people/{person:int}", self._change_person),
                ("GET", "people/{person:int}/messages", self._read),
                ("POST", "people/{person:int}/messages", self._write),
                ("POST", "people/{person:int}/press", self._press),
                ("POST", "people/{person:int}/pay", self._pay),
                ("POST", "people/{person:int}/subscriptions", self._stop),
                ("POST", "people/{person:int}/block", self._block),
                ("POST", "people/{person:int}/unblock", self._unblock),
                ("POST", "people/{person:int}/read", self._mark_read),
                ("GET", "invoice", self._invoice),
            ]
        )
        routes.append(Route("/sandbox/events", self._events, methods=["GET"]))
        routes.append(Route("/sandbox/files/{file}", self._file, methods=["GET"]))
        return routes

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
        return {"bot": bot, "now": world.now(), "can_advance": self._can_advance, **self._everybody()}

    async def _people(self, _: Request) -> object:
        return self._everybody()

    def _everybody(self) -> dict[str, object]:
        world = self._service.world
        return {"people": [view_person(self._service, person) for _, person in world.people.items()]}

    async def _add_person(self, request: Request) -> object:
        fields = msgspec.to_builtins(await read_body(request, _PersonFields))
        return view_person(self._service, self._service.world.add_person(**fields))

    async def _change_person(self, request: Request) -> object:
        fields = msgspec.to_builtins(await read_body(request, _PersonFields))
        if "id" in fields:
            raise PersonError("a person keeps their id")
        world = self._service.world
        person = msgspec.structs.replace(world.person(person_id_of(request)), **fields)
        world.save_person(person)
        return view_person(self._service, person)

    async def _read(self, request: Request) -> object:
        person_id = person_id_of(request)
        after = int(number_of(request, "after"))
        wait = min(number_of(request, "wait"), LONGEST_WAIT_SECONDS)
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
        body = await read_body(request, _Text)
        with self._service.world.store.transaction():
            return acts.send_text(self._service, person_id_of(request), body.text)

    async def _press(self, request: Request) -> object:
        body = await read_body(request, _Press)
        person_id = person_id_of(request)
        wanted = body.button if body.button is not None else body.text
        entry, button = acts.choose_button(self._service, person_id, body.message_id, wanted, body.data)
        wait = min(body.wait, LONGEST_WAIT_SECONDS)
        return await acts.press(self._service, person_id, entry, button, wait)

    async def _pay(self, request: Request) -> object:
        body = await read_body(request, _Pay)
        person_id = person_id_of(request)
        if body.link is not None:
            invoice = acts.invoice_of_link(self._service, body.link)
        elif body.message_id is not None:
            chat = person_id if body.chat is None else body.chat
            invoice = acts.invoice_of(self._service, chat, person_id, body.message_id)
        else:
            raise PersonError("name the invoice: message_id, or link")
        return await acts.pay(self._service, person_id, invoice)

    async def _stop(self, request: Request) -> object:
        body = await read_body(request, _Stop)
        person_id = person_id_of(request)
        self._service.subscriptions.stop(person_id, body.id, canceled=body.canceled)
        return view_person(self._service, self._service.world.person(person_id))

    async def _invoice(self, request: Request) -> object:
        invoice = acts.invoice_of_link(self._service, request.query_params.get("link", ""))
        return view_invoice(invoice, payer=None)

    async def _block(self, request: Request) -> object:
        return self._set_blocked(request, True)

    async def _unblock(self, request: Request) -> object:
        return self._set_blocked(request, False)

    def _set_blocked(self, request: Request, blocked: bool) -> object:
        person_id = person_id_of(request)
        with self._service.world.store.transaction():
            acts.set_blocked(self._service, person_id, blocked)
        return view_person(self._service, self._service.world.person(person_id))

    async def _mark_read(self, request: Request) -> object:
        acts.mark_read(self._service, person_id_of(request))
        return {}

    # What is not JSON

    async def _events(self, request: Request) -> Response:
        last = request.headers.get("last-event-id", "")
        return _EventStream(self._service.world.events, int(last) if last.isdecimal() else None)

    async def _file(self, request: Request) -> Response:
        world = self._service.world
        stored = world.files.get(request.path_params["file"])
        if stored is None:
            return json_response({"error": "there is no such file"}, 404)
        # A document may be anything; only pictures that we measured are shown in place.
        inline = stored.width > 0
        headers = {"cache-control": "private, max-age=86400"}
        if not inline:
            headers["content-disposition"] = "attachment"
        media_type = stored.media_type if inline else "application/octet-stream"
        return Response(world.store.get_blob(f"telegram/{stored.id}"), media_type=media_type, headers=headers)


class _EventStream(Response):
    """The events as they happen, until the watcher goes away."""

    def __init__(self, events: Events, last: int | None) -> None:
        super().__init__(media_type="text/event-stream", headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._events = events
        self._last = last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(frames: str) -> None:
            await send({"type": "http.response.body", "body": frames.encode(), "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._events.follow, self._last, write)
            while (await receive())["type"] != "http.disconnect":
                pass
            nursery.cancel_scope.cancel()
