"""Broadcasts in the bot: an administrator writes one, sees it, aims it, starts it, and nobody else can."""

from pathlib import Path
from typing import Any

import pytest

from actors.admin import order_of
from actors.announcing import content_of
from domain.commands import AimBroadcast, CreateBroadcast, EditBroadcast, Person, SteerBroadcast, Steering
from integrations.telegram.updates import Command, Tap
from tests.actors.town import ADMIN, open_town
from tests.fixtures.botapi_spec import BotApiSpec
from tests.fixtures.postgres import Database

OLGA, EVE = Person(ADMIN, "Olga"), Person(1001, "Eve")


async def test_an_administrator_broadcasts_from_the_draft_to_the_deletion(
    database: Database, tmp_path: Path, botapi_spec: BotApiSpec
) -> None:
    async with open_town(database, tmp_path, observer=botapi_spec) as town:
        alice, olga = town.person(1001), town.person(ADMIN)
        await alice.say("/start")
        await alice.read("Hello")
        await olga.say("/broadcast")
        await olga.read("Write /broadcast and after it")
        await olga.say("/broadcast Big news!\nOur channel - https://t.me/ours")
        await olga.read("^Big news!$")
        await olga.read(r"Broadcast 1: a draft(?s:.*)For everyone \(2\)")
        await olga.press("Without a subscription")
        await olga.read(r"For who has no running subscription \(2\)")
        await olga.press("Start")
        await olga.read("Broadcast 1: done(?s:.*)Sent: 2 of 2")
        await alice.read("^Big news!$")
        assert await alice.press("Our channel") == "https://t.me/ours"

        await olga.say("/edit_broadcast 1 Even bigger news!")
        await alice.read("^Even bigger news!$")
        await olga.read("Changed: 2. Not changed: 0")
        await olga.press("Delete for everybody")
        await alice.wait_for(lambda message: "gone" if message.get("deleted") else None, "a deletion")

        await olga.say("/edit_broadcast 7 Nothing")
        await olga.read("there is no broadcast 7")
        await alice.say("/broadcast Buy my cat!")
        await alice.read("I know these")
    assert botapi_spec.violations == []
    assert {"editMessageText", "deleteMessage"} <= botapi_spec.methods_seen


def command(user: Person, name: str, html: str = "", photo: str | None = None) -> Command:
    return Command(user, name, html, 5, html, photo)


@pytest.mark.parametrize(
    ("inbound", "kind", "holds"),
    [
        (
            command(OLGA, "broadcast", "<b>x</b>", "AgAC"),
            CreateBroadcast,
            {"html": "<b>x</b>", "photo": "AgAC"},
        ),
        (command(OLGA, "edit_broadcast", "3 y"), EditBroadcast, {"broadcast_id": 3, "html": "y"}),
        (Tap(OLGA, "q", "cast:pause:3", 9), SteerBroadcast, {"what": Steering.PAUSE, "panel_id": 9}),
        (Tap(OLGA, "q", "cast:trial:3", 9), AimBroadcast, {"audience": "trial", "broadcast_id": 3}),
    ],
)
def test_what_an_administrator_says_is_an_order(
    inbound: Command | Tap, kind: type, holds: dict[str, Any]
) -> None:
    order = order_of(7, inbound, [ADMIN])
    assert order is not None
    assert type(order) is kind
    assert {name: getattr(order, name) for name in holds} == holds
    assert (order.by, order.request, order.update_id) == (f"telegram:{ADMIN}", "update-7", 7)


@pytest.mark.parametrize(
    "inbound",
    [
        command(EVE, "broadcast", "x"),
        command(EVE, "edit_broadcast", "3 y"),
        Tap(EVE, "q", "cast:start:3", 9),
        command(OLGA, "broadcast"),
        command(OLGA, "edit_broadcast", "three y"),
        command(OLGA, "start"),
        Tap(OLGA, "q", "cast:start:" + "9" * 30, 9),
        Tap(OLGA, "q", "cast:start:-1", 9),
        Tap(OLGA, "q", "cast:listed:1", 9),
        Tap(OLGA, "q", "show:plans", 9),
    ],
)
def test_what_others_say_and_what_is_not_understood_is_none(inbound: Command | Tap) -> None:
    assert order_of(7, inbound, [ADMIN]) is None


@pytest.mark.parametrize(
    ("text", "html", "buttons"),
    [
        ("News", "News", ()),
        ("News\n\nA - https://a.b", "News", (("A", "https://a.b"),)),
        (
            "News\nA &amp; B – https://a.b/?x=1&amp;y=2\nC — https://c.d\n",
            "News",
            (("A & B", "https://a.b/?x=1&y=2"), ("C", "https://c.d")),
        ),
        ("A - https://a.b\nNews", "A - https://a.b\nNews", ()),
        ("News - old - https://a.b x", "News - old - https://a.b x", ()),
    ],
)
def test_the_last_lines_with_an_address_are_buttons(
    text: str, html: str, buttons: tuple[tuple[str, str], ...]
) -> None:
    assert content_of(text) == (html, buttons)
