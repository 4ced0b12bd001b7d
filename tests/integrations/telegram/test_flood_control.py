"""A broadcast among everything else, against three models of Telegram's limits, on virtual time (N5).

A plain run sends 2,500 messages for each model and network; `--campaign 40` sends 100,000.
"""

import pytest
from trio.testing import MockClock

from tests.integrations.telegram.flood import (
    BROADCAST,
    JITTERS,
    MODELS,
    PROMPT,
    REMINDER,
    FloodControl,
    SlidingWindow,
    a_day,
)

_MESSAGES = 2_500


@pytest.mark.requirement("N5")
@pytest.mark.parametrize("jitter", JITTERS)
@pytest.mark.parametrize("model", MODELS)
async def test_nothing_is_ever_refused_and_the_rate_is_used(
    autojump_clock: MockClock, campaign: int, model: type[FloodControl], jitter: str
) -> None:
    town, run = a_day(_MESSAGES * campaign, model(), JITTERS[jitter])
    await run()
    assert town.refused == 0
    assert town.left == 0
    assert len(town.arrived) > 0.99 * _MESSAGES * campaign
    assert town.share_of_the_rate >= (0.98 if jitter == "steady" else 0.96)
    assert town.in_order()
    assert town.longest_wait(PROMPT) < 1.0, "an answer to a person waits for a slot, not for a broadcast"
    assert town.longest_wait(PROMPT) < town.longest_wait(BROADCAST)
    assert town.longest_wait(REMINDER) < town.longest_wait(BROADCAST)


def test_the_models_differ_and_each_refuses_what_is_too_much() -> None:
    def taken(control: FloodControl, times: list[float]) -> int:
        return sum(control.passes(chat, at) for chat, at in enumerate(times, 1))

    across_a_second = [0.9] * 30 + [1.1] * 30
    assert [taken(model(), across_a_second) for model in MODELS] == [30, 36, 60]
    assert [taken(model(), [0.5] * 31) for model in MODELS] == [30, 30, 30]
    for model in MODELS:
        control = model()
        assert [control.passes(7, at) for at in (10.0, 10.2, 11.5)] == [True, False, True]
    group = SlidingWindow()
    assert sum(group.passes(-7, 2.0 * n) for n in range(30)) == 20
