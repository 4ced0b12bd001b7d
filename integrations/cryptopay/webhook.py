"""The way in for Crypto Pay's "an invoice was paid".

The webhook is a hint that saves waiting for the next poll; the poll is the truth. What counts is the signature over
the bytes that came: the same JSON in other bytes is not what Crypto Pay signed. An update is repeated for three days
until it is answered with 200, so for so long a repeat is normal, and changes nothing, because an invoice is recorded
once; an older update is somebody's replay.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.cryptopay.signature import SIGNATURE_HEADER, sign, verify
from integrations.cryptopay.types import BadInvoice, Invoice, Moment, read_invoice

#: Crypto Pay gives up repeating an update after three days; the rest is for clocks that differ.
_REPEATED_FOR: Final = timedelta(days=3, hours=1)

_log: Final = structlog.get_logger(__name__)


class _Update(msgspec.Struct):
    update_type: str
    request_date: Moment
    payload: msgspec.Raw = msgspec.Raw(b"null")


def webhook_route(
    path: str, *, token: str, now: Callable[[], datetime], accept: Callable[[Invoice], Awaitable[None]]
) -> Route:
    """A route that hands paid invoices to `accept`: 200 once it returned, 500 if it raised, to be repeated.

    An absent or forged signature is 403, and so is an update that is older at `now` than Crypto Pay repeats it; signed
    text that is no update or no invoice is 400, another kind of update 200; nothing of it reaches `accept`. Raises
    `ValueError` for an empty token.
    """
    sign(token, b"")

    async def receive(request: Request) -> Response:
        raw = await request.body()
        if not verify(token, raw, request.headers.get(SIGNATURE_HEADER)):
            return PlainTextResponse("this is not from Crypto Pay", 403)
        try:
            update = msgspec.json.decode(raw, type=_Update)
            if update.request_date < now() - _REPEATED_FOR:
                return PlainTextResponse("this update is too old", 403)
            if update.update_type != "invoice_paid":
                return PlainTextResponse("not for us")
            invoice = read_invoice(update.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadInvoice) as error:
            _log.error("Crypto Pay sent something that cannot be read", reason=str(error))
            return PlainTextResponse("an update is a JSON object with an invoice", 400)
        try:
            await accept(invoice)
        except Exception:
            _log.exception("a paid invoice was not accepted, it will come again", invoice=invoice.invoice_id)
            return PlainTextResponse("not accepted, try again", 500)
        return PlainTextResponse("ok")

    return Route(path, receive, methods=["POST"])
