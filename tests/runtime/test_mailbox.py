"""A mailbox gives everything in order, whoever looks into it, and whether its owner sleeps."""

from __future__ import annotations

import trio
from hypothesis import given
from hypothesis import strategies as st

from runtime.cell import Cell, Exchange
from runtime.mailbox import Mailbox

from .kit import Echo, Hint, Note

CAPACITY = 5


@given(st.lists(st.sampled_from(["offer", "take", "oldest", "kinds", "park"])))
def test_looking_changes_neither_order_nor_number(steps: list[str]) -> None:
    async def run() -> None:
        exchange = Exchange()
        cell, mailbox = Cell("a", CAPACITY, exchange), Mailbox(CAPACITY)
        expected: list[int] = []
        async with trio.open_nursery() as nursery:
            for number, step in enumerate(steps):
                match step:
                    case "offer":
                        kind = Note(number) if number % 3 else Hint(number)
                        accepted = mailbox.offer(cell.envelop(kind, None, float(number), 0.0))
                        assert accepted is (len(expected) < CAPACITY)
                        expected += [number] if accepted else []
                    case "take":
                        envelope = mailbox.take()
                        assert (envelope and envelope.queued_at) == (expected.pop(0) if expected else None)
                    case "oldest":
                        oldest = mailbox.oldest()
                        assert (oldest and oldest.queued_at) == (expected[0] if expected else None)
                    case "kinds":
                        assert mailbox.kinds() == {Note if number % 3 else Hint for number in expected}
                    case _ if not expected:
                        mailbox.wake()
                        nursery.start_soon(mailbox.wait)
                        await trio.testing.wait_all_tasks_blocked()
                assert len(mailbox) == mailbox.coming == len(expected)
            nursery.cancel_scope.cancel()
        assert [envelope.queued_at for envelope in mailbox.close()] == expected
        assert not mailbox.offer(cell.envelop(Echo(1), None, 0.0, 0.0))

    trio.run(run)
