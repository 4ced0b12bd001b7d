"""Long polling: the offset follows `accept`, and trouble is waited out without a storm."""

import json
from collections.abc import Sequence

import pytest
import structlog
import trio
from starlette.responses import PlainTextResponse, Response

from integrations.telegram import polling
from integrations.telegram.bot import TrioBot
from integrations.telegram.polling import poll
from integrations.telegram.raw_update import ALLOWED_UPDATES, RawUpdate
from tests.integrations.telegram.scripted import ScriptedBotApi, ok, refused, update


class _Inbox:
    """Collects updates; `done` is set when `wanted` have come."""

    def __init__(self, wanted: int) -> None:
        self.updates: list[RawUpdate] = []
        self.done = trio.Event()
        self._wanted = wanted

    async def accept(self, updates: Sequence[RawUpdate]) -> None:
        self.updates += updates
        if len(self.updates) >= self._wanted:
            self.done.set()


async def _poll_until(done: trio.Event, bot: TrioBot, inbox: _Inbox) -> None:
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll, bot, inbox.accept)
            await done.wait()
            nursery.cancel_scope.cancel()


async def test_updates_arrive_as_they_were_sent_and_are_confirmed_after_accept(
    api: ScriptedBotApi, bot: TrioBot
) -> None:
    confirmed = trio.Event()
    first = [update(10, message={"chat": {"id": 5}, "text": "ä"}), update(11, poll={})]

    async def note_and_hold(parameters: dict[str, str]) -> Response:
        confirmed.set()
        return await api.hold(parameters)

    api.on("getUpdates", ok(first), note_and_hold)
    inbox = _Inbox(2)
    await _poll_until(confirmed, bot, inbox)
    assert [(raw.update_id, raw.chat_id) for raw in inbox.updates] == [(10, 5), (11, None)]
    assert [json.loads(raw.payload) for raw in inbox.updates] == first
    assert [call.get("offset") for call in api.called("getUpdates")] == [None, "12"]
    assert json.loads(api.called("getUpdates")[0]["allowed_updates"]) == list(ALLOWED_UPDATES)


async def test_updates_that_were_not_accepted_are_never_confirmed(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("getUpdates", ok([update(10, poll={})]))

    async def refuse(_: Sequence[RawUpdate]) -> None:
        raise RuntimeError("the database is away")

    with pytest.raises(RuntimeError, match="the database is away"):
        await poll(bot, refuse)
    async with trio.open_nursery() as nursery:
        inbox = _Inbox(1)
        nursery.start_soon(poll, bot, inbox.accept)
        await inbox.done.wait()
        nursery.cancel_scope.cancel()
    assert [call.get("offset") for call in api.called("getUpdates")][:2] == [None, None]


async def test_a_kill_while_accepting_confirms_nothing(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("getUpdates", ok([update(10, poll={})]), api.hold)
    accepting = trio.Event()

    async def never_ready(_: Sequence[RawUpdate]) -> None:
        accepting.set()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(poll, bot, never_ready)
        await accepting.wait()
        nursery.cancel_scope.cancel()
    assert [call.get("offset") for call in api.called("getUpdates")] == [None]


async def test_the_webhook_is_removed_first_and_waiting_updates_are_kept(
    api: ScriptedBotApi, bot: TrioBot
) -> None:
    api.on("getUpdates", ok([update(1, poll={})]), api.hold)
    inbox = _Inbox(1)
    await _poll_until(inbox.done, bot, inbox)
    assert [name for name, _ in api.calls][:3] == ["getMe", "deleteWebhook", "getUpdates"]
    assert api.called("deleteWebhook")[0].get("drop_pending_updates") in (None, "false")


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (refused(409, "Conflict: terminated by other getUpdates request"), "another process fetches updates"),
        (refused(401, "Unauthorized"), "does not accept the token any more"),
        (refused(502, "Bad Gateway"), "answered 502"),
        (refused(429, "Too Many Requests", retry_after=0), "pause"),
        (PlainTextResponse("<html>"), "no result"),
        (ok({"not": "a list"}), "did not return a list"),
        (ok(["not an update"]), "nothing that is an update"),
    ],
)
async def test_trouble_is_logged_once_and_waited_out(
    api: ScriptedBotApi, bot: TrioBot, monkeypatch: pytest.MonkeyPatch, trouble: Response, said: str
) -> None:
    monkeypatch.setattr(polling, "_FIRST_PAUSE_SECONDS", 0.001)
    api.on("getUpdates", trouble, trouble, trouble, trouble, ok([update(1, poll={})]), api.hold)
    inbox = _Inbox(1)
    with structlog.testing.capture_logs() as logged:
        await _poll_until(inbox.done, bot, inbox)
    warnings = [entry["reason"] for entry in logged if entry["log_level"] == "warning"]
    assert len(warnings) == 1
    assert said in warnings[0]
    assert logged[-1]["event"] == "fetching updates from Telegram works again"


async def test_the_pauses_grow_to_half_a_minute(
    api: ScriptedBotApi, bot: TrioBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    enough = trio.Event()

    async def note(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            enough.set()
            await trio.lowlevel.checkpoint()

    monkeypatch.setattr(trio, "sleep", note)
    api.on("getUpdates", refused(500, "Internal Server Error"))
    await _poll_until(enough, bot, _Inbox(1))
    assert 0.5 <= pauses[0] <= 0.6
    assert all(30 <= pause <= 36 for pause in pauses[7:])


async def test_a_server_that_answers_at_once_is_not_asked_in_a_storm(
    api: ScriptedBotApi, bot: TrioBot
) -> None:
    api.on("getUpdates", ok([]))
    with trio.move_on_after(0.2):
        await poll(bot, _Inbox(1).accept)
    assert len(api.called("getUpdates")) == 1
