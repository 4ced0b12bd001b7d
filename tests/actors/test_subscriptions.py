"""A subscription address as apps and browsers meet it: over HTTP, from a real database, at a gateway that runs."""

from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, LiteralString, TypeVar
from uuid import UUID

import httpx
import pytest

from actors.db_writer import DbWriter
from actors.gateway import Gateway
from actors.metrics import Metrics
from actors.reading import DatabaseAway, Parameters, Reading
from actors.screens import Shop
from domain.catalogue import Catalogue
from integrations.subscription import Form
from integrations.xray.link import parse_link
from integrations.xray.node import Node
from integrations.xray.profile import Profile, profile_of
from runtime import Actor, AdjustableClock, Context, Ref
from tests.actors.access import buy
from tests.actors.systems import environment, running
from tests.e2e.sandbox import free_ports
from tests.fixtures.postgres import Database
from tests.integrations.subscription.samples import NODES
from tests.integrations.subscription.test_clients import AGENTS, CHROME
from tests.storage.shop import CATALOGUE, NOW
from tests.storage.test_writer import owner_of

Row = TypeVar("Row")

HTML: Final = "text/html,application/xhtml+xml,*/*;q=0.8"


class Noting(Reading):
    """Reads, and keeps which statements were asked; away if told so."""

    def __init__(self, inner: Reading) -> None:
        self._inner = inner
        self.asked: list[str] = []
        self.away = False

    async def fetch(
        self, row_class: type[Row], sql: LiteralString, params: Parameters = (), *, reader: str
    ) -> list[Row]:
        self.asked.append(sql)
        if self.away:
            raise DatabaseAway("the database is away")
        return await self._inner.fetch(row_class, sql, params, reader=reader)


@dataclass(frozen=True, slots=True)
class Desk:
    """A gateway with one customer, whose time ends in thirty days."""

    http: httpx.AsyncClient
    clock: AdjustableClock
    writer: Ref
    reading: Noting
    metrics: Metrics
    token: str
    uuid: UUID

    async def get(self, path: str = "", token: str | None = None, **headers: str) -> httpx.Response:
        """Ask for an address, by default the customer's own."""
        asked = self.token if token is None else token
        return await self.http.get(
            f"/s/{asked}{path}", headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    async def entries(self, path: str = "") -> list[Profile]:
        """The connections that an app lists."""
        answer = await self.get(path)
        assert answer.status_code == 200
        return [parse_link(link) for link in b64decode(answer.text).decode().split("\n")]

    @property
    def address(self) -> str:
        """The customer's address."""
        return str(self.http.base_url.join(f"/s/{self.token}"))

    @property
    def works(self) -> list[Profile]:
        """Every connection that the customer has while it is paid."""
        return [profile_of(node, self.uuid) for node in NODES]


@asynccontextmanager
async def open_desk(
    database: Database, folder: Path, nodes: Sequence[Node] = NODES, catalogue: Catalogue = CATALOGUE
) -> AsyncIterator[Desk]:
    """Serve a shop's subscription addresses."""
    port = free_ports()
    async with environment(database, folder, gateway=port, catalogue=catalogue) as plain:
        reading = Noting(plain.readers)
        surroundings = replace(plain, readers=reading)
        shop = Shop("Test VPN", "@help", catalogue, nodes, f"http://127.0.0.1:{port}", crypto=False)
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "gateway": partial(Gateway, environment=surroundings, shop=shop),
        }
        async with (
            running(actors, ["vpn", "telegram", "sender"]) as here,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
        ):
            writer = here.system.ref("db_writer")
            await buy(writer, 1001)
            with owner_of(database) as owner:
                [(token, uuid)] = owner.execute("SELECT token, uuid FROM subscriptions").fetchall()
            yield Desk(http, here.clock, writer, reading, surroundings.metrics, str(token), UUID(str(uuid)))


async def test_every_app_gets_all_nodes_in_the_form_that_it_reads(database: Database, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        assert await desk.entries() == desk.works
        named = {form: await desk.get(f"/{form}") for form in Form}
        assert len({answer.text for answer in named.values()}) == len(Form)
        seen = set()
        for agent, form in (*AGENTS, (CHROME, Form.PAGE)):
            answer = await desk.get(user_agent=agent, accept=HTML)
            assert answer.headers["content-type"] == named[form].headers["content-type"], agent
            if form is not Form.PAGE:  # which puts apps for the visitor's device first
                assert answer.text == named[form].text, agent
            assert answer.headers["cache-control"] == "no-store"
            seen.add(form)
            desk.clock.move(timedelta(seconds=1))
        assert seen == set(Form)


async def test_apps_learn_name_end_and_help_from_the_headers(database: Database, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        headers = (await desk.get()).headers
        end = int((NOW + timedelta(days=30)).timestamp())
        assert headers["profile-title"] == "base64:VGVzdCBWUE4="
        assert headers["subscription-userinfo"] == f"upload=0; download=0; total=0; expire={end}"
        assert headers["profile-update-interval"] == "12"
        assert headers["support-url"] == "https://t.me/help"
        assert headers["profile-web-page-url"] == desk.address
        assert headers["content-disposition"].startswith('attachment; filename="Test VPN"')
        assert "announce" not in headers


@pytest.mark.parametrize("path", ["", *(f"/{form}" for form in Form), "/open/happ"])
async def test_a_head_request_is_answered_like_a_get_without_a_body(
    path: str, database: Database, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path) as desk:
        full = await desk.get(path)
        head = await desk.http.head(f"/s/{desk.token}{path}")
        assert (head.status_code, head.content) == (200, b"")
        assert {**head.headers, "date": ""} == {**full.headers, "date": ""}


@pytest.mark.requirement("U6")
async def test_after_a_pause_and_renewal_the_same_address_gives_the_same_keys(
    database: Database, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path) as desk:
        desk.clock.move(timedelta(days=60))
        assert await desk.entries() != desk.works
        await buy(desk.writer, 1001, again=1)
        assert await desk.entries() == desk.works


async def test_after_the_end_every_form_says_how_to_renew(database: Database, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:
        desk.clock.move(timedelta(days=30))
        [entry] = await desk.entries()
        assert (entry.host, entry.port, entry.label) == ("127.0.0.1", 1, "Expired: renew in @test_bot")
        for form in Form:
            answer = await desk.get(f"/{form}")
            words = b64decode(answer.text).decode() if form is Form.LINKS else answer.text
            assert "renew" in words, form
            assert str(desk.uuid) not in words, form
            if form is not Form.PAGE:
                said = b64decode(answer.headers["announce"].removeprefix("base64:")).decode()
                assert said == "Expired: renew in @test_bot"
                assert answer.headers["announce-url"] == "https://t.me/test_bot"


@pytest.mark.requirement("N8")
async def test_the_page_and_its_entries_speak_the_language_of_whose_they_are(
    database: Database, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path) as desk:
        assert 'lang="en"' in (await desk.get("/page", accept_language="ru")).text
        with owner_of(database) as owner:
            owner.execute("UPDATE users SET language = 'ru-RU'")
        page = (await desk.get("/page")).text
        assert 'lang="ru"' in page
        assert "Действует до" in page
        stranger = await desk.get("/page", token="x" * 24, accept_language="ru;q=0.9,en")
        assert "возьмите свой в @test_bot" in stranger.text
        desk.clock.move(timedelta(days=30))
        [entry] = await desk.entries()
        assert entry.label == "Срок закончился: продлите в @test_bot"


async def test_a_shop_without_nodes_says_so(database: Database, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, nodes=()) as desk:
        [entry] = await desk.entries()
        assert entry.label == "No server is set up yet"


#: Whatever a stranger may try; the last is what an address that somebody has looks like.
STRANGE: Final = ("x", "a%00b", "%F0%9F%9A%80" * 8, "'; DROP TABLE subscriptions; --", "A" * 4000, "A" * 24)


@pytest.mark.parametrize("path", ["", *(f"/{form}" for form in Form), "/open/happ"])
async def test_an_address_that_nobody_has_costs_the_same_and_looks_the_same_as_an_expired_one(
    path: str, database: Database, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path) as desk:
        desk.clock.move(timedelta(days=31))
        desk.reading.asked.clear()
        known = await desk.get(path)
        asked = list(desk.reading.asked)
        assert len(asked) == 1
        for token in STRANGE:
            desk.reading.asked.clear()
            unknown = await desk.get(path, token)
            assert desk.reading.asked == asked
            assert unknown.status_code == 404
            assert unknown.headers.keys() == known.headers.keys()
            assert unknown.headers["content-type"] == known.headers["content-type"]
            assert unknown.headers["cache-control"] == "no-store"
            said = b64decode(unknown.text).decode() if path in ("", "/links") else unknown.text
            assert "Nothing" in said
            assert str(desk.uuid) not in said


async def test_who_asks_too_often_is_told_when_to_come_back_and_nobody_else_is(
    database: Database, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path) as desk:
        answers = []
        for _ in range(200):
            answers.append(await desk.get(token="x", x_forwarded_for="192.0.2.1"))
            if answers[-1].status_code == 429:
                break
        refused, before = answers[-1], len(desk.reading.asked)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) == 1
        assert refused.headers["cache-control"] == "no-store"
        assert (await desk.get(x_forwarded_for="192.0.2.66, 192.0.2.1")).status_code == 429
        assert len(desk.reading.asked) == before, "a refused request costs no query"
        assert (await desk.get(x_forwarded_for="192.0.2.1, 192.0.2.66")).status_code == 200


async def test_while_the_database_is_away_apps_are_asked_to_come_again(
    database: Database, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path) as desk:
        desk.reading.away = True
        for answer in (await desk.get(), await desk.get("/open/happ"), await desk.get(token="x")):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
            assert answer.headers["cache-control"] == "no-store"
        desk.reading.away = False
        assert await desk.entries() == desk.works


async def test_a_button_of_a_messenger_leads_through_our_page_into_the_app(
    database: Database, tmp_path: Path
) -> None:
    async with open_desk(database, tmp_path) as desk:
        page = await desk.get("/open/happ")
        assert page.headers["content-type"].startswith("text/html")
        assert f"happ://add/{desk.address}" in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "script-src" in page.headers["content-security-policy"]
        for path in ("/open/nothing", "/nothing"):
            wrong = await desk.get(path)
            assert (wrong.status_code, wrong.headers["cache-control"]) == (404, "no-store")
        desk.clock.move(timedelta(days=31))
        assert "happ://" not in (await desk.get("/open/happ")).text


async def test_every_answer_is_counted_by_form_and_outcome(database: Database, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path) as desk:

        def counted(form: str, outcome: str) -> float | None:
            labels = {"form": form, "outcome": outcome}
            return desk.metrics.registry.get_sample_value("turnpike_subscription_requests_total", labels)

        await desk.get("/mihomo")
        await desk.get(token="x", user_agent="SFA/1.12")
        desk.clock.move(timedelta(days=31))
        await desk.get()
        assert (
            counted("mihomo", "active") == counted("sing-box", "unknown") == counted("links", "expired") == 1
        )
