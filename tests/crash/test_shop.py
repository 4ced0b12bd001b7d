"""The whole shop is killed along purchases and a refund, and what comes of it is what comes of it undisturbed.

The process is the real one: every actor, PostgreSQL, Xray, and Telegram and Crypto Pay over HTTP. The steps at which
it dies are not listed here: a life in which nobody is killed reports them, the shop's own and each call to the
outside, as it arrives there and as it has been carried out. In every other life, on an exact copy of what there was,
the shop dies at several of these, one after the other.

A plain run is one such life. `--campaign 20` kills at every step once, in 5 minutes; what goes beyond that is drawn at
random, so `./run test tests/crash/test_shop.py --campaign 1000` takes hours.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
import trio

from integrations.xray.probe import ProbeResult, probe
from tests.actors.access import rows, until
from tests.crash.market import Market, open_market
from tests.crash.state import State, differences, facts_of
from tests.crash.zygote import Zygote, open_zygote
from tests.e2e.sandbox import PATIENCE_SECONDS, Person, free_ports
from tests.fixtures import xray
from tests.fixtures.postgres import Database

ALICE, BOB = 1001, 1002

_KILLS = 7
"""How often the shop dies in a life."""

_KEY = r"(vless://\S+)"

#: What people are told, each once.
_TOLD = (
    (ALICE, "Paid: 1 month"),
    (ALICE, _KEY),
    (ALICE, "was sent back"),
    (BOB, "Paid: 1 month"),
    (BOB, _KEY),
)

_AT_REST = """NOT EXISTS (SELECT FROM outbox WHERE state IN ('pending', 'sending'))
    AND NOT EXISTS (SELECT FROM updates WHERE done_at IS NULL)
    AND NOT EXISTS (SELECT FROM refunds WHERE state = 'asked')
    AND NOT EXISTS (SELECT FROM grants g LEFT JOIN provisions p USING (subscription_id, version) WHERE p IS NULL)"""


@dataclass(frozen=True)
class Life:
    """What came of a life: every fact, the movements of Stars, how often people were told; and the steps."""

    facts: State
    stars: list[int]
    told: list[int]
    steps: list[str]
    killed_at: list[str]


@dataclass(frozen=True)
class Beginning:
    """Where every life begins: Alice has an invoice in Stars before her, and Bob one of Crypto Pay."""

    zygote: Zygote
    clone: Callable[[Database], Database]
    database: Database
    folder: Path
    port: int
    invoice: str
    site: str

    async def live(self, *fatal: str) -> Life:
        """Alice pays and is refunded, then Bob pays; the shop is killed at each of these steps, if it takes it."""
        database, folder = self.clone(self.database), self.folder.with_name("life")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in self.folder.glob("sandbox.sqlite*"):
            shutil.copy(file, folder)
        async with open_market(self.zygote, database, folder, self.port, fatal) as market:
            alice, bob = market.person(ALICE), market.person(BOB)
            await market.ask_desk(ask="check")  # it is there
            begun = len(market.steps)
            while not (await alice.pay_invoice())["paid"]:
                alice.acted = 0  # the shop was not there to say yes
            key = await alice.read(_KEY)
            await self.until_it_works(key)
            await refund(market)
            await alice.read("was sent back")
            await self.until_it_works(key, no_more=True)
            paid = await market.cryptopay.post("/sandbox/pay", json={"hash": self.invoice})
            assert paid.is_success, paid.text
            await self.until_it_works(await bob.read(_KEY))
            await until(database, _AT_REST)
            steps = market.steps[begun:]
            checked = await market.ask_desk(ask="check")
            assert [each for each in checked if each["found"]] == [], market.killed_at
            people = {ALICE: alice, BOB: bob}
            for person in people.values():
                await person.look()
            told = [people[person].count(text) for person, text in _TOLD]
            stars = await stars_moved(market)
        return Life(facts_of(database), stars, told, steps, market.killed_at)

    async def until_it_works(self, key: str, *, no_more: bool = False) -> None:
        """Wait until a key passes traffic, or does not."""
        with trio.fail_after(PATIENCE_SECONDS):
            while isinstance(await probe(key, self.site), ProbeResult) is no_more:
                await trio.sleep(0.05)


async def stars_moved(market: Market) -> list[int]:
    """What came to the bot, and what it gave back."""
    account = (await market.telegram.get("/sandbox/transactions")).json()
    return [each["amount"] * (1 if "source" in each else -1) for each in account["transactions"]]


async def refund(market: Market) -> None:
    """An operator has Alice's payment sent back."""
    [(payment,)] = rows(market.database, "SELECT id FROM payments")
    fields = {"request": "1", "by": "olga", "reason": "asked for it", "payment_id": payment}
    await market.ask_desk(ask="order", command="AskRefund", fields=fields)


async def prepare(market: Market) -> str:
    """Both have what they want to pay before them; gives the name of Bob's invoice."""
    alice, bob = market.person(ALICE), market.person(BOB)
    await order(alice, "Telegram Stars")
    await alice.wait_for(lambda message: message.get("invoice") and "it", "an invoice")
    await order(bob, "Crypto Pay")
    address = await bob.press("Pay 199")
    assert address is not None
    await until(market.database, _AT_REST)
    return address.rpartition("/")[2]


async def order(person: Person, way: str) -> None:
    await person.say("/plans")
    await person.press("1 month")
    await person.press(way)


def may_tell_twice(step: str) -> bool:
    """Whether Telegram may have a message of which the shop does not know yet."""
    return step.startswith("send") or step.endswith((" sent", "carried out")) or "SettleMessage" in step


def lives(names: list[str], number: int) -> Iterator[list[str]]:
    """The steps at which the shop dies in each life: every one of them once, then some drawn at random."""
    random, stride = Random(number), -(-len(names) // _KILLS)
    for life in range(number):
        yield names[life::stride] if life < stride else random.sample(names, _KILLS)


@pytest.mark.requirement("C2", "C9", "F1", "F7", "F11")
async def test_killed_on_the_way_from_a_payment_to_the_key_and_back_the_shop_comes_to_the_same(
    database: Database, clone: Callable[[Database], Database], tmp_path: Path, campaign: int
) -> None:
    folder, port = tmp_path / "beginning", free_ports()
    folder.mkdir()
    async with open_zygote("tests.crash.shop") as zygote, xray.open_site() as site:
        async with open_market(zygote, database, folder, port) as market:
            invoice = await prepare(market)
        beginning = Beginning(zygote, clone, database, folder, port, invoice, site)
        undisturbed = await beginning.live()
        assert undisturbed.told == [1] * len(_TOLD)
        assert undisturbed.stars == [150, -150]
        names = list(dict.fromkeys(undisturbed.steps))
        for fatal in lives(names, campaign):
            life = await beginning.live(*fatal)
            found = differences(life.facts, undisturbed.facts)
            assert not found, f"killed at {life.killed_at}: {found}"
            assert life.stars == undisturbed.stars, f"killed at {life.killed_at}: {life.stars}"
            assert len(life.killed_at) > len(fatal) // 2, f"of {fatal} it took only {life.killed_at}"
            twice = sum(map(may_tell_twice, life.killed_at))
            assert all(1 <= told <= 1 + twice for told in life.told), (
                f"killed at {life.killed_at}: {life.told}"
            )
