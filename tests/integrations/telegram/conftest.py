"""A bot against a scripted Bot API."""

from collections.abc import AsyncIterator

import pytest

from integrations.telegram.bot import TrioBot
from tests.integrations.telegram.scripted import ScriptedBotApi, scripted_bot


@pytest.fixture
async def scripted() -> AsyncIterator[tuple[ScriptedBotApi, TrioBot]]:
    async with scripted_bot() as pair:
        yield pair


@pytest.fixture
async def api(scripted: tuple[ScriptedBotApi, TrioBot]) -> ScriptedBotApi:
    return scripted[0]


@pytest.fixture
async def bot(scripted: tuple[ScriptedBotApi, TrioBot]) -> TrioBot:
    return scripted[1]
