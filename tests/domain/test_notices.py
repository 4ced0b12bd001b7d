"""Administrators are told of each thing once, however often it is asked for: the mark is set with the message."""

from domain.commands import TellAdmins
from domain.entities import NoticeMark
from domain.messages import AlertLine, AlertsNotice
from tests.domain.memory import Shop

CHAT = -1001234567890
NOTICE = AlertsNotice(lines=[AlertLine(actor="vpn/one", what="node one does not answer")])


def tell(shop: Shop, position: int, *, silently: bool = False) -> bool:
    notice = None if silently else NOTICE
    return shop.do(TellAdmins(CHAT, f"payments:{position}", notice, "payments", position))


def test_what_its_mark_has_passed_is_not_told_again() -> None:
    shop = Shop()
    assert tell(shop, 5)
    assert not tell(shop, 5), "a repeat whose answer was lost"
    assert not tell(shop, 4)
    assert tell(shop, 6)
    assert shop.told() == [NOTICE, NOTICE]
    assert shop.rows.notice_marks.get("payments") == NoticeMark("payments", 6)


def test_the_first_mark_tells_nothing() -> None:
    shop = Shop()
    assert tell(shop, 5, silently=True)
    assert shop.told() == []
    assert not tell(shop, 5)


def test_it_is_for_the_chat_of_the_administrators_and_nobody_is_made_a_customer_by_it() -> None:
    shop = Shop()
    tell(shop, 1)
    [row] = shop.rows.outbox.changed.values()
    assert (row.chat_id, row.kind) == (CHAT, "alerts_notice")
    assert not shop.rows.users.changed
