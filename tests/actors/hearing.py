"""Every way in which a shop hears of a payment, as something that a test can have happen when and as often as it likes.

Nothing stands in for anything: Telegram's updates come from its sandbox once more, webhooks are HTTP with the bytes
that Crypto Pay would sign, a poll and a sweep are ticks of the real workers.
"""

import json
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import trio

from actors.messages import LookAgain, Write
from domain.commands import Received, RecordUpdates
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN
from integrations.cryptopay.signature import SIGNATURE_HEADER, sign
from runtime import Call, NotUnderstood, Tick, Unavailable
from tests.actors.town import Town
from tests.storage.shop import NOW

#: Numbers of updates that Telegram's sandbox never gives.
_FOREIGN_UPDATES: Final = count(10_000_000_000)
_PATIENCE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Settled(Call[None]):
    """A question that no actor understands; that it says so means that what was queued before is handled."""


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment that happened: by whom, its charge, and where it is told."""

    person: int
    charge: str
    invoice_url: str | None = None


async def hear(town: Town, way: str, paid: Paid, *, again: bool = False) -> None:
    """Have a payment heard of in one way; `again`: as often as it takes, as whoever tells it would."""
    with trio.fail_after(_PATIENCE_SECONDS):
        while True:
            try:
                if await _WAYS[way](town, paid) and (not again or await _is_recorded(town, way, paid)):
                    return
            except Unavailable:
                pass
            assert again, f"{way} failed"
            await trio.sleep(0.05)


async def _is_recorded(town: Town, way: str, paid: Paid) -> bool:
    """A look that a crash cut short is followed by the next one; an update that is in the inbox is not told again."""
    if way not in ("poll", "sweep"):
        return True
    query = "SELECT 1 AS number FROM payments WHERE charge_id = %s"
    return bool(await town.environment.readers.fetch(_One, query, (paid.charge,), reader="test"))


@dataclass(frozen=True, slots=True)
class _One:
    number: int


async def _update(town: Town, paid: Paid) -> bool:
    """Telegram delivers the update (again), under its number."""
    update = await _update_of(town, paid)
    answer = await town.telegram.post("/sandbox/redeliver", json={"update_id": update["update_id"]})
    assert answer.is_success, answer.text
    return True


async def _another_update(town: Town, paid: Paid) -> bool:
    """The same payment comes in an update with a number of its own."""
    update = {**await _update_of(town, paid), "update_id": next(_FOREIGN_UPDATES)}
    received = Received(update["update_id"], paid.person, json.dumps(update))
    await town.system.ref("db_writer").call(Write(RecordUpdates((received,))))
    town.system.ref("telegram").cast(LookAgain())
    return True


async def _refunds_update(town: Town, paid: Paid) -> bool:
    """Telegram delivers the update that tells of the charge's refund (again)."""
    update = await _update_of(town, paid, "refunded_payment")
    answer = await town.telegram.post("/sandbox/redeliver", json={"update_id": update["update_id"]})
    assert answer.is_success, answer.text
    return True


async def _update_of(town: Town, paid: Paid, kind: str = "successful_payment") -> dict[str, Any]:
    updates = (await town.telegram.get("/sandbox/updates")).json()
    for update in (*updates["waiting"], *updates["confirmed"]):
        payment = update.get("message", {}).get(kind, {})
        if payment.get("telegram_payment_charge_id") == paid.charge:
            found: dict[str, Any] = update
            return found
    raise AssertionError(f"Telegram never told of {paid.charge}")


async def _webhook(town: Town, paid: Paid) -> bool:
    """Crypto Pay posts "an invoice was paid"."""
    shown = await town.cryptopay.get(f"/sandbox/invoices/{(paid.invoice_url or '').rpartition('/')[2]}")
    update = {
        "update_id": next(_FOREIGN_UPDATES),
        "update_type": "invoice_paid",
        "request_date": NOW.isoformat(),
        "payload": shown.json(),
    }
    body = json.dumps(update).encode()
    headers = {SIGNATURE_HEADER: sign(SANDBOX_CRYPTOPAY_TOKEN, body)}
    answer = await town.gateway.post("/webhooks/cryptopay", content=body, headers=headers)
    return answer.status_code == 200


async def _poll(town: Town, _: Paid) -> bool:
    return await _tick(town, "crypto_payment_watcher")


async def _sweep(town: Town, _: Paid) -> bool:
    return await _tick(town, "payment_sweep")


async def _refunds(town: Town, _: Paid) -> bool:
    return await _tick(town, "refunds")


async def _tick(town: Town, worker: str) -> bool:
    """The worker looks; true when a look that began after this has ended."""
    ref = town.system.ref(worker)
    ref.cast(Tick())
    try:
        await ref.call(Settled())
    except NotUnderstood:
        return True
    raise AssertionError("an actor understood what nobody understands")


_WAYS: Final = {
    "update": _update,
    "another update": _another_update,
    "webhook": _webhook,
    "poll": _poll,
    "sweep": _sweep,
    "refund's update": _refunds_update,
    "refunds": _refunds,
}
