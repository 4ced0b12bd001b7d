"""What ingress reads of an update, and that the rest survives untouched."""

import json

import pytest

from integrations.telegram.raw_update import BadUpdate, RawUpdate, from_json, parse_update

_CHAT = {"id": 55, "type": "private"}
_PERSON = {"id": 66, "is_bot": False, "first_name": "Ann"}


@pytest.mark.parametrize(
    ("content", "chat_id"),
    [
        ({"message": {"chat": _CHAT, "from": _PERSON}}, 55),
        ({"callback_query": {"from": _PERSON, "message": {"chat": _CHAT}}}, 55),
        ({"callback_query": {"from": _PERSON}}, 66),
        ({"pre_checkout_query": {"from": _PERSON}}, 66),
        ({"my_chat_member": {"chat": _CHAT, "from": _PERSON}}, 55),
        ({"poll": {"id": "5"}}, None),
        ({"message": {"chat": {"id": "55"}}}, None),
        ({"message": {"chat": {"id": True}}}, None),
        ({"message": {"chat": {"id": 2**70}}}, None),
        ({"message": 5}, None),
        ({}, None),
    ],
)
def test_an_update_belongs_to_its_chat(content: dict[str, object], chat_id: int | None) -> None:
    raw = from_json({"update_id": 3, **content})
    assert (raw.update_id, raw.chat_id) == (3, chat_id)
    assert json.loads(raw.payload) == {"update_id": 3, **content}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"3",
        b"null",
        b"{}",
        b'{"update_id": "3"}',
        b'{"update_id": true}',
        b'{"update_id": 3.0}',
        b'{"update_id": 99999999999999999999}',
        b'{"update_id": 3, "message": NaN}',
        b"\xff\xfe\x00",
        b'{"update_id": 3, "x": "\xff"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_update_is_refused_with_a_sentence(body: bytes) -> None:
    with pytest.raises(BadUpdate, match="an update is a JSON object"):
        parse_update(body)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "🙂", "\u2028"])
def test_any_text_is_kept_as_ascii_that_reads_back_the_same(text: str) -> None:
    raw = parse_update(json.dumps({"update_id": 1, "text": text}).encode())
    assert raw.payload.isascii()
    assert json.loads(raw.payload)["text"] == text
    assert isinstance(raw, RawUpdate)
