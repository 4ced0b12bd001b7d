"""Opening a bot: whose it is, and one sentence where it is nobody's."""

import logging

import pytest
import trio

from integrations.telegram.bot import BadToken, BotUnreachable, TrioBot, open_bot
from tests.integrations.telegram.scripted import TOKEN, ScriptedBotApi, message, ok, refused


async def test_an_open_bot_knows_its_name(bot: TrioBot) -> None:
    assert (bot.username, bot.id) == ("scripted_bot", 7)


@pytest.mark.parametrize("token", ["7:wrong", "", "7:a\n", "seven:a", "7:a/../b", "7:SCRIPTED-secret "])
async def test_a_wrong_token_is_one_sentence_without_the_token(api: ScriptedBotApi, token: str) -> None:
    with pytest.raises(BadToken) as caught:
        async with open_bot(token, api_base=api.address):
            pass
    said = str(caught.value)
    assert "@BotFather" in said
    assert "\n" not in said
    assert token == "" or token not in said
    assert caught.value.__cause__ is None


async def test_a_bot_api_that_cannot_be_reached_is_one_sentence_without_the_token() -> None:
    with pytest.raises(BotUnreachable, match=r"cannot reach 127\.0\.0\.1") as caught:
        async with open_bot(TOKEN, api_base="http://127.0.0.1:1"):
            pass
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("status", [429, 500, 502])
async def test_a_bot_api_in_trouble_is_unreachable_and_not_a_bad_token(
    api: ScriptedBotApi, status: int
) -> None:
    api.on("getMe", refused(status, "Bad day"))
    with pytest.raises(BotUnreachable):
        async with open_bot(TOKEN, api_base=api.address):
            pass


async def test_the_token_is_in_no_log_even_at_debug(
    api: ScriptedBotApi, caplog: pytest.LogCaptureFixture
) -> None:
    api.on("sendMessage", ok(message(1)), refused(400, "Bad Request: chat not found"))
    with caplog.at_level(logging.DEBUG):
        async with open_bot(TOKEN, api_base=api.address) as bot:
            await bot.send_message(1001, "hello")
    assert TOKEN not in caplog.text


async def test_the_token_is_in_no_representation_of_the_bot(bot: TrioBot) -> None:
    assert "SCRIPTED-secret" not in f"{bot!r} {bot} {bot.request!r}"


async def test_forty_calls_at_once_share_the_connections(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("sendMessage", ok(message(1)))
    async with trio.open_nursery() as nursery:
        for chat in range(40):
            nursery.start_soon(bot.send_message, chat, "hello")
    assert sorted(int(call["chat_id"]) for call in api.called("sendMessage")) == list(range(40))
