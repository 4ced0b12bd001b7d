"""Broadcasts: what may follow on what, that everybody gets one message, and that a pause counts at once."""

from datetime import timedelta

import pytest

from domain import messages
from domain.commands import (
    ClaimMessages,
    Counts,
    CreateBroadcast,
    EditBroadcast,
    ListRecipients,
    MarkUnreachable,
    QueueBroadcast,
    QueueChanges,
    ReportBroadcast,
    SettleMessage,
    Show,
    SteerBroadcast,
    Steering,
    Verdict,
)
from domain.entities import Broadcast, BroadcastState, MessageState, OutboxMessage
from domain.messages import decode
from domain.outbox import PAUSE
from tests.domain.memory import Shop
from tests.storage.shop import ALICE, BOB

OLGA = 77


def broadcast(shop: Shop) -> Broadcast:
    found = shop.rows.broadcasts.get(1)
    assert found is not None
    return found


def create(shop: Shop, chat_id: int | None = None) -> None:
    for person in (ALICE, BOB):
        shop.do(Show(shop.update(person), person, "home"))
    made = shop.do(CreateBroadcast(request="create", by="olga", html="<b>News</b>", chat_id=chat_id))
    assert made == Verdict(True, number=1)


def steer(shop: Shop, what: Steering, panel_id: int | None = None) -> Verdict:
    update = shop.update()
    chat_id = None if panel_id is None else OLGA
    return shop.do(
        SteerBroadcast(
            request=f"{update}",
            by="olga",
            broadcast_id=1,
            what=what,
            reach=2,
            panel_id=panel_id,
            chat_id=chat_id,
        )
    )


def running(shop: Shop) -> list[OutboxMessage]:
    """A broadcast that is under way, with its messages."""
    create(shop)
    assert steer(shop, Steering.START).done
    assert shop.do(QueueBroadcast(1, (ALICE.id, BOB.id), 0)) == 2
    return [row for row in shop.rows.outbox.changed.values() if row.broadcast_id == 1]


def sent(shop: Shop, row: OutboxMessage, message_id: int) -> None:
    assert shop.do(ClaimMessages((row.id,))) == (row.id,)
    shop.do(SettleMessage(outbox_id=row.id, state=MessageState.SENT, message_id=message_id))


def over(shop: Shop) -> None:
    """A broadcast that has reached everybody."""
    for number, row in enumerate(running(shop), 10):
        sent(shop, row, number)
    shop.do(ReportBroadcast(1, Counts(sent=2), ended=True))
    assert broadcast(shop).state is BroadcastState.DONE


def state_of(shop: Shop, number: int) -> MessageState:
    row = shop.rows.outbox.get(number)
    assert row is not None
    return row.state


@pytest.mark.requirement("N6")
def test_whoever_is_written_to_twice_gets_one_message() -> None:
    shop = Shop()
    rows = running(shop)
    shop.do(QueueBroadcast(1, (ALICE.id, BOB.id), 0))
    again = [row for row in shop.rows.outbox.changed.values() if row.broadcast_id == 1]
    assert {row.key for row in again} == {row.key for row in rows}, "the database keeps one for a key"


@pytest.mark.requirement("N6")
def test_what_is_written_and_not_sent_waits_while_it_pauses_and_goes_when_it_is_resumed() -> None:
    shop = Shop()
    first, second = running(shop)
    sent(shop, first, 10)
    assert steer(shop, Steering.PAUSE).done
    assert shop.do(ClaimMessages((second.id,))) == ()
    assert shop.do(QueueBroadcast(1, (ALICE.id,), 0)) == 0
    assert state_of(shop, second.id) is MessageState.PENDING
    for _ in range(10_000):  # a pause of a week is no reason to drop it
        shop.wait(PAUSE)
        assert shop.do(ClaimMessages((second.id,))) == ()
    assert steer(shop, Steering.RESUME).done
    assert shop.do(ClaimMessages((second.id,))) == (second.id,)


@pytest.mark.requirement("N6")
@pytest.mark.parametrize("paused", [False, True])
def test_what_is_written_and_not_sent_is_dropped_when_it_is_cancelled(paused: bool) -> None:
    shop = Shop()
    first, second = running(shop)
    sent(shop, first, 10)
    if paused:
        assert steer(shop, Steering.PAUSE).done
    assert steer(shop, Steering.CANCEL).done
    assert shop.do(ClaimMessages((second.id,))) == ()
    assert state_of(shop, second.id) is MessageState.DROPPED
    shop.do(ReportBroadcast(1, Counts(sent=1, dropped=1), ended=True))
    assert (broadcast(shop).state, broadcast(shop).sent) == (BroadcastState.CANCELLED, 1)


@pytest.mark.parametrize(
    ("before", "what", "why"),
    [
        ([], Steering.PAUSE, "is draft, expected one that is running"),
        ([], Steering.DELETE, "has been sent to 0 people"),
        ([Steering.START], Steering.START, "is running, expected one that is draft"),
        ([Steering.START], Steering.RESUME, "is running, expected one that is paused"),
        ([Steering.CANCEL], Steering.START, "is cancelled, expected one that is draft"),
        (
            [Steering.START, Steering.CANCEL],
            Steering.CANCEL,
            "expected one that is draft or running or paused",
        ),
    ],
)
def test_what_cannot_follow_is_refused_with_a_sentence(
    before: list[Steering], what: Steering, why: str
) -> None:
    shop = Shop()
    create(shop)
    for each in before:
        assert steer(shop, each).done
    unchanged = broadcast(shop)
    verdict = steer(shop, what)
    assert not verdict.done
    assert why in verdict.why
    assert broadcast(shop) == unchanged


def test_a_broadcast_that_is_not_there_is_refused() -> None:
    assert steer(Shop(), Steering.START).why == "there is no broadcast 1"


def test_whoever_cannot_be_reached_is_not_written_to() -> None:
    shop = Shop()
    create(shop)
    steer(shop, Steering.START)
    shop.do(MarkUnreachable(shop.update(), ALICE, blocked=True))
    assert shop.do(QueueBroadcast(1, (ALICE.id, BOB.id), 0)) == 1


def test_a_list_is_added_to_while_it_is_a_draft() -> None:
    shop = Shop()
    create(shop)
    listed = ListRecipients(request="a", by="olga", broadcast_id=1, user_ids=(ALICE.id, BOB.id))
    assert shop.do(listed).done
    assert set(shop.rows.listings.changed) == {(1, ALICE.id), (1, BOB.id)}
    steer(shop, Steering.START)
    more = ListRecipients(request="b", by="olga", broadcast_id=1, user_ids=(5,))
    assert "expected a draft" in shop.do(more).why


def test_an_edit_reaches_everybody_who_has_it_in_the_place_of_what_they_have() -> None:
    shop = Shop()
    over(shop)
    edited = EditBroadcast(request="e", by="olga", broadcast_id=1, html="Other news")
    assert shop.do(edited).done
    assert broadcast(shop).state is BroadcastState.RUNNING
    assert shop.do(QueueChanges(1, ((ALICE.id, 10), (BOB.id, 11)), 0)) == 2
    changes = [each for each in shop.told() if isinstance(each, messages.AnnouncementEdited)]
    assert [(each.html, each.replaces) for each in changes] == [("Other news", 10), ("Other news", 11)]
    shop.do(ReportBroadcast(1, Counts(sent=1, failed=1), ended=True))
    done = broadcast(shop)
    assert (done.state, done.sent, done.changed, done.unchanged) == (BroadcastState.DONE, 2, 1, 1)


def test_a_deletion_takes_back_what_everybody_has_and_a_second_edit_is_a_run_of_its_own() -> None:
    shop = Shop()
    over(shop)
    for request in ("first", "second"):
        assert shop.do(EditBroadcast(request=request, by="olga", broadcast_id=1, html=request)).done
        shop.do(QueueChanges(1, ((ALICE.id, 10),), 0))
        shop.do(ReportBroadcast(1, Counts(sent=1), ended=True))
    assert steer(shop, Steering.DELETE).done
    shop.do(QueueChanges(1, ((ALICE.id, 10),), 0))
    keys = [row.key for row in shop.rows.outbox.changed.values() if row.broadcast_id == 1]
    assert len(set(keys)) == len(keys)
    assert isinstance(shop.told()[-1], messages.AnnouncementGone)


def test_whoever_made_it_in_the_bot_sees_it_first_and_then_its_panel_in_one_place() -> None:
    shop = Shop()
    create(shop, chat_id=OLGA)
    preview, panel = shop.told()[-2:]
    assert isinstance(preview, messages.AnnouncementPreview)
    assert isinstance(panel, messages.BroadcastPanel)
    assert panel.replaces is None
    steer(shop, Steering.START, panel_id=500)
    shop.do(QueueBroadcast(1, (ALICE.id,), 0))
    shop.do(ReportBroadcast(1, Counts(sent=1)))
    shop.do(ReportBroadcast(1, Counts(sent=1)))
    shop.do(ReportBroadcast(1, Counts(sent=1, blocked=1), ended=True))
    panels = [
        message
        for row in shop.rows.outbox.changed.values()
        if isinstance(message := decode(row.body), messages.BroadcastPanel) and row.chat_id == OLGA
    ]
    assert [(each.state, each.sent, each.blocked, each.replaces) for each in panels[1:]] == [
        ("running", 0, 0, 500),
        ("running", 1, 0, 500),
        ("done", 1, 1, 500),
    ]


def test_an_order_that_is_repeated_takes_effect_once() -> None:
    shop = Shop()
    order = CreateBroadcast(request="same", by="olga", html="News")
    assert shop.do(order) == shop.do(order) == Verdict(True, number=1)
    shop.wait(timedelta(days=1))
    assert len(shop.rows.broadcasts.changed) == 1
