"""The sandbox's side for programs: `/api/<method>` as Crypto Pay answers it, errors included."""

import hmac
from collections.abc import Callable, Mapping
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.cryptopay.sandbox.book import Book, Record
from integrations.cryptopay.sandbox.parameters import (
    Refused,
    choice,
    integer,
    read_draft,
    read_parameters,
    several,
)
from integrations.cryptopay.sandbox.rates import ASSETS, FIATS
from integrations.cryptopay.sandbox.wire import currency_objects, invoice_object, number, rate_objects

Parameters = Mapping[str, str]


class Api:
    """The API of the one app that the sandbox has."""

    def __init__(self, book: Book, token: str) -> None:
        self._book = book
        self._token = token
        self._methods: dict[str, Callable[[Parameters, str], object]] = {
            "getMe": self._get_me,
            "createInvoice": self._create_invoice,
            "deleteInvoice": self._delete_invoice,
            "getInvoices": self._get_invoices,
            "getBalance": self._get_balance,
            "getExchangeRates": lambda parameters, origin: rate_objects(),
            "getCurrencies": lambda parameters, origin: currency_objects(),
        }

    def routes(self) -> list[Route]:
        """What to mount."""
        return [Route("/api/{method}", self._call, methods=["GET", "POST"])]

    async def _call(self, request: Request) -> Response:
        try:
            given = request.headers.get("crypto-pay-api-token", "")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                raise Refused(401, "UNAUTHORIZED")
            method = self._methods.get(request.path_params["method"])
            if method is None:
                raise Refused(405, "METHOD_NOT_FOUND")
            result = method(await read_parameters(request), str(request.base_url).rstrip("/"))
        except Refused as refused:
            error = {"code": refused.code, "name": refused.name}
            return JSONResponse({"ok": False, "error": error}, refused.code)
        return JSONResponse({"ok": True, "result": result})

    def _get_me(self, parameters: Parameters, origin: str) -> object:
        return {
            "app_id": int(self._token.partition(":")[0]),
            "name": "Sandbox shop",
            "payment_processing_bot_username": "CryptoTestnetBot",
        }

    def _create_invoice(self, parameters: Parameters, origin: str) -> object:
        record = self._book.create(read_draft(parameters), origin)
        return invoice_object(record, self._book.now())

    def _delete_invoice(self, parameters: Parameters, origin: str) -> object:
        invoice_id = integer(parameters, "invoice_id", 1, 2**53)
        if invoice_id is None:
            raise Refused(400, "INVOICE_ID_REQUIRED")
        record = self._book.get(invoice_id)
        if record is None:
            raise Refused(400, "INVOICE_NOT_FOUND")
        if record.payment is not None:
            raise Refused(400, "INVOICE_ALREADY_PAID")
        self._book.delete(invoice_id)
        return True

    def _get_invoices(self, parameters: Parameters, origin: str) -> object:
        now = self._book.now()
        status = choice(parameters, "status", ("active", "paid"), "")
        assets, fiats = several(parameters, "asset", ASSETS), several(parameters, "fiat", FIATS)
        ids = set(several(parameters, "invoice_ids"))
        offset = integer(parameters, "offset", 0, 2**53) or 0
        count = integer(parameters, "count", 1, 1000) or 100

        def wanted(record: Record) -> bool:
            return (
                (not ids or str(record.invoice_id) in ids)
                and (not status or record.status(now) == status)
                and (not assets or record.asset in assets)
                and (not fiats or record.fiat in fiats)
            )

        found = [record for record in self._book.newest_first() if wanted(record)]
        return {"items": [invoice_object(record, now) for record in found[offset : offset + count]]}

    def _get_balance(self, parameters: Parameters, origin: str) -> object:
        sums = dict.fromkeys(ASSETS, Decimal(0))
        for record in self._book.newest_first():
            if record.payment is not None:
                sums[record.payment.asset] += record.payment.amount
        return [
            {"currency_code": asset, "available": number(amount), "onhold": "0"}
            for asset, amount in sums.items()
        ]
