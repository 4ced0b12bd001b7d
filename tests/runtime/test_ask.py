"""A question that an operator puts to an actor over the control socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from runtime import Actor, ActorSpec, Ask, Declined, Envelope, Message, Unavailable
from runtime.control import LONGEST_QUESTION
from runtime.control_client import Refused, Unanswered, ask, status

from .controlled import controlled
from .kit import actor, sample


class Oracle(Actor):
    """Answers with the length of the question, and declines, crashes or thinks for ever if told to."""

    async def receive(self, message: Message) -> object:
        match message:
            case Ask("decline"):
                raise Declined("there is no payment 7: look it up with `payments list`")
            case Ask("crash"):
                raise RuntimeError("on request")
            case Ask("think"):
                await trio.sleep_forever()
            case Ask("elsewhere"):
                return await self.context.ref("a").call(Ask("nonsense"))
            case Ask(body):
                return f"{len(body)} letters: {body[:10]}"
        return await super().receive(message)


class Collector(Actor):
    """Takes questions in batches."""

    batch = 8

    async def receive_batch(self, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            envelope.fail(Declined("only on Sundays"))


def trees() -> tuple[ActorSpec, ...]:
    return (sample("a"), actor("oracle", Oracle), actor("collector", Collector))


async def test_an_actor_answers_the_operator_in_its_own_words(path: Path) -> None:
    async with controlled(path, *trees()):
        assert await ask(path, "oracle", 'Привет, \n"you"') == '14 letters: Привет, \n"'


async def test_a_question_may_be_a_megabyte_long_and_no_other_command_may(path: Path) -> None:
    async with controlled(path, *trees()):
        body = "x" * (LONGEST_QUESTION - 100)
        assert await ask(path, "oracle", body) == f"{len(body)} letters: xxxxxxxxxx"
        with pytest.raises(Refused, match=f"at most {LONGEST_QUESTION} bytes, and this one is longer"):
            await ask(path, "oracle", "x" * LONGEST_QUESTION)
        async with await trio.open_unix_socket(path) as stream:
            await stream.send_all(json.dumps({"command": "restart", "name": "a" * 5000}).encode() + b"\n")
            assert b"expected one line of at most 4096 bytes" in await stream.receive_some()
        await status(path)


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("oracle", "decline", "there is no payment 7: look it up with `payments list`"),
        ("collector", "anything", "only on Sundays"),
        ("a", "anything", "a does not understand Ask"),
        ("oracle", "elsewhere", "a does not understand Ask"),
        ("oracel", "anything", "no actor is named 'oracel'; did you mean 'oracle'?"),
        ("oracle", "crash", "oracle crashed with Ask in hand: RuntimeError: on request"),
    ],
)
async def test_whatever_keeps_the_actor_from_answering_is_one_sentence(
    path: Path, name: str, body: str, sentence: str
) -> None:
    async with controlled(path, *trees()):
        with pytest.raises(Refused) as refusal:
            await ask(path, name, body)
        assert str(refusal.value) == sentence
        assert isinstance(refusal.value, Unanswered) is (body == "crash"), "nobody knows what it had done"
        await status(path)


async def test_an_actor_that_does_not_answer_is_not_waited_for_for_ever(
    path: Path, autojump_clock: MockClock
) -> None:
    async with controlled(path, *trees()):
        with pytest.raises(Unanswered, match="oracle is still working on Ask after its deadline"):
            await ask(path, "oracle", "think")


async def test_a_question_without_text_or_addressee_is_not_put(path: Path) -> None:
    async with controlled(path, *trees()):
        for line, reason in (
            (b'{"command": "ask", "name": "oracle"}\n', b"ask needs a body"),
            (b'{"command": "ask", "body": "who?"}\n', b"ask needs the name of an actor"),
        ):
            async with await trio.open_unix_socket(path) as stream:
                await stream.send_all(line)
                assert reason in await stream.receive_some()


async def test_declining_is_no_crash(path: Path) -> None:
    async with controlled(path, *trees()) as system:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await system.ref("oracle").call(Ask("decline"))
        assert [each.incarnations for each in system.status().actors()] == [1, 1, 1]
