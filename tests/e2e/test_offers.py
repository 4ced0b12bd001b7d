"""Trial, promo code, invitation, gift, renewal and refund, from end to end, as people and an operator do them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.e2e.sandbox import Person, Sandbox, free_ports, running_sandbox
from tests.e2e.test_purchase import KEY, assert_passes, assert_refused

ALICE, BOB, CAROL = 1001, 1002, 1003


async def buy_by_stars(person: Person, button: str = "Telegram Stars") -> None:
    """From the list of plans to a paid month."""
    await person.say("/plans")
    await person.press("1 month")
    await person.press(button)
    assert (await person.pay_invoice())["paid"]


async def test_a_trial_turns_into_a_discounted_month_that_renews_itself_and_is_refunded(
    reachable_folder: Path,
) -> None:
    async with running_sandbox(reachable_folder / "offers", free_ports()) as sandbox:
        alice = sandbox.person(ALICE)
        await alice.say("/plans")
        await alice.press("2 minutes free")
        link = await alice.read(KEY)
        await assert_passes(sandbox, link)
        await alice.say("/trial")
        await alice.read("The trial is for people who have not had access yet")

        await sandbox.turnpike(
            "promo", "create", "HALF", "--percent", "50", "--uses", "1", "--reason", "test"
        )
        await alice.say("half")
        await alice.read(r"HALF: 50% off")
        await alice.say("/plans")
        await alice.press("1 month")
        await alice.read("instead of")
        await alice.press("Telegram Stars · 75")
        assert (await alice.pay_invoice())["paid"]
        await alice.read("Paid: 1 month")
        await assert_passes(sandbox, link)

        await alice.press("Auto-renewal")
        await alice.press("Switch on")
        await alice.read("renews by itself from your balance")
        await sandbox.advance(days=29.75)
        await alice.read("your balance does not cover the renewal")
        await alice.say("/balance")
        await alice.press("200 ₽")
        await alice.press("Telegram Stars")
        await alice.pay_invoice()
        await alice.read("was renewed from your balance")
        await assert_passes(sandbox, link)

        bought, _, renewed = await payments(sandbox, ALICE)
        assert (bought["state"], renewed["provider"]) == ("granted", "balance")
        for each in (renewed, bought):
            await sandbox.turnpike("refund", str(each["id"]), "--reason", "asked in support")
        await alice.read(r"for 1 month was sent back")
        await until_refused(sandbox, link)
        assert await sandbox.turnpike("ledger", "check")


@pytest.mark.requirement("F13")
async def test_an_invited_person_earns_their_host_a_reward_and_gives_a_gift_that_works_once(
    reachable_folder: Path,
) -> None:
    async with running_sandbox(reachable_folder / "gifts", free_ports()) as sandbox:
        created = await sandbox.http.post("/sandbox/people", json={"id": CAROL, "first_name": "Carol"})
        assert created.is_success, created.text
        alice, bob, carol = map(sandbox.person, (ALICE, BOB, CAROL))
        await alice.say("/invite")
        code = re.sub(r".*start=", "", await alice.read(r"(start=ref_\S+)"))

        await bob.say(f"/start {code}")
        await bob.read("Hello, Boris")
        await buy_by_stars(bob)
        await bob.read(KEY)
        await bob.read("Welcome bonus: 9.95 ₽")
        await alice.read("Somebody you invited has bought a plan: 19.90 ₽")

        await bob.say("/gift")
        await bob.press("1 month")
        await bob.press("Telegram Stars")
        await bob.pay_invoice()
        gift = await bob.read(r"it works once:\s+(\S+)")
        await carol.say(f"/start gift_{gift}")
        await assert_passes(sandbox, await carol.read(KEY))
        await bob.read("Your gift was redeemed")
        await alice.say(gift)
        await alice.read("this gift has been redeemed already")
        assert alice.count("Somebody you invited") == 1, "a first purchase earns, and once"


async def payments(sandbox: Sandbox, user: int) -> list[dict[str, Any]]:
    """A user's payments as an operator sees them."""
    found: list[dict[str, Any]] = json.loads(await sandbox.turnpike("payments", str(user), "--json"))
    return found


async def until_refused(sandbox: Sandbox, link: str) -> None:
    """What is written is decided; the node is told right after it."""
    with trio.fail_after(30):
        while (await sandbox.probe(link)).returncode == 0:
            pass
    await assert_refused(sandbox, link)
