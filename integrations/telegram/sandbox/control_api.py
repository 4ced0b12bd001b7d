"""What a script may ask of Telegram itself under `/sandbox`: show the traffic, repeat, fail, move time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.routing import BaseRoute

from integrations.telegram.sandbox import person as acts
from integrations.telegram.sandbox.calls import CallLog, Fault, Faults
from integrations.telegram.sandbox.events import Event
from integrations.telegram.sandbox.json_api import json_routes, number_of, read_body
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import PersonError


class _Charge(msgspec.Struct):
    charge_id: str


class _Redelivery(msgspec.Struct):
    update_id: int


class _Withheld(msgspec.Struct):
    count: Annotated[int, msgspec.Meta(ge=0)]


class _Advance(msgspec.Struct):
    seconds: Annotated[int, msgspec.Meta(gt=0)]


class ControlApi:
    """The routes for tests and for the curious."""

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
        """Every request of this kind."""
        return json_routes(
            [
                ("POST", "refund", self._refund),
                ("GET", "transactions", self._transactions),
                ("GET", "calls", self._calls_made),
                ("GET", "updates", self._updates),
                ("POST", "redeliver", self._redeliver),
                ("POST", "withhold", self._withhold),
                ("POST", "faults", self._add_fault),
                ("GET", "faults", self._list_faults),
                ("DELETE", "faults", self._clear_faults),
                ("POST", "advance", self._move_clock),
            ]
        )

    async def _refund(self, request: Request) -> object:
        body = await read_body(request, _Charge)
        with self._service.world.store.transaction():
            acts.refund_by_telegram(self._service, body.charge_id)
        return {}

    async def _transactions(self, _: Request) -> object:
        till = self._service.till
        return {"balance": till.balance(), "transactions": till.transactions(0, -1)}

    async def _calls_made(self, request: Request) -> object:
        after = int(number_of(request, "after"))
        return {"calls": self._calls.after(after, request.query_params.get("method"))}

    async def _updates(self, _: Request) -> object:
        updates = self._service.updates
        return {"waiting": updates.waiting(), "confirmed": updates.confirmed(100)}

    async def _redeliver(self, request: Request) -> object:
        body = await read_body(request, _Redelivery)
        self._service.updates.again(body.update_id)
        return {}

    async def _withhold(self, request: Request) -> object:
        self._service.updates.withheld = (await read_body(request, _Withheld)).count
        return {}

    async def _add_fault(self, request: Request) -> object:
        self._faults.pending.append(await read_body(request, Fault))
        return await self._list_faults(request)

    async def _list_faults(self, _: Request) -> object:
        return {"faults": self._faults.pending}

    async def _clear_faults(self, request: Request) -> object:
        self._faults.pending.clear()
        return await self._list_faults(request)

    async def _move_clock(self, request: Request) -> object:
        body = await read_body(request, _Advance)
        if self._advance is None:
            raise PersonError("this sandbox runs on real time; its clock cannot be moved", 409)
        self._advance(timedelta(seconds=body.seconds))
        self._service.subscriptions.renew_due()
        self._service.world.events.publish(Event("clock"))
        return {"now": self._service.world.now()}
