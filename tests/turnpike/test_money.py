"""What an operator does with money: commands, each a process, against a system that runs on a real PostgreSQL."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import trio

from actors.db_writer import DbWriter
from actors.desk import Desk
from actors.messages import Write
from domain.catalogue import Catalogue
from domain.commands import Command, FinalizePayment, StartPurchase
from domain.entities import Provider
from domain.money import Money
from runtime import Actor, Context, System
from runtime.control import serve_control
from storage.flush import no_step
from tests.actors.systems import environment, running
from tests.e2e.sandbox import ROOT
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, BOB, CATALOGUE
from turnpike.control import control_socket

R = TypeVar("R")

LIMIT_SECONDS = 60


@dataclass(slots=True)
class Shop:
    """A running writer and desk, and the commands that reach them."""

    folder: Path
    system: System
    updates: int = 0

    async def write(self, command: Command[R]) -> R:
        """Have the writer carry something out."""
        return await self.system.ref("db_writer").call(Write(command))

    async def paid(self, charge: str, amount: Money, *, item: str = "plan:month", person: Any = ALICE) -> int:
        """A purchase in Stars with a payment of this amount; gives the payment's number."""
        self.updates += 1
        started = await self.write(StartPurchase(self.updates, person, item, Provider.STARS))
        assert started is not None
        receipt = await self.write(
            FinalizePayment(
                provider=Provider.STARS,
                charge_id=charge,
                amount=amount,
                purchase_id=started.purchase_id,
                payer=person.id,
            )
        )
        return receipt.payment_id

    async def turnpike(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a process of its own."""
        command = [sys.executable, "-m", "turnpike", *words]
        options = ["--data", str(self.folder)]
        with trio.fail_after(LIMIT_SECONDS):
            done = await trio.run_process(
                [*command, *options], cwd=ROOT, check=False, capture_stdout=True, capture_stderr=True
            )
        return subprocess.CompletedProcess(
            command, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    async def said(self, *words: str) -> str:
        """What a command that must succeed says."""
        done = await self.turnpike(*words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    async def refused(self, *words: str) -> str:
        """The one sentence of a command that must be refused."""
        done = await self.turnpike(*words)
        assert done.returncode == 1, done.stdout
        [sentence] = done.stderr.splitlines()
        return sentence.removeprefix("turnpike: ")

    async def json(self, *words: str) -> Any:
        """The answer of a command in JSON."""
        return json.loads(await self.said(*words, "--json"))


@asynccontextmanager
async def shop_in(
    database: Database, folder: Path, step: Callable[[str], None] = no_step, catalogue: Catalogue = CATALOGUE
) -> AsyncIterator[Shop]:
    """A shop with nothing but its writer, whose steps are told, and its desk."""
    async with environment(database, folder, catalogue=catalogue) as quiet:
        surroundings = replace(quiet, step=step)
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "desk": partial(Desk, environment=surroundings),
        }
        async with running(actors, stand_ins=["vpn", "sender"]) as shop, trio.open_nursery() as nursery:
            await nursery.start(serve_control, shop.system, control_socket(folder))
            yield Shop(folder, shop.system)
            nursery.cancel_scope.cancel()


@pytest.mark.requirement("F10")
async def test_a_payment_under_review_is_seen_and_settled_in_one_step(
    database: Database, tmp_path: Path
) -> None:
    async with shop_in(database, tmp_path) as shop:
        assert await shop.said("reviews") == "No payment waits for anybody.\n"
        payment = await shop.paid("odd", Money(150, "RUB"))

        [head, row] = (await shop.said("reviews")).splitlines()
        assert head.split()[:2] == ["payment", "since"]
        assert all(word in row for word in ("1.50 RUB", "stars", "1 month", "wrong currency", str(ALICE.id)))
        assert await shop.refused("settle", str(payment), "credit", "--reason", "support") == (
            "say how much 1.50 RUB are worth in RUB"
        )
        done = await shop.said("settle", str(payment), "grant", "--reason", "asked in support")
        assert done == f"payment {payment} is settled: grant\n"
        again = await shop.refused("settle", str(payment), "ignore", "--reason", "again")
        assert again.startswith(f"payment {payment} was settled already: grant, by ")

        assert await shop.said("reviews") == "No payment waits for anybody.\n"
        [settled] = await shop.json("reviews", "--all")
        assert (settled["action"], settled["note"]) == ("grant", "asked in support")
        [state] = [row["state"] for row in await shop.json("payments", str(ALICE.id))]
        assert state == "wrong_currency: grant"


@pytest.mark.requirement("F14")
async def test_what_is_done_by_hand_is_kept_with_who_and_why_and_shows_in_the_statement(
    database: Database, tmp_path: Path
) -> None:
    async with shop_in(database, tmp_path) as shop:
        await shop.paid("one", Money(150, "XTR"))
        assert "50.00 RUB" in await shop.said("adjust", "1001", "50.00 RUB", "--reason", "sorry")
        await shop.said("adjust", "1001", "-20.00 RUB", "--reason", "mistake")
        await shop.said("grant", "1001", "7", "--reason", "outage")
        assert await shop.refused("adjust", "1001", "-500.00 RUB", "--reason", "x") == (
            "the balance is 30.00 RUB: no more can be taken from it"
        )
        assert await shop.refused("grant", "4711", "7", "--reason", "x") == (
            "user 4711 has never written to the bot"
        )
        assert (await shop.refused("grant", "1001", "7", "--reason", " ")).startswith("say why")

        statement = await shop.json("ledger", "statement", "1001")
        assert [(row["cause"], row["amount"], row["balance"]) for row in statement] == [
            ("act", 5000, 5000),
            ("act", -2000, 3000),
        ]
        with psycopg.connect(database.reader, autocommit=True) as reader:
            acts = reader.execute("SELECT kind, user_id, reason, seconds FROM acts ORDER BY id").fetchall()
            who = reader.execute("SELECT DISTINCT done_by <> '' FROM acts").fetchall()
            periods = reader.execute("SELECT cause, seconds FROM periods ORDER BY id").fetchall()
        assert acts == [
            ("adjust", 1001, "sorry", None),
            ("adjust", 1001, "mistake", None),
            ("grant", 1001, "outage", 7 * 86400),
        ]
        assert who == [(True,)]
        assert periods == [("payment", 30 * 86400), ("act", 7 * 86400)]

        assert await shop.said("revoke", "1001", "--reason", "abuse") == "the access of user 1001 ends\n"
        with psycopg.connect(database.reader, autocommit=True) as reader:
            assert reader.execute("SELECT status FROM subscriptions").fetchall() == [("expired",)]
            assert reader.execute("SELECT present FROM grants").fetchall() == [(False,)]


@pytest.mark.requirement("F8", "I7")
async def test_the_ledger_is_checked_on_the_live_system_and_a_flaw_is_found(
    database: Database, tmp_path: Path
) -> None:
    async with shop_in(database, tmp_path) as shop:
        await shop.paid("one", Money(150, "XTR"))
        await shop.paid("top-up", Money(380, "XTR"), item="top_up:500", person=BOB)
        lines = (await shop.said("ledger", "check")).splitlines()
        assert all(line.startswith("✓ ") for line in lines)
        assert {line.split()[1] for line in lines} >= {"F8", "I3", "I4", "I6", "I7"}

        with psycopg.connect(database.owner, autocommit=True) as owner:
            owner.execute("UPDATE accounts SET credits = credits + 1 WHERE kind = 'balance'")
        done = await shop.turnpike("ledger", "check")
        assert done.returncode == 1
        assert "✗ F8  every account is the sum of its transfers" in done.stdout
        assert f"balance of {BOB.id}" in done.stdout


async def test_a_report_sums_what_was_taken_and_returned(database: Database, tmp_path: Path) -> None:
    async with shop_in(database, tmp_path) as shop:
        payments = [await shop.paid(name, Money(150, "XTR")) for name in ("one", "two")]
        await shop.paid("top-up", Money(380, "XTR"), item="top_up:500")
        await shop.said("refund", str(payments[0]), "--by-hand", "--reason", "bank")
        days = ["--from", "2026-11-23", "--to", "2026-11-23"]

        rows = list(csv.DictReader(io.StringIO(await shop.said("report", *days, "--csv"))))
        assert [tuple(row.values()) for row in rows] == [
            ("stars", "plan:month", "XTR", "2", "300", "1", "150"),
            ("stars", "top_up:500", "XTR", "1", "380", "0", "0"),
        ]
        table = (await shop.said("report", *days)).splitlines()
        assert table[0].split() == ["by", "for", "payments", "taken", "refunds", "returned", "left"]
        assert "150 XTR" in table[1]
        assert await shop.said("report", "--from", "2026-11-24", "--to", "2026-11-25") == (
            "Nothing was sold or returned in this time.\n"
        )
        assert (await shop.refused("report", "--from", "2026-11-24", "--to", "2026-11-23")).startswith(
            "the last day comes before the first"
        )
        assert await shop.refused("refund", str(payments[0]), "--reason", "again") == (
            f"the refund of payment {payments[0]} is done already"
        )


async def test_a_report_has_what_is_under_review_too_and_what_is_granted_for_it_where_it_belongs(
    database: Database, tmp_path: Path
) -> None:
    async with shop_in(database, tmp_path) as shop:
        granted, returned, kept = [
            await shop.paid(name, Money(150, "RUB")) for name in ("one", "two", "three")
        ]
        await shop.said("settle", str(granted), "grant", "--reason", "support")
        await shop.said("refund", str(returned), "--by-hand", "--reason", "bank")
        await shop.said("settle", str(kept), "credit", "--amount", "1.50 RUB", "--reason", "support")
        days = ["--from", "2026-11-23", "--to", "2026-11-23"]

        rows = list(csv.DictReader(io.StringIO(await shop.said("report", *days, "--csv"))))
        assert [tuple(row.values()) for row in rows] == [
            ("stars", "", "RUB", "2", "3.00", "1", "1.50"),
            ("stars", "plan:month", "RUB", "1", "1.50", "0", "0.00"),
        ]


async def test_a_promo_code_is_made_in_one_line_and_mistakes_are_named(
    database: Database, tmp_path: Path
) -> None:
    async with shop_in(database, tmp_path) as shop:
        made = await shop.said(
            "promo", "create", "ten", "--percent", "10", "--uses", "1", "--reason", "autumn"
        )
        assert made == "the code TEN can be used\n"
        assert await shop.refused("promo", "create", "TEN", "--days", "3", "--reason", "x") == (
            "there is a code TEN already"
        )
        assert await shop.refused("promo", "create", "all", "--percent", "100", "--reason", "x") == (
            "expected 1 to 99 percent"
        )
        assert "is not an amount" in await shop.refused(
            "promo", "create", "off", "--off", "5", "--reason", "x"
        )
        assert await shop.said("promo", "switch", "ten", "off", "--reason", "over") == "the code TEN is off\n"
        done = await shop.turnpike(
            "promo", "create", "both", "--percent", "5", "--days", "1", "--reason", "x"
        )
        assert done.returncode == 2
        assert "one of --percent, --off, --days, --balance" in done.stderr
