"""The Crypto Pay API, as much of it as a shop needs: who am I, make an invoice, how do the invoices stand.

Written on our own HTTP client because the published libraries speak asyncio only. There is no idempotency key
for invoices: one whose creation ended in `OutcomeUnknown` may exist, and is found again by its payload.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import msgspec

from domain.money import CRYPTO, Money
from integrations.cryptopay.types import BadInvoice, Invoice, read_invoice, read_invoices
from integrations.http_client import Http, OutcomeUnknown, open_http

#: The most invoices that one page may hold.
PAGE_LIMIT: Final = 1000
_DESCRIPTION_LIMIT: Final = 1024
T = TypeVar("T")
_TOKEN: Final = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")


class CryptoPayRefused(Exception):
    """Crypto Pay answered that it will not; nothing was done. `code` and `name` are its own."""

    def __init__(self, code: int, name: str) -> None:
        super().__init__(f"Crypto Pay refused: {name} ({code})")
        self.code = code
        self.name = name


class App(msgspec.Struct, frozen=True):
    """The app that the token belongs to."""

    app_id: int
    name: str
    payment_processing_bot_username: str = ""


class _Refusal(msgspec.Struct):
    code: int
    name: str


class _Answer(msgspec.Struct):
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Refusal | None = None


class _Page(msgspec.Struct):
    items: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Page:
    """Some invoices; `count` of them, those included that could not be read."""

    invoices: list[Invoice]
    count: int


def check_token(token: str) -> None:
    """Raise `ValueError`, with one sentence that does not show it, for text that cannot be an app's token."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("Crypto Pay's token is not of the form 12345:AAbb…; copy it from @CryptoBot")


@asynccontextmanager
async def open_cryptopay(
    token: str, *, api_base: str = "https://pay.crypt.bot"
) -> AsyncIterator["CryptoPay"]:
    """Open a client; nothing is asked yet. Raises `ValueError` for a token or an address that is none."""
    check_token(token)
    async with open_http(base_url=api_base, max_connections=4, timeout=10.0) as http:
        yield CryptoPay(http, token)


class CryptoPay:
    """Crypto Pay as seen by one app. Methods raise `CryptoPayRefused`, `NotSent` and `OutcomeUnknown`."""

    def __init__(self, http: Http, token: str) -> None:
        self._http = http
        self._headers = {"Crypto-Pay-API-Token": token}

    async def get_me(self) -> App:
        """Which app the token belongs to; a wrong token is `CryptoPayRefused` with code 401."""
        return _decode(await self._call("getMe", {}), App)

    async def create_invoice(
        self,
        amount: Money,
        *,
        description: str,
        payload: str,
        expires_in: int,
        paid_button_url: str | None = None,
    ) -> Invoice:
        """Ask for `amount`, payable within `expires_in` seconds: fiat in any asset, an amount of an asset in that.

        `payload` (up to 4 KB) is for us and comes back with the invoice; after paying, the person is offered
        `paid_button_url`.
        """
        parameters: dict[str, object] = {
            "amount": amount.decimal(),
            "description": description[:_DESCRIPTION_LIMIT],
            "payload": payload,
            "expires_in": expires_in,
        }
        if amount.currency in CRYPTO:
            parameters |= {"currency_type": "crypto", "asset": amount.currency}
        else:
            parameters |= {"currency_type": "fiat", "fiat": amount.currency}
        if paid_button_url is not None:
            parameters |= {"paid_btn_name": "openBot", "paid_btn_url": paid_button_url}
        raw = await self._call("createInvoice", parameters)
        try:
            return read_invoice(raw)
        except BadInvoice as error:
            raise OutcomeUnknown(str(error)) from None

    async def invoices(self, ids: Sequence[int]) -> list[Invoice]:
        """How invoices (at most 1,000) stand, expired ones too; unknown ids and what cannot be read are left out."""
        assert len(ids) <= PAGE_LIMIT, "one page"
        if not ids:
            return []
        return (await self._page({"invoice_ids": ",".join(map(str, ids)), "count": len(ids)})).invoices

    async def page(
        self,
        *,
        status: Literal["active", "paid"] | None = None,
        offset: int = 0,
        count: int = 100,
    ) -> Page:
        """Invoices with `status`, the newest first; what cannot be read is counted and left out."""
        parameters: dict[str, object] = {"offset": offset, "count": count}
        if status is not None:
            parameters["status"] = status
        return await self._page(parameters)

    async def _page(self, parameters: dict[str, object]) -> Page:
        items = _decode(await self._call("getInvoices", parameters), _Page).items
        return Page(read_invoices(items), len(items))

    async def _call(self, method: str, parameters: dict[str, object]) -> msgspec.Raw:
        response = await self._http.request("POST", f"/api/{method}", json=parameters, headers=self._headers)
        answer = _decode(response.content, _Answer, response.status_code)
        if answer.ok:
            return answer.result
        refusal = answer.error or _Refusal(response.status_code, "UNKNOWN")
        raise CryptoPayRefused(refusal.code, refusal.name)


def _decode(raw: bytes | msgspec.Raw, kind: type[T], status: int = 200) -> T:
    """Read an answer; one that cannot be read leaves open what was done."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OutcomeUnknown(f"Crypto Pay's answer (status {status}) cannot be read: {error}") from None
