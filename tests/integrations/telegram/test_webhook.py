"""The webhook: who may push updates, and that only accepted ones are confirmed."""

import json
from collections.abc import Sequence

import httpx
import pytest
import structlog
from starlette.applications import Starlette

from integrations.telegram.bot import TrioBot
from integrations.telegram.raw_update import ALLOWED_UPDATES, RawUpdate
from integrations.telegram.webhook import SECRET_HEADER, set_webhook, webhook_route
from tests.integrations.telegram.scripted import ScriptedBotApi, as_json, ok, update

_SECRET = "a-secret_of-enough_length"
_JSON = {"content-type": "application/json"}
_BODY = as_json(update(5, message={"chat": {"id": 9}}))


class _Inbox:
    def __init__(self) -> None:
        self.updates: list[RawUpdate] = []
        self.broken = False

    async def accept(self, updates: Sequence[RawUpdate]) -> None:
        if self.broken:
            raise RuntimeError("the database is away")
        self.updates += updates


@pytest.fixture
def inbox() -> _Inbox:
    return _Inbox()


async def _post(inbox: _Inbox, body: bytes, headers: dict[str, str]) -> int:
    app = Starlette(routes=[webhook_route("/hook", secret=_SECRET, accept=inbox.accept)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as http:
        return (await http.post("/hook", content=body, headers=headers)).status_code


async def test_an_update_is_confirmed_once_accepted(inbox: _Inbox) -> None:
    assert await _post(inbox, _BODY, _JSON | {SECRET_HEADER: _SECRET}) == 200
    assert inbox.updates == [RawUpdate(5, 9, _BODY)]


async def test_an_update_that_was_not_accepted_is_500_so_that_telegram_repeats_it(inbox: _Inbox) -> None:
    inbox.broken = True
    with structlog.testing.capture_logs() as logged:
        assert await _post(inbox, _BODY, _JSON | {SECRET_HEADER: _SECRET}) == 500
    assert [entry["update_id"] for entry in logged] == [5]


@pytest.mark.parametrize("headers", [{}, {SECRET_HEADER: ""}, {SECRET_HEADER: _SECRET + "x"}])
async def test_a_wrong_secret_is_403_and_nothing_happens(inbox: _Inbox, headers: dict[str, str]) -> None:
    assert await _post(inbox, _BODY, _JSON | headers) == 403
    assert inbox.updates == []


@pytest.mark.parametrize("body", [b"", b"update", b"[]", b'{"update_id": "5"}', b"\xff"])
async def test_what_is_no_update_is_400_and_nothing_happens(inbox: _Inbox, body: bytes) -> None:
    assert await _post(inbox, body, _JSON | {SECRET_HEADER: _SECRET}) == 400
    assert inbox.updates == []


async def test_a_form_is_415(inbox: _Inbox) -> None:
    form = {"content-type": "application/x-www-form-urlencoded", SECRET_HEADER: _SECRET}
    assert await _post(inbox, _BODY, form) == 415
    assert inbox.updates == []


@pytest.mark.parametrize("secret", ["", "short", "with spaces and more of them", "x" * 257])
async def test_a_secret_that_protects_nothing_is_refused(bot: TrioBot, secret: str) -> None:
    with pytest.raises(ValueError, match="secret is 16 to 256"):
        webhook_route("/hook", secret=secret, accept=_Inbox().accept)
    with pytest.raises(ValueError, match="secret is 16 to 256"):
        await set_webhook(bot, "https://shop.example/hook", secret=secret)


async def test_setting_the_webhook_keeps_what_is_waiting(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("setWebhook", ok(True))
    await set_webhook(bot, "https://shop.example/hook", secret=_SECRET)
    (call,) = api.called("setWebhook")
    assert (call["url"], call["secret_token"]) == ("https://shop.example/hook", _SECRET)
    assert call.get("drop_pending_updates") in (None, "false")
    assert json.loads(call["allowed_updates"]) == list(ALLOWED_UPDATES)
