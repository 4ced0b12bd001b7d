"""The sandbox's side for people and scripts: the page of an invoice, and what may be done with it.

    GET  /pay/<hash>                    the page
    GET  /sandbox/invoices              all invoices, the newest first
    GET  /sandbox/invoices/<hash>       one, with what it costs in each asset
    POST /sandbox/pay                   {invoice_id or hash, asset?, amount?}: any amount, to try what happens
    POST /sandbox/expire                {invoice_id or hash}
    POST /sandbox/redeliver             {invoice_id or hash}: the webhook of a paid invoice once more

Answers are JSON; a refusal is 4xx with `{"error": "a sentence"}`. A POST must be application/json, so that no
foreign web page can send one from the browser of somebody who runs a sandbox.
"""

import json
import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from integrations.cryptopay.sandbox.book import Book, NotPayable, Record
from integrations.cryptopay.sandbox.deliveries import Deliveries
from integrations.cryptopay.sandbox.rates import ASSETS
from integrations.cryptopay.sandbox.wire import invoice_object, number, time

_FOLDER: Final = Path(__file__).parent / "page"
_TYPES: Final = {"pay.html": "text/html", "pay.css": "text/css", "pay.js": "text/javascript"}
_FILES: Final = {name: (_FOLDER / name).read_bytes() for name in _TYPES}
_HEADERS: Final = {
    "content-security-policy": "default-src 'self'; img-src data:",
    "cache-control": "no-store",
}


class _Refused(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Person:
    """Pages and scripts over the book of invoices."""

    def __init__(self, book: Book, deliveries: Deliveries) -> None:
        self._book = book
        self._deliveries = deliveries

    def routes(self) -> list[Route]:
        """What to mount."""
        return [
            Route("/", self._home),
            Route("/pay/{name:path}", self._page),
            Route("/sandbox/invoices", _answering(self._list)),
            Route("/sandbox/invoices/{hash}", _answering(self._show)),
            Route("/sandbox/pay", _answering(self._pay), methods=["POST"]),
            Route("/sandbox/expire", _answering(self._expire), methods=["POST"]),
            Route("/sandbox/redeliver", _answering(self._redeliver), methods=["POST"]),
        ]

    async def _home(self, request: Request) -> Response:
        newest = next(iter(self._book.newest_first()), None)
        return RedirectResponse("/pay/none" if newest is None else f"/pay/{newest.hash}")

    async def _page(self, request: Request) -> Response:
        name = request.path_params["name"]
        file = name if name in _FILES else "pay.html"
        return Response(_FILES[file], media_type=_TYPES[file], headers=_HEADERS)

    async def _list(self, request: Request) -> object:
        now = self._book.now()
        return {"invoices": [invoice_object(record, now) for record in self._book.newest_first()]}

    async def _show(self, request: Request) -> object:
        record = self._book.find(request.path_params["hash"])
        if record is None:
            raise _Refused(404, "There is no such invoice.")
        return self._described(record)

    async def _pay(self, request: Request) -> object:
        body = await _read(request)
        record = self._named(body)
        asset, amount = body.get("asset", record.assets()[0]), body.get("amount")
        if amount is not None and not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,18})?", str(amount)):
            raise _Refused(400, "'amount' is a decimal number as text, such as \"2.50\".")
        paid = self._book.pay(record, str(asset), None if amount is None else Decimal(str(amount)))
        self._deliveries.add(paid)
        return self._described(paid)

    async def _expire(self, request: Request) -> object:
        return self._described(self._book.expire(self._named(await _read(request))))

    async def _redeliver(self, request: Request) -> object:
        record = self._named(await _read(request))
        if record.payment is None:
            raise _Refused(409, "This invoice is not paid, so there is nothing to tell.")
        self._deliveries.add(record)
        return self._described(record)

    def _named(self, body: dict[str, object]) -> Record:
        invoice_id, name = body.get("invoice_id"), body.get("hash")
        record = self._book.get(invoice_id) if type(invoice_id) is int else self._book.find(str(name))
        if record is None:
            raise _Refused(404, "There is no such invoice; name one by 'invoice_id' or 'hash'.")
        return record

    def _described(self, record: Record) -> dict[str, object]:
        """The invoice with what the page needs beyond it."""
        now = self._book.now()
        options = [
            {"asset": asset, "name": ASSETS[asset].name, "amount": number(record.price(asset))}
            for asset in record.assets()
        ]
        return {**invoice_object(record, now), "app": "Sandbox shop", "now": time(now), "options": options}


def _answering(act: Callable[[Request], Awaitable[object]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await act(request), headers=_HEADERS)
        except NotPayable as refusal:
            return JSONResponse({"error": str(refusal)}, 409)
        except _Refused as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status)

    return answer


async def _read(request: Request) -> dict[str, object]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise _Refused(415, "Send application/json.")
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _Refused(400, "Send a JSON object.")
    return body
