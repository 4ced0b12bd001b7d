"""Invoices that the bot makes in tests, and the two hands that it takes to pay one."""

from typing import Any

import trio

from integrations.telegram.sandbox.cards import SANDBOX_PROVIDER_TOKEN
from tests.integrations.telegram.sandbox.conftest import Running

INVOICE: dict[str, object] = {
    "title": "1 month",
    "description": "30 days",
    "payload": "order:1",
    "currency": "XTR",
    "prices": [{"label": "1 month", "amount": 150}],
}
#: What makes it an invoice that is paid by card.
CARD: dict[str, object] = {
    "currency": "RUB",
    "provider_token": SANDBOX_PROVIDER_TOKEN,
    "prices": [{"label": "1 month", "amount": 19900}],
}
CARD_INVOICE = {**INVOICE, **CARD}
YES: dict[str, object] = {"ok": True}
MONTH = 2_592_000


async def send_invoice(sandbox: Running, **changes: object) -> int:
    """The bot sends person 1001 an invoice; returns the message's id."""
    await sandbox.start()
    sent = await sandbox.call("sendInvoice", chat_id=1001, **{**INVOICE, **changes})
    return int(sent["message_id"])


async def subscribe(sandbox: Running, person: int = 1001) -> str:
    """The person pays a link that is charged every month, and the bot reads it; the id of the first charge."""
    link = await sandbox.call("createInvoiceLink", **INVOICE, subscription_period=MONTH)
    outcome = await pay(sandbox, {"link": link}, YES, person)
    return str(outcome["charge_id"])


async def pay(
    sandbox: Running, target: dict[str, object], answer: dict[str, object], person: int = 1001
) -> dict[str, Any]:
    """The person accepts the sheet and the bot answers its question; returns what the person sees."""
    outcome: dict[str, Any] = {}

    async def accept() -> None:
        outcome.update(await sandbox.post(f"people/{person}/pay", **target))

    async with trio.open_nursery() as both:
        both.start_soon(accept)
        query = (await sandbox.updates())[0]["pre_checkout_query"]
        asked = {"XTR": 150, "RUB": 19900}[query["currency"]]
        assert (query["total_amount"], query["invoice_payload"]) == (asked, "order:1")
        await sandbox.call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], **answer)
    return outcome


async def stars(sandbox: Running, person: int = 1001) -> int:
    """What the person has."""
    people = (await sandbox.get("people"))["people"]
    return next(int(each["stars"]) for each in people if each["id"] == person)
