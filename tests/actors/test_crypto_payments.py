"""Webhook, poll and sweep see the same payment, in any order, together, and again after a restart: it is one (R8)."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import trio

from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN
from integrations.cryptopay.signature import SIGNATURE_HEADER, sign
from runtime import Tick
from tests.actors.town import Town, open_town
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of


async def invoice(town: Town) -> str:
    """Have Alice ask for a top-up by Crypto Pay; the address of its invoice."""
    alice = town.person()
    await alice.say("/balance")
    await alice.press("500 ₽")
    await alice.press("Crypto Pay")
    url = await alice.press("Pay 500")
    assert url is not None
    return url


async def hear_by(town: Town, way: str, url: str) -> None:
    """Have the payment heard of in one way."""
    if way == "webhook":
        await town.crypto("redeliver", url)
    else:
        town.system.ref("crypto_payment_watcher").cast(Tick())


def payments(database: Database) -> tuple[object, ...]:
    """Payments, transfers, and what Alice has."""
    with owner_of(database) as owner:
        row = owner.execute(
            "SELECT (SELECT count(*) FROM payments), (SELECT count(*) FROM transfers), "
            "(SELECT credits - debits FROM accounts WHERE kind = 'balance' AND owner = 1001), "
            "(SELECT count(*) FROM outbox WHERE kind = 'topped_up')"
        ).fetchone()
    assert row is not None
    return row


@pytest.mark.requirement("R8", "F5")
@pytest.mark.parametrize(
    "ways",
    [
        ["webhook"],
        ["poll"],
        ["webhook", "poll"],
        ["poll", "webhook"],
        ["webhook", "webhook", "poll", "poll", "webhook"],
    ],
    ids="-".join,
)
async def test_however_often_and_by_whom_a_payment_is_heard_of_it_is_credited_once(
    database: Database, tmp_path: Path, ways: Sequence[str]
) -> None:
    first_by_webhook = ways[0] == "webhook"
    async with open_town(database, tmp_path, webhook=first_by_webhook) as town:
        url = await invoice(town)
        await town.pay_crypto(url)
        async with trio.open_nursery() as nursery:
            for way in ways:
                nursery.start_soon(hear_by, town, way, url)
        await town.person().read("500 ₽ added")
    async with open_town(database, tmp_path) as town:
        for way in ways:
            await hear_by(town, way, url)
        await town.person().say("/help")
        await town.person().read("I know these")
        assert payments(database) == (1, 1, 50000, 1)


async def test_an_invoice_whose_making_was_never_answered_is_found_by_the_sweep(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path, webhook=False) as town:
        url = await invoice(town)
        with owner_of(database) as owner:
            owner.execute("UPDATE purchases SET invoice_id = NULL, invoice_url = NULL")
        await town.pay_crypto(url)
        town.system.ref("payment_sweep").cast(Tick())
        await town.person().read("500 ₽ added")


@pytest.mark.parametrize(
    ("body", "signature", "status"),
    [(b"{}", None, 403), (b"{}", "0" * 64, 403), (b"not JSON", "right", 400), (b'{"a": 1}', "right", 400)],
)
async def test_a_webhook_that_is_not_crypto_pays_changes_nothing(
    database: Database, tmp_path: Path, body: bytes, signature: str | None, status: int
) -> None:
    async with open_town(database, tmp_path) as town:
        headers = {} if signature is None else {SIGNATURE_HEADER: signature}
        if signature == "right":
            headers = {SIGNATURE_HEADER: sign(SANDBOX_CRYPTOPAY_TOKEN, body)}
        answer = await town.gateway.post("/webhooks/cryptopay", content=body, headers=headers)
        assert answer.status_code == status
        assert payments(database)[0] == 0
