"""A Crypto Pay for tests of single actors, and the invoices that people pay there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import trio

from domain.commands import AttachInvoice, Person
from domain.entities import Provider
from domain.money import Money
from domain.payload import make_payload
from integrations.cryptopay.client import open_cryptopay
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN, CryptoPaySandbox
from integrations.http_server import serve
from integrations.sandbox_store import Store
from tests.storage.shop import NOW, Desk


@asynccontextmanager
async def open_services(folder: Path) -> AsyncIterator[str]:
    """A Crypto Pay of one's own; its address."""
    store = Store(folder / "sandbox.sqlite")
    cryptopay = CryptoPaySandbox(store, lambda: NOW, token=SANDBOX_CRYPTOPAY_TOKEN, webhook_url=None)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, cryptopay.app, host="127.0.0.1", port=0, name="a sandbox"))
        yield f"http://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()
    store.close()


async def invoices(desk: Desk, persons: Sequence[Person], url: str) -> list[str]:
    """Invoices of Crypto Pay for a top-up, one for each; their addresses."""
    addresses = []
    async with open_cryptopay(SANDBOX_CRYPTOPAY_TOKEN, api_base=url) as cryptopay:
        for person in persons:
            started = await desk.start(Provider.CRYPTOPAY, "top_up:500", person)
            payload = make_payload(started.purchase_id, person.id)
            made = await cryptopay.create_invoice(
                Money(50000, "RUB"), description="500", payload=payload, expires_in=3600
            )
            charge, address = str(made.invoice_id), made.pay_url
            await desk.do(AttachInvoice(await desk.update(person), started.purchase_id, charge, address))
            addresses.append(address)
    return addresses


async def pay(address: str, url: str) -> None:
    """Pay an invoice of the Crypto Pay at `url`."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        paid = await http.post("/sandbox/pay", json={"hash": address.rpartition("/")[2]})
        assert paid.is_success, paid.text
