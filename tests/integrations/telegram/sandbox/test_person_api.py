"""The person's side over HTTP: people, reading a chat, faults, the clock, the stream, and who is kept out."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from integrations.http_client import OutcomeUnknown
from tests.integrations.telegram.sandbox.conftest import Refused, Running


async def test_three_people_are_there_from_the_start_one_of_them_russian_and_more_can_be_made(
    sandbox: Running,
) -> None:
    made = await sandbox.post("people", first_name="Zoë", language_code="ru", stars=5)
    people = (await sandbox.get("people"))["people"]
    assert [(person["id"], person["language_code"]) for person in people] == [
        (1001, "en"),
        (1002, "en"),
        (1003, "ru"),
        (2001, "ru"),
    ]
    assert made == people[2]
    assert (made["first_name"], made["language_code"], made["stars"], made["started"]) == (
        "Zoë",
        "ru",
        5,
        False,
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"id": 1001}, "there is a person 1001 already; leave the id out for a free one"),
        ({"stars": -1}, "Expected `int` >= 0 - at `$.stars`"),
        ({"nmae": "x"}, "Object contains unknown field `nmae`"),
    ],
)
async def test_a_wrong_person_is_refused_with_the_field(
    sandbox: Running, fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Refused) as refused:
        await sandbox.post("people", **fields)
    assert str(refused.value) == sentence


async def test_a_chat_is_read_from_a_revision_on_edits_included(sandbox: Running) -> None:
    await sandbox.start()
    sent = await sandbox.call("sendMessage", chat_id=1001, text="one")
    whole = await sandbox.get("people/1001/messages")
    assert [message["text"] for message in whole["messages"]] == ["/start", "one"]
    await sandbox.call("editMessageText", chat_id=1001, message_id=sent["message_id"], text="two")
    news = await sandbox.get(f"people/1001/messages?after={whole['revision']}")
    assert [message["text"] for message in news["messages"]] == ["two"]
    nothing = await sandbox.get(f"people/1001/messages?after={news['revision']}")
    assert nothing == {"revision": news["revision"], "messages": []}


async def test_reading_waits_for_something_new(sandbox: Running) -> None:
    await sandbox.start()
    revision = (await sandbox.get("people/1001/messages"))["revision"]
    found: list[str] = []

    async def read() -> None:
        news = await sandbox.get(f"people/1001/messages?after={revision}&wait=9")
        found.extend(message["text"] for message in news["messages"])

    async with trio.open_nursery() as both:
        both.start_soon(read)
        await sandbox.call("sendMessage", chat_id=1001, text="hello")
    assert found == ["hello"]


async def test_unread_counts_the_bots_messages_until_they_are_read(sandbox: Running) -> None:
    await sandbox.start()
    for text in ("one", "two"):
        await sandbox.call("sendMessage", chat_id=1001, text=text)
    assert (await sandbox.get("people"))["people"][0]["unread"] == 2
    await sandbox.post("people/1001/read")
    assert (await sandbox.get("people"))["people"][0]["unread"] == 0


@pytest.mark.parametrize(
    ("fault", "status", "description"),
    [
        ({"kind": "429", "retry_after": 3}, 429, "Too Many Requests: retry after 3"),
        ({"kind": "500"}, 500, "Internal Server Error: sandbox fault"),
    ],
)
async def test_a_fault_refuses_the_next_calls_of_its_method_and_does_nothing(
    sandbox: Running, fault: dict[str, object], status: int, description: str
) -> None:
    await sandbox.start()
    await sandbox.post("faults", method="sendMessage", count=1, **fault)
    await sandbox.call("getMe")
    with pytest.raises(Refused) as refused:
        await sandbox.call("sendMessage", chat_id=1001, text="x")
    assert (refused.value.status, str(refused.value)) == (status, description)
    assert refused.value.envelope.get("parameters") == ({"retry_after": 3} if status == 429 else None)
    await sandbox.call("sendMessage", chat_id=1001, text="y")
    texts = [message["text"] for message in (await sandbox.get("people/1001/messages"))["messages"]]
    assert texts == ["/start", "y"]


async def test_a_dropped_reply_has_had_its_effect(sandbox: Running) -> None:
    await sandbox.start()
    await sandbox.post("faults", method="*", kind="drop")
    with pytest.raises(OutcomeUnknown):
        await sandbox.call("sendMessage", chat_id=1001, text="x")
    assert (await sandbox.get("people/1001/messages"))["messages"][-1]["text"] == "x"
    assert (await sandbox.get("faults")) == {"faults": []}


async def test_calls_are_listed_with_parameters_and_outcome(sandbox: Running) -> None:
    await sandbox.start()
    with pytest.raises(Refused):
        await sandbox.call("sendMessage", chat_id=5, text="x")
    await sandbox.call("sendMessage", chat_id=1001, text="y")
    calls = (await sandbox.get("calls?method=sendmessage"))["calls"]
    assert [(call["status"], call["params"]["text"], call.get("error")) for call in calls] == [
        (400, "x", "Bad Request: chat not found"),
        (200, "y", None),
    ]
    assert (await sandbox.get(f"calls?after={calls[-1]['n']}"))["calls"] == []


async def test_the_clock_moves_on_request(sandbox: Running) -> None:
    before = (await sandbox.get("state"))["now"]
    assert await sandbox.post("advance", seconds=86400) == {"now": before + 86400}
    with pytest.raises(Refused, match="seconds"):
        await sandbox.post("advance", seconds=0)


class Watcher:
    """Somebody who watches the stream, over a plain connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._text = ""

    async def next_event(self) -> dict[str, Any]:
        """The next event, with its number under `number`."""
        with trio.fail_after(5):
            while "\n\n" not in self._text or "data: " not in self._text.partition("\n\n")[0]:
                _, found, rest = self._text.partition("\n\n")
                self._text = rest if found else self._text + (await self._stream.receive_some()).decode()
        frame, _, self._text = self._text.partition("\n\n")
        number, _, data = frame.partition("\ndata: ")
        return {**json.loads(data), "number": number.removeprefix("id: ")}


@asynccontextmanager
async def watching(sandbox: Running, last: str = "") -> AsyncIterator[Watcher]:
    """Watch from now on, or from event `last` on."""
    async with await trio.open_tcp_stream("127.0.0.1", sandbox.port) as stream:
        # HTTP/1.0: the answer ends with the connection and is not cut into chunks.
        request = f"GET /sandbox/events HTTP/1.0\r\nHost: 127.0.0.1\r\nLast-Event-ID: {last}\r\n\r\n"
        await stream.send_all(request.encode())
        head = b""
        while b"retry: 1000" not in head:
            head += await stream.receive_some()
        assert b"content-type: text/event-stream" in head
        watcher = Watcher(stream)
        watcher._text = head.decode().partition("\r\n\r\n")[2]
        yield watcher


async def test_the_stream_tells_of_a_message_and_replays_what_was_missed(sandbox: Running) -> None:
    async with watching(sandbox) as watcher:
        await sandbox.post("people/1001/messages", text="/start")
        first = await watcher.next_event()
    assert (first["kind"], first["person"]) == ("chat", 1001)
    await sandbox.post("people/1002/messages", text="/start")
    async with watching(sandbox, first["number"]) as watcher:
        missed = [await watcher.next_event() for _ in range(3)]
    assert [(event["kind"], event["person"]) for event in missed] == [
        ("person", 1001),
        ("chat", 1002),
        ("person", 1002),
    ]


async def test_who_was_away_too_long_is_told_to_start_over(sandbox: Running) -> None:
    async with watching(sandbox, "17") as watcher:
        assert (await watcher.next_event())["kind"] == "reset"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/sandbox/state", "/page/main.js"])
async def test_a_foreign_name_or_page_is_kept_out(
    sandbox: Running, headers: dict[str, str], path: str
) -> None:
    response = await sandbox.http.request("GET", path, headers=headers)
    assert response.status_code == 403


async def test_a_body_that_a_foreign_page_could_send_unasked_is_refused(sandbox: Running) -> None:
    response = await sandbox.http.request(
        "POST", "/sandbox/people", content=b"{}", headers={"content-type": "text/plain"}
    )
    assert response.status_code == 415


async def test_the_page_runs_only_its_own_scripts(sandbox: Running) -> None:
    response = await sandbox.http.request("GET", "/", headers={"host": f"localhost:{sandbox.port}"})
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
