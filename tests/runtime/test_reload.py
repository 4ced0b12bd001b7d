"""New code for an actor that runs: its mail is kept, and code that is no good changes nothing."""

from __future__ import annotations

import gc
import importlib
import sys
import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from runtime import ActorSpec, ReloadFailed
from runtime.specs import Factory

from .kit import Echo, Note, incarnations, running, sample

SOURCE = """
from runtime import Actor
from tests.runtime.kit import Echo, Note

VERSION = {version}

class Unit(Actor):
    def __init__(self, context, journal):
        super().__init__(context)
        self.journal = journal

    async def started(self):
        {started}

    async def receive(self, message):
        match message:
            case Note(value):
                self.journal.append((VERSION, value))
            case Echo():
                return VERSION
            case _:
                return await super().receive(message)
"""


class Unit:
    """The file of a module, which a test rewrites."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write(1)

    def write(self, version: int, started: str = "pass") -> None:
        self.path.write_text(SOURCE.format(version=version, started=started))

    def spec(self, journal: list[tuple[int, int]]) -> ActorSpec:
        module = importlib.import_module(self.path.stem)
        factory: Factory = partial(module.Unit, journal=journal)
        return ActorSpec("u", factory)


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Unit]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Unit(tmp_path / "unit_under_test.py")
    for name in [name for name in sys.modules if name.startswith("unit_under_test")]:
        del sys.modules[name]


async def test_a_reload_brings_in_the_new_code_and_touches_nobody_else(unit: Unit) -> None:
    async with running(unit.spec([]), sample("b"), strategy="one_for_all") as system:
        assert await system.ref("u").call(Echo(0)) == 1
        unit.write(2)
        await system.reload("u")
        assert await system.ref("u").call(Echo(0)) == 2
        assert incarnations(system) == {"u": 2, "b": 1}


@pytest.mark.requirement("O4")
async def test_ten_thousand_messages_pass_fifty_reloads_each_once_and_in_order(unit: Unit) -> None:
    journal: list[tuple[int, int]] = []
    async with running(unit.spec(journal)) as system:
        ref = system.ref("u")
        begun = [trio.Event() for _ in range(50)]

        async def send() -> None:
            """200 messages for each reload, from its beginning on, so that however slow the machine is they meet."""
            for value in range(10_000):
                await begun[value // 200].wait()
                await ref.send(Note(value))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            for version in range(2, 52):
                unit.write(version)
                begun[version - 2].set()
                await system.reload("u")
        assert await ref.call(Echo(0)) == 51
    assert [value for _, value in journal] == list(range(10_000))
    versions = [version for version, _ in journal]
    assert versions == sorted(versions)
    assert len(set(versions)) > 25, "the reloads were not among the messages"


@pytest.mark.requirement("O4")
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def broken(:", "the new code does not compile: SyntaxError"),
        ("import nothing_of_this_name", "the new code does not import: ModuleNotFoundError"),
        ("x = 1", "the new code has no actor Unit"),
        (
            "from runtime import Actor, Cast\nclass Mine(Cast): ...\nclass Unit(Actor): ...",
            "the new code defines the message Mine, which would not match what is queued",
        ),
        (
            "from runtime import Actor\nfrom tests.runtime.kit import Echo\nclass Unit(Actor): ...",
            "the new code does not know Note, and such messages are queued",
        ),
        (
            SOURCE.format(version=2, started="raise OSError('port in use')"),
            "the new code did not start: OSError: port in use",
        ),
        (SOURCE.format(version=2, started="self.nothing()"), "the new code did not start: AttributeError"),
    ],
)
async def test_code_that_is_no_good_changes_nothing_and_the_operator_is_told_why(
    unit: Unit, source: str, reason: str
) -> None:
    journal: list[tuple[int, int]] = []
    async with running(unit.spec(journal)) as system:
        ref = system.ref("u")
        system.suspend("u")
        ref.cast(Note(1))
        unit.path.write_text(source)
        with pytest.raises(ReloadFailed, match=f"^u was not reloaded, its old code goes on: {reason}"):
            await system.reload("u")
        system.resume("u")
        assert await ref.call(Echo(0)) == 1
        assert journal == [(1, 1)]
        unit.write(3)
        await system.reload("u")
        assert await ref.call(Echo(0)) == 3


async def test_a_message_that_new_code_does_not_know_may_go_once_none_is_queued(unit: Unit) -> None:
    async with running(unit.spec([])) as system:
        for value in range(3):
            system.ref("u").cast(Note(value))
        assert await system.ref("u").call(Echo(0)) == 1
        source = SOURCE.format(version=2, started="pass")
        unit.path.write_text(
            source.replace("import Echo, Note", "import Echo").replace("Note(value)", "str(value)")
        )
        await system.reload("u")
        assert await system.ref("u").call(Echo(0)) == 2


async def test_new_code_that_hangs_at_its_start_is_given_up(unit: Unit, mock_clock: MockClock) -> None:
    async with running(unit.spec([])) as system:
        # The source is read on a thread, and meanwhile time must stand still: the new code itself lets it jump.
        let_time_jump = "trio.lowlevel.current_clock().autojump_threshold = 0"
        unit.write(2, started=f"import trio; {let_time_jump}; await trio.sleep_forever()")
        with pytest.raises(ReloadFailed, match="did not start within 30 s"):
            await system.reload("u")
        assert await system.ref("u").call(Echo(0)) == 1


async def test_two_reloads_at_once_are_one_and_a_refusal(unit: Unit) -> None:
    outcomes: list[str] = []
    async with running(unit.spec([])) as system:
        unit.write(2)

        async def reload() -> None:
            try:
                await system.reload("u")
                outcomes.append("reloaded")
            except ReloadFailed as error:
                outcomes.append(str(error).rpartition(": ")[2])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(reload)
            nursery.start_soon(reload)
        assert await system.ref("u").call(Echo(0)) == 2
    assert set(outcomes) <= {"reloaded", "it is being stopped or reloaded already"}
    assert "reloaded" in outcomes


async def test_old_generations_are_collected(unit: Unit) -> None:
    async with running(unit.spec([])) as system:
        generations: list[weakref.ref[type]] = []
        for version in range(2, 8):
            unit.write(version)
            await system.reload("u")
            (name,) = [name for name in sys.modules if name.startswith("unit_under_test__g")]
            generations.append(weakref.ref(sys.modules[name].Unit))
        await system.ref("u").call(Echo(0))
        gc.collect()
        assert [generation() is not None for generation in generations] == [False] * 5 + [True]


async def test_an_actor_whose_source_is_unknown_is_not_reloaded() -> None:
    async with running(sample("a")) as system:
        with pytest.raises(ReloadFailed, match="neither an actor's class nor a partial of one"):
            await system.reload("a")
        assert await system.ref("a").call(Echo(1)) == 1
