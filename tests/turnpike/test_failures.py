"""What an operator can get wrong: one clear sentence each, exit status 1, and nothing started half."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import trio

from integrations.http_server import serve
from integrations.sandbox_store import Store
from integrations.telegram.sandbox import SANDBOX_TOKEN, TelegramSandbox
from tests.e2e.sandbox import ROOT, free_ports
from tests.fixtures.postgres import Database
from tests.fixtures.processes import command_line, descendants
from tests.storage.shop import open_desk

SHOP = (ROOT / "supervisor.toml").read_text()


@asynccontextmanager
async def bot_api() -> AsyncIterator[str]:
    """A Bot API server that knows the sandbox's token; gives its address."""
    telegram = TelegramSandbox(Store(None), lambda: datetime.now(UTC))
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, telegram.app, host="127.0.0.1", port=0, name="a Bot API"))
        yield f"http://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


def shop(api: str, **changes: str) -> str:
    """The repository's own configuration, on this machine, with some texts changed."""
    ports = free_ports()
    text = SHOP.replace('updates = "polling"', f'api = "{api}"\nupdates = "polling"')
    text = text.replace("\nport = 443\n", f"\nport = {ports + 1}\n").replace("8080", str(ports))
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


async def run(folder: Path, text: str, token: str = SANDBOX_TOKEN, **variables: str) -> tuple[int, str]:
    """Run a shop that must not start; its exit status and what it said on standard error."""
    config = folder / "supervisor.toml"
    config.write_text(text)
    with trio.fail_after(60):
        ended = await trio.run_process(
            [
                sys.executable,
                "-m",
                "turnpike",
                "run",
                "--config",
                str(config),
                "--data",
                str(folder / "data"),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT), "TURNPIKE_BOT_TOKEN": token, **variables},
            capture_stderr=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    said = ended.stderr.decode()
    assert "Traceback" not in said
    assert not [pid for pid in descendants(os.getpid()) if str(folder) in " ".join(command_line(pid))]
    return ended.returncode, said


def sentence(said: str) -> str:
    """The one line that is addressed to the operator."""
    [line] = [line for line in said.splitlines() if line.startswith("turnpike: ")]
    return line.removeprefix("turnpike: ")


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("", "telegram: the bot's token: the environment variable TURNPIKE_BOT_TOKEN is empty or missing"),
        ("abc", "the bot's token is not of the form 123456:AbC-"),
        ("1234567890:ABCDEFGHIJABCDEFGHIJABCDEFGHIJ", "does not know this bot token"),
    ],
)
async def test_a_wrong_token_is_named_and_not_shown(
    reachable_folder: Path, tmp_path: Path, token: str, expected: str
) -> None:
    async with bot_api() as api:
        status, said = await run(tmp_path, shop(api), token)
    assert status == 1
    assert expected in sentence(said)
    assert not token or token not in said
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (
            "",
            "cryptopay: the app's token: the environment variable TURNPIKE_CRYPTOPAY_TOKEN is empty or missing",
        ),
        (
            "   ",
            "cryptopay: the app's token: the environment variable TURNPIKE_CRYPTOPAY_TOKEN is empty or missing",
        ),
        ("hunter2", "cryptopay: Crypto Pay's token is not of the form 12345:AAbb"),
    ],
)
async def test_crypto_pay_without_a_token_that_could_sign_does_not_start(
    tmp_path: Path, token: str, expected: str
) -> None:
    status, said = await run(
        tmp_path, shop("http://127.0.0.1:9") + "\n[cryptopay]\n", TURNPIKE_CRYPTOPAY_TOKEN=token
    )
    assert status == 1
    assert expected in sentence(said)
    assert not token.strip() or token not in said


async def test_cards_without_a_token_do_not_start(tmp_path: Path) -> None:
    status, said = await run(tmp_path, shop("http://127.0.0.1:9") + "\n[cards]\n", TURNPIKE_CARDS_TOKEN="")
    assert status == 1
    expected = "cards: the payment provider's token: the environment variable TURNPIKE_CARDS_TOKEN is empty or missing"
    assert expected in sentence(said)


@pytest.mark.parametrize("url", ["postgresql://shop:p4ssw0rd@127.0.0.1:9/shop", "no address at all"])
async def test_a_database_that_cannot_be_reached_is_named_without_its_password(
    tmp_path: Path, url: str
) -> None:
    text = shop("API") + '\n[database]\nurl_env = "TURNPIKE_DATABASE_URL"\n'
    async with bot_api() as api:
        status, said = await run(tmp_path, text.replace("API", api), TURNPIKE_DATABASE_URL=url)
    assert status == 1
    assert sentence(said)
    assert "p4ssw0rd" not in said


async def test_a_second_process_on_the_same_database_is_refused(database: Database, tmp_path: Path) -> None:
    text = shop("API") + '\n[database]\nurl_env = "TURNPIKE_DATABASE_URL"\n'
    async with open_desk(database.writer), bot_api() as api:
        status, said = await run(tmp_path, text.replace("API", api), TURNPIKE_DATABASE_URL=database.owner)
    assert status == 1
    assert "the database is in use by another turnpike (process " in sentence(said)


async def test_a_port_that_is_taken_is_named(
    reachable_folder: Path, tmp_path: Path, database: Database
) -> None:
    text = shop("API") + '\n[database]\nurl_env = "TURNPIKE_DATABASE_URL"\n'
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = text.replace("\nport = ", f"\nport = {port} #", 1)
        async with bot_api() as api:
            status, said = await run(tmp_path, text.replace("API", api), TURNPIKE_DATABASE_URL=database.owner)
    assert status == 1
    assert f"cannot listen on 127.0.0.1:{port}" in sentence(said)


@pytest.mark.requirement("O1")
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title = {", "titel = {", "plans[0].titel: unknown key, did you mean 'title'?"),
        (
            'ru = "1 месяц"',
            'rus = "1 месяц"',
            "plans.month.title: found the language 'rus', expected one of en,",
        ),
        ('en = "1 month", ', "", "plans.month.title: there is none for 'en', expected one"),
        ('language = "en"', 'language = "English"', "shop.language: found 'English', expected one of en,"),
        ('"Europe/Moscow"', '"Moscow"', "shop.time_zone: found 'Moscow', expected a name such as"),
        ('"199.00 RUB"', '"199.001 RUB"', "plans.month.price: '199.001' has more than 2 decimal places"),
        (
            '"199.00 RUB"',
            '"199.00 EUR"',
            "plans.month.price: found '199.00 EUR', expected a positive amount in RUB",
        ),
        (
            '"30d"',
            '"30 days"',
            "plans.month.duration: found '30 days', expected a length of time such as '30d'",
        ),
        (
            '"30d"',
            '"30d"\ntraffic = "100"',
            "plans.month.traffic: found '100', expected an amount such as '100 GB', '500 MB' or '2 TB'",
        ),
        ('"30d"', '"30d"\ndevices = 0', "plans[0].devices: expected `int` >= 1"),
        (
            'strategy = "rest_for_one"',
            'strategy = "rest_for_on"',
            "tree.strategy: found 'rest_for_on', expected one of",
        ),
        (
            '    "auto_renewal", "fast_expiry"',
            '    "auto_renewal", "fast_expiri"',
            "did you mean 'fast_expiry'?",
        ),
        (
            "mailbox = 4096",
            'mailbox = "many"',
            "actor.db_writer.mailbox: found 'many', expected a whole number",
        ),
        ('period = "60s"', 'perod = "60s"', "actor.fast_expiry.perod: "),
        ("[gateway]", "[gatewya]", "gatewya: unknown key, did you mean 'gateway'?"),
        ("[shop]", "[shop", "is not TOML"),
    ],
)
async def test_a_mistake_in_the_configuration_is_one_line_with_file_key_and_what_was_expected(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in SHOP
    status, said = await run(tmp_path, SHOP.replace(old, new, 1))
    assert status == 1
    assert sentence(said).startswith("supervisor.toml: ") or "supervisor.toml: is not TOML" in sentence(said)
    assert expected in sentence(said)
    assert not (tmp_path / "data").exists()
