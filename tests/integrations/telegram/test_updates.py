"""Reading updates: what a person did, as one value; never an exception."""

import copy
import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands import Person
from domain.money import Money
from integrations.telegram.raw_update import from_json
from integrations.telegram.updates import (
    Blocked,
    Command,
    Ignored,
    Inbound,
    Paid,
    PreCheckout,
    Refunded,
    Tap,
    Text,
    Unblocked,
    read_update,
)

_FROM = {"id": 1001, "is_bot": False, "first_name": "Ann", "username": "ann", "language_code": "de"}
_CHAT = {"id": 1001, "type": "private", "first_name": "Ann", "username": "ann"}
_GROUP = {"id": -100, "type": "supergroup", "title": "Friends"}
_BOT = {"id": 7, "is_bot": True, "first_name": "Shop", "username": "shop_bot"}
_ANN = Person(1001, "Ann", "ann", "de")


def _message(**content: object) -> dict[str, Any]:
    return {"message": {"message_id": 7, "date": 1_700_000_000, "chat": _CHAT, "from": _FROM} | content}


def _command(text: str, length: int) -> dict[str, Any]:
    return _message(text=text, entities=[{"type": "bot_command", "offset": 0, "length": length}])


def _membership(status: str, chat: dict[str, object]) -> dict[str, Any]:
    member: dict[str, object] = {"user": _BOT, "status": status}
    if status == "kicked":
        member["until_date"] = 0
    old = {"user": _BOT, "status": "member"}
    change = {"chat": chat, "from": _FROM, "date": 1_700_000_000}
    return {"my_chat_member": {**change, "old_chat_member": old, "new_chat_member": member}}


_PAYMENT = {
    "currency": "XTR",
    "total_amount": 150,
    "invoice_payload": "purchase:42",
    "telegram_payment_charge_id": "stx1",
    "provider_payment_charge_id": "",
}
_RECURRING = {"is_recurring": True, "is_first_recurring": True, "subscription_expiration_date": 1_702_592_000}
_PAID = Paid(
    _ANN,
    charge_id="stx1",
    provider_charge_id="",
    amount=Money(150, "XTR"),
    payload="purchase:42",
    paid_at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    is_recurring=False,
    is_first_recurring=False,
    expires_at=None,
)

_KNOWN: list[tuple[dict[str, Any], Inbound]] = [
    (_command("/start", 6), Command(_ANN, "start", "", 7)),
    (_command("/start ref_9", 6), Command(_ANN, "start", "ref_9", 7, "ref_9")),
    (_command("/Start@shop_bot  ref_9 ", 15), Command(_ANN, "start", "ref_9", 7, "ref_9")),
    (_message(text="hello <b>"), Text(_ANN, "hello <b>", 7)),
    (_message(text="/not a command"), Text(_ANN, "/not a command", 7)),
    (
        {
            "callback_query": {
                "id": "9",
                "from": _FROM,
                "chat_instance": "1",
                "data": "buy:1",
                **_message(text="x"),
            }
        },
        Tap(_ANN, "9", "buy:1", 7),
    ),
    (
        {
            "callback_query": {
                "id": "9",
                "from": _FROM,
                "chat_instance": "1",
                "data": "buy:1",
                **_message(caption="a picture"),
            }
        },
        Tap(_ANN, "9", "buy:1", None),
    ),
    (
        {"callback_query": {"id": "9", "from": _FROM, "chat_instance": "1", "data": "buy:1"}},
        Tap(_ANN, "9", "buy:1", None),
    ),
    (
        {
            "callback_query": {
                "id": "9",
                "from": _FROM,
                "chat_instance": "1",
                "data": "buy:1",
                "message": {"message_id": 3, "date": 0, "chat": _CHAT},
            }
        },
        Tap(_ANN, "9", "buy:1", 3),
    ),
    (
        {
            "pre_checkout_query": {
                "id": "8",
                "from": _FROM,
                "currency": "XTR",
                "total_amount": 150,
                "invoice_payload": "purchase:42",
            }
        },
        PreCheckout(_ANN, "8", "XTR", 150, "purchase:42"),
    ),
    (_message(successful_payment=_PAYMENT), _PAID),
    (_message(chat=_GROUP, successful_payment=_PAYMENT), _PAID),
    (
        _message(successful_payment=_PAYMENT | _RECURRING),
        Paid(
            _ANN,
            charge_id="stx1",
            provider_charge_id="",
            amount=Money(150, "XTR"),
            payload="purchase:42",
            paid_at=_PAID.paid_at,
            is_recurring=True,
            is_first_recurring=True,
            expires_at=datetime(2023, 12, 14, 22, 13, 20, tzinfo=UTC),
        ),
    ),
    (_message(refunded_payment=_PAYMENT), Refunded(_ANN, "stx1", Money(150, "XTR"), "purchase:42")),
    (
        _message(refunded_payment=_PAYMENT, **{"from": _BOT}),
        Refunded(Person(1001, "Ann", "ann", None), "stx1", Money(150, "XTR"), "purchase:42"),
    ),
    (_membership("kicked", _CHAT), Blocked(_ANN)),
    (_membership("member", _CHAT), Unblocked(_ANN)),
    (_membership("member", _GROUP), Ignored("not a private chat")),
    (_message(chat=_GROUP, text="hello"), Ignored("not a private chat")),
    (_message(sticker_without_text=1), Ignored("a message without text")),
    ({"edited_message": _message(text="x")["message"]}, Ignored("a kind of update that we do not use")),
    ({"something_new_in_2031": {"id": 1}}, Ignored("a kind of update that we do not use")),
]


@pytest.mark.parametrize(("content", "inbound"), _KNOWN)
def test_an_update_is_read_as_what_the_person_did(content: dict[str, Any], inbound: Inbound) -> None:
    assert read_update(from_json({"update_id": 1, **content})) == inbound


def test_money_in_a_currency_that_we_do_not_know_is_for_the_operator_to_see() -> None:
    strange = _message(successful_payment=_PAYMENT | {"currency": "ZZZ"})
    inbound = read_update(from_json({"update_id": 1, **strange}))
    assert isinstance(inbound, Ignored)
    assert inbound.suspicious
    assert "ZZZ" in inbound.reason


@pytest.mark.parametrize(
    "content",
    [
        {"message": 5},
        {"message": {}},
        _message(text=5),
        _message(chat=None),
        {"callback_query": {"id": "9", "from": _FROM | {"id": "1001"}, "chat_instance": "1", "data": "x"}},
        _message(successful_payment={"currency": "XTR"}),
        _message(successful_payment=_PAYMENT | {"total_amount": 1.5}),
        _message(date="yesterday", text="x"),
        _message(date=10**30, text="x"),
        {"callback_query": {"id": "1"}},
        {"pre_checkout_query": {"id": "8", "from": _FROM}},
    ],
)
def test_a_malformed_update_is_suspicious_and_no_exception(content: dict[str, Any]) -> None:
    inbound = read_update(from_json({"update_id": 1, **content}))
    assert isinstance(inbound, Ignored)
    assert inbound.suspicious


_JUNK: st.SearchStrategy[object] = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**30, "", "x", "\ud800", [], [[]], {}, {"id": 1}]
)


def _paths(value: object, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, item in inside for path in _paths(item, (*at, key)))]


def _assert_well_typed(value: object) -> None:
    """Every field holds what its annotation says, all the way down."""
    assert is_dataclass(value)
    for field in fields(value):
        item = getattr(value, field.name)
        if is_dataclass(item):
            _assert_well_typed(item)
        elif field.type in (int, str, bool):
            assert type(item) is field.type, field.name


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_broken_in_an_update_it_is_read_or_ignored(data: st.DataObject) -> None:
    content = copy.deepcopy(data.draw(st.sampled_from([content for content, _ in _KNOWN])))
    path = data.draw(st.sampled_from(_paths(content)[1:]))
    holder: Any = content
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = data.draw(_JUNK)
    _assert_well_typed(read_update(from_json({"update_id": 1, **json.loads(json.dumps(content))})))
