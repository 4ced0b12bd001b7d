"""A press of a button: the update that the bot gets, the answer that the person sees, once and in time."""

from datetime import timedelta
from typing import Any

import pytest
import trio

from tests.integrations.telegram.sandbox.conftest import Refused, Running

TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def ask(sandbox: Running) -> int:
    """The bot sends a message with one button; returns its id."""
    await sandbox.start()
    markup = {"inline_keyboard": [[{"text": "Plans", "callback_data": "plans"}]]}
    sent = await sandbox.call("sendMessage", chat_id=1001, text="menu", reply_markup=markup)
    return int(sent["message_id"])


async def press_and_fetch(sandbox: Running) -> dict[str, Any]:
    """The person presses and does not wait; returns the query that the bot got."""
    message_id = await ask(sandbox)
    await sandbox.post("people/1001/press", message_id=message_id, text="Plans", wait=0)
    query: dict[str, Any] = (await sandbox.updates())[0]["callback_query"]
    return query


async def test_the_presser_sees_the_bots_answer(sandbox: Running) -> None:
    message_id = await ask(sandbox)
    pressed: list[object] = []

    async def press() -> None:
        pressed.append(await sandbox.post("people/1001/press", message_id=message_id, button=0, wait=10))

    async with trio.open_nursery() as both:
        both.start_soon(press)
        query = (await sandbox.updates())[0]["callback_query"]
        assert (query["data"], query["from"]["id"], query["message"]["message_id"]) == (
            "plans",
            1001,
            message_id,
        )
        await sandbox.call("answerCallbackQuery", callback_query_id=query["id"], text="soon", show_alert=True)
    assert pressed == [{"answered": True, "text": "soon", "show_alert": True}]


async def test_a_bot_that_does_not_answer_leaves_the_presser_waiting(sandbox: Running) -> None:
    message_id = await ask(sandbox)
    pressed = await sandbox.post("people/1001/press", message_id=message_id, data="plans", wait=0)
    assert pressed == {"answered": False}


async def test_a_query_is_answered_once(sandbox: Running) -> None:
    query = await press_and_fetch(sandbox)
    assert await sandbox.call("answerCallbackQuery", callback_query_id=query["id"]) is True
    with pytest.raises(Refused) as refused:
        await sandbox.call("answerCallbackQuery", callback_query_id=query["id"])
    assert str(refused.value) == TOO_OLD


async def test_an_old_query_cannot_be_answered(sandbox: Running) -> None:
    query = await press_and_fetch(sandbox)
    sandbox.clock.advance(timedelta(seconds=16))
    with pytest.raises(Refused) as refused:
        await sandbox.call("answerCallbackQuery", callback_query_id=query["id"])
    assert str(refused.value) == TOO_OLD


async def test_a_button_that_is_not_there_is_refused_with_those_that_are(sandbox: Running) -> None:
    message_id = await ask(sandbox)
    with pytest.raises(Refused, match="no such button; its buttons are 0: 'Plans'"):
        await sandbox.post("people/1001/press", message_id=message_id, text="Plan")


async def test_a_url_button_answers_with_its_address(sandbox: Running) -> None:
    await sandbox.start()
    markup = {"inline_keyboard": [[{"text": "Site", "url": "https://example.com/pay"}]]}
    sent = await sandbox.call("sendMessage", chat_id=1001, text="x", reply_markup=markup)
    pressed = await sandbox.post("people/1001/press", message_id=sent["message_id"], button=0)
    assert pressed == {"answered": True, "url": "https://example.com/pay"}
    assert await sandbox.call("getUpdates") == []
