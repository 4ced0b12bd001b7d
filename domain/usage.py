"""Counting what people move, exactly: from readings of counters that only a restart of their node sets back.

A reading says how far the counters of one run of a node had come. What is beyond the last reading of that run is new,
and in a run that was not met before all of it is. The total and the reading up to which it is right are one row, so a
process that is killed at any moment counts nothing twice and forgets nothing that a later reading still says.
"""

from datetime import datetime

from msgspec.structs import replace

from domain.commands import Reading, RecordUsage
from domain.draft import Draft
from domain.entities import NodeRun, NodeUsage
from domain.limits import weigh


def count(known: NodeUsage | None, reading: Reading, run: NodeRun, read_at: datetime) -> NodeUsage | None:
    """The row after a reading; None where the reading says nothing that is not known: it came again, or late.

    Each direction is counted for itself: the node reads its counters one after another.
    """
    if known is None:
        known = NodeUsage(reading.subscription_id, run.node, run.number, 0, 0, 0, 0, read_at)
    if run.number < known.run:
        return None
    if run.number > known.run:
        known = replace(known, run=run.number, seen_up=0, seen_down=0)
    up, down = max(known.seen_up, reading.up), max(known.seen_down, reading.down)
    if (up, down) == (known.seen_up, known.seen_down):
        return None
    return replace(
        known,
        seen_up=up,
        seen_down=down,
        up=known.up + up - known.seen_up,
        down=known.down + down - known.seen_down,
        read_at=read_at,
    )


def record(command: RecordUsage, draft: Draft) -> int:
    """Count a page of readings; one of a subscription that we do not know is not ours to count."""
    news, run = 0, _run(command, draft)
    for reading in command.readings:
        subscription = draft.subscription(reading.subscription_id)
        if subscription is None:
            continue
        known = draft.rows.node_usage.get((reading.subscription_id, command.node))
        fresh = count(known, reading, run, draft.now)
        if fresh is None:
            continue
        draft.rows.node_usage.put(fresh)
        up, down = (known.up, known.down) if known is not None else (0, 0)
        up, down = fresh.up - up, fresh.down - down
        total = draft.usage(reading.subscription_id)
        draft.rows.usage.put(replace(total, up=total.up + up, down=total.down + down))
        weigh(draft, subscription, up + down)
        news += 1
    return news


def _run(command: RecordUsage, draft: Draft) -> NodeRun:
    known = draft.rows.node_runs.get((command.node, command.epoch))
    if known is not None:
        return known
    number = draft.new_id("node_runs")
    return draft.rows.node_runs.put(NodeRun(command.node, command.epoch, number, draft.now))
