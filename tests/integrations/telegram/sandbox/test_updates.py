"""Updates are delivered as Telegram delivers them: until confirmed, in order, to one receiver."""

from datetime import timedelta

import pytest
import trio

from tests.integrations.telegram.sandbox.conftest import Refused, Running

TAKEN_OVER = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)


async def say(sandbox: Running, *texts: str) -> list[int]:
    """Person 1001 writes these; returns the numbers of the updates."""
    return [(await sandbox.post("people/1001/messages", text=text))["update_id"] for text in texts]


async def fetched(sandbox: Running, **params: object) -> list[int]:
    """The numbers that `getUpdates` returns."""
    return [update["update_id"] for update in await sandbox.call("getUpdates", **params)]


async def test_an_update_comes_again_until_a_greater_offset_confirms_it(sandbox: Running) -> None:
    first, second = await say(sandbox, "a", "b")
    assert second == first + 1
    assert await fetched(sandbox) == [first, second]
    assert await fetched(sandbox, offset=first) == [first, second]
    assert await fetched(sandbox, offset=second) == [second]
    assert await fetched(sandbox, offset=second + 1) == []
    assert await fetched(sandbox) == []


async def test_limit_bounds_a_page_and_a_negative_offset_keeps_the_last(sandbox: Running) -> None:
    numbers = await say(sandbox, "a", "b", "c")
    assert await fetched(sandbox, limit=2) == numbers[:2]
    assert await fetched(sandbox, offset=-1) == numbers[2:]
    assert await fetched(sandbox) == numbers[2:]


async def test_a_long_poll_returns_at_the_first_update(sandbox: Running) -> None:
    found: list[int] = []

    async def poll() -> None:
        found.extend(await fetched(sandbox, timeout=9))

    async with trio.open_nursery() as both:
        both.start_soon(poll)
        while not (await sandbox.get("state"))["bot"]["online"]:
            await trio.lowlevel.checkpoint()
        said = await say(sandbox, "wake up")
    assert found == said


async def test_a_newer_poll_ends_the_older_one(sandbox: Running) -> None:
    refusals: list[str] = []

    async def poll() -> None:
        with pytest.raises(Refused) as refused:
            await sandbox.call("getUpdates", timeout=9)
        refusals.append(str(refused.value))

    async with trio.open_nursery() as both:
        both.start_soon(poll)
        while not (await sandbox.get("state"))["bot"]["online"]:
            await trio.lowlevel.checkpoint()
        assert await sandbox.call("getUpdates") == []
    assert refusals == [TAKEN_OVER]


async def test_only_the_wanted_kinds_are_queued_from_now_on(sandbox: Running) -> None:
    await sandbox.call("getUpdates", allowed_updates=["callback_query"])
    await say(sandbox, "unheard")
    assert await fetched(sandbox) == []
    await sandbox.call("getUpdates", allowed_updates=[])
    said = await say(sandbox, "heard")
    assert await fetched(sandbox) == said


async def test_what_is_not_fetched_within_a_day_is_lost(sandbox: Running) -> None:
    await say(sandbox, "old")
    sandbox.clock.advance(timedelta(hours=23))
    kept = await say(sandbox, "newer")
    sandbox.clock.advance(timedelta(hours=2))
    assert await fetched(sandbox) == kept


async def test_a_confirmed_update_can_be_delivered_again_under_its_number(sandbox: Running) -> None:
    first, second = await say(sandbox, "a", "b")
    await fetched(sandbox, offset=second + 1)
    await sandbox.post("redeliver", update_id=first)
    assert await fetched(sandbox, offset=second + 1) == [first]
    assert await fetched(sandbox, offset=second + 1) == []


async def test_an_update_that_never_was_is_not_delivered_again(sandbox: Running) -> None:
    with pytest.raises(Refused, match="update 5 is not among the last 500 updates"):
        await sandbox.post("redeliver", update_id=5)


async def test_polling_is_refused_while_a_webhook_is_set(sandbox: Running) -> None:
    await sandbox.call("setWebhook", url="http://127.0.0.1:9/hook")
    with pytest.raises(Refused) as refused:
        await sandbox.call("getUpdates")
    assert (refused.value.status, str(refused.value)) == (
        409,
        "Conflict: can't use getUpdates method while webhook is active; "
        "use deleteWebhook to delete the webhook first",
    )
    await sandbox.call("deleteWebhook")
    assert await sandbox.call("getUpdates") == []
