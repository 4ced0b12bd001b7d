"""Messages: who may be written to, what is refused, what an edit changes, what a person then sees."""

import base64

import pytest

from integrations.telegram.sandbox import SANDBOX_TOKEN
from tests.integrations.telegram.sandbox.conftest import Refused, Running

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)
KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Plans", "callback_data": "plans"}, {"text": "Site", "url": "https://example.com"}]
    ]
}


async def refusal(sandbox: Running, method: str, **params: object) -> tuple[int, str]:
    """The status and description of a call that must be refused."""
    with pytest.raises(Refused) as refused:
        await sandbox.call(method, **params)
    return refused.value.status, str(refused.value)


async def test_nobody_is_written_to_before_they_start(sandbox: Running) -> None:
    assert await refusal(sandbox, "sendMessage", chat_id=1001, text="hi") == (
        403,
        "Forbidden: bot can't initiate conversation with a user",
    )
    await sandbox.start()
    assert (await sandbox.call("sendMessage", chat_id=1001, text="hi"))["chat"]["id"] == 1001


async def test_who_blocked_the_bot_is_not_written_to_and_the_bot_is_told(sandbox: Running) -> None:
    await sandbox.start()
    await sandbox.post("people/1001/block")
    assert await refusal(sandbox, "sendMessage", chat_id=1001, text="hi") == (
        403,
        "Forbidden: bot was blocked by the user",
    )
    await sandbox.post("people/1001/unblock")
    await sandbox.call("sendMessage", chat_id=1001, text="welcome back")
    changes = [update["my_chat_member"] for update in await sandbox.updates()]
    assert [(c["old_chat_member"]["status"], c["new_chat_member"]["status"]) for c in changes] == [
        ("member", "kicked"),
        ("kicked", "member"),
    ]


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"text": "hi"}, "Bad Request: chat_id is empty"),
        ({"chat_id": 5, "text": "hi"}, "Bad Request: chat not found"),
        ({"chat_id": "@somebody", "text": "hi"}, "Bad Request: chat not found"),
        ({"chat_id": 1001}, "Bad Request: message text is empty"),
        ({"chat_id": 1001, "text": "  "}, "Bad Request: message text is empty"),
        ({"chat_id": 1001, "text": "<b></b>", "parse_mode": "HTML"}, "Bad Request: message text is empty"),
        ({"chat_id": 1001, "text": "x" * 4097}, "Bad Request: message is too long"),
        ({"chat_id": 1001, "text": "x", "parse_mode": "BB"}, "Bad Request: unsupported parse_mode"),
        (
            {"chat_id": 1001, "text": "x", "reply_markup": "{"},
            "Bad Request: can't parse reply keyboard markup JSON object",
        ),
        ({"chat_id": 1001, "text": "x", "reply_markup": []}, "Bad Request: object expected as reply markup"),
        (
            {"chat_id": 1001, "text": "x", "reply_parameters": {"message_id": 99}},
            "Bad Request: message to be replied not found",
        ),
    ],
)
async def test_a_wrong_send_is_refused_in_telegrams_words(
    sandbox: Running, params: dict[str, object], description: str
) -> None:
    await sandbox.start()
    assert await refusal(sandbox, "sendMessage", **params) == (400, description)


@pytest.mark.parametrize(
    ("button", "description"),
    [
        ({"text": "x", "callback_data": ""}, "Bad Request: BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": "я" * 33}, "Bad Request: BUTTON_DATA_INVALID"),
        (
            {"text": "x"},
            "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"text": "x", "url": "vless://abc"},
            "Bad Request: inline keyboard button URL 'vless://abc' is invalid: Unsupported URL protocol",
        ),
        (
            {"text": "x", "url": "nonsense"},
            "Bad Request: inline keyboard button URL 'nonsense' is invalid: Wrong HTTP URL",
        ),
        ({"text": "x", "pay": True}, "Bad Request: BUTTON_TYPE_INVALID"),
        (
            {"text": "x", "web_app": {"url": "javascript:alert(1)"}},
            "Bad Request: inline keyboard button Web App URL 'javascript:alert(1)' is invalid: "
            "Only HTTPS links are allowed",
        ),
    ],
)
async def test_a_wrong_button_is_refused_in_telegrams_words(
    sandbox: Running, button: dict[str, object], description: str
) -> None:
    await sandbox.start()
    markup = {"inline_keyboard": [[button]]}
    assert await refusal(sandbox, "sendMessage", chat_id=1001, text="x", reply_markup=markup) == (
        400,
        description,
    )


async def test_a_text_of_4096_units_is_sent(sandbox: Running) -> None:
    await sandbox.start()
    sent = await sandbox.call("sendMessage", chat_id=1001, text="😀" * 2048)
    assert len(sent["text"]) == 2048


async def test_a_person_sees_the_message_with_its_buttons(sandbox: Running) -> None:
    await sandbox.start()
    await sandbox.call(
        "sendMessage", chat_id=1001, text="<b>Hi</b> &lt;you&gt;", parse_mode="HTML", reply_markup=KEYBOARD
    )
    seen = (await sandbox.get("people/1001/messages"))["messages"][-1]
    assert (seen["from"], seen["text"], seen["html"]) == ("bot", "Hi <you>", "<b>Hi</b> &lt;you&gt;")
    assert seen["buttons"] == [
        [
            {"text": "Plans", "kind": "callback", "data": "plans"},
            {"text": "Site", "kind": "url", "url": "https://example.com"},
        ]
    ]


async def test_an_edit_changes_text_and_keyboard_and_the_same_again_is_refused(sandbox: Running) -> None:
    await sandbox.start()
    sent = await sandbox.call("sendMessage", chat_id=1001, text="one", reply_markup=KEYBOARD)
    where = {"chat_id": 1001, "message_id": sent["message_id"]}
    edited = await sandbox.call("editMessageText", **where, text="two")
    assert (edited["text"], edited.get("reply_markup"), edited["edit_date"]) == ("two", None, sent["date"])
    not_modified = (
        400,
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
        "same as a current content and reply markup of the message",
    )
    assert await refusal(sandbox, "editMessageText", **where, text="two") == not_modified
    await sandbox.call("editMessageReplyMarkup", **where, reply_markup=KEYBOARD)
    assert await refusal(sandbox, "editMessageReplyMarkup", **where, reply_markup=KEYBOARD) == not_modified


async def test_only_the_bots_own_messages_with_text_are_edited(sandbox: Running) -> None:
    await sandbox.start()
    photo = await sandbox.send_file("sendPhoto", "photo", "p.png", PNG, chat_id="1001")
    assert await refusal(sandbox, "editMessageText", chat_id=1001, message_id=1, text="x") == (
        400,
        "Bad Request: message can't be edited",
    )
    assert await refusal(sandbox, "editMessageText", chat_id=1001, message_id=99, text="x") == (
        400,
        "Bad Request: message to edit not found",
    )
    assert await refusal(
        sandbox, "editMessageText", chat_id=1001, message_id=photo["message_id"], text="x"
    ) == (
        400,
        "Bad Request: there is no text in the message to edit",
    )


async def test_a_deleted_message_is_gone_for_both(sandbox: Running) -> None:
    await sandbox.start()
    sent = await sandbox.call("sendMessage", chat_id=1001, text="x")
    where = {"chat_id": 1001, "message_id": sent["message_id"]}
    assert await sandbox.call("deleteMessage", **where) is True
    assert await refusal(sandbox, "deleteMessage", **where) == (
        400,
        "Bad Request: message to delete not found",
    )
    seen = (await sandbox.get("people/1001/messages"))["messages"][-1]
    assert seen["deleted"] is True
    assert "text" not in seen


async def test_a_photo_is_kept_shown_found_again_and_captioned(sandbox: Running) -> None:
    await sandbox.start()
    sent = await sandbox.send_file(
        "sendPhoto", "photo", "p.png", PNG, chat_id="1001", caption="<i>scan</i>", parse_mode="HTML"
    )
    size = sent["photo"][-1]
    assert (size["width"], size["height"], sent["caption"]) == (1, 1, "scan")
    file = await sandbox.call("getFile", file_id=size["file_id"])
    download = await sandbox.http.request("GET", f"/file/bot{SANDBOX_TOKEN}/{file['file_path']}")
    assert download.content == PNG
    again = await sandbox.call("sendPhoto", chat_id=1001, photo=size["file_id"])
    assert again["photo"] == sent["photo"]
    await sandbox.call("editMessageCaption", chat_id=1001, message_id=again["message_id"], caption="new")
    seen = (await sandbox.get("people/1001/messages"))["messages"][-1]
    shown = await sandbox.http.request("GET", seen["photo"]["url"])
    assert (seen["caption"], shown.content, shown.headers["content-type"]) == ("new", PNG, "image/png")


async def test_what_is_not_a_picture_is_no_photo(sandbox: Running) -> None:
    await sandbox.start()
    with pytest.raises(Refused, match="IMAGE_PROCESS_FAILED"):
        await sandbox.send_file("sendPhoto", "photo", "p.png", b"<svg/>", chat_id="1001")
    assert await refusal(sandbox, "sendPhoto", chat_id=1001) == (
        400,
        "Bad Request: there is no photo in the request",
    )
    assert await refusal(sandbox, "sendPhoto", chat_id=1001, photo="unknown") == (
        400,
        "Bad Request: wrong file identifier/HTTP URL specified",
    )


async def test_a_document_is_only_ever_downloaded_by_a_browser(sandbox: Running) -> None:
    await sandbox.start()
    html = b"<script>alert(1)</script>"
    await sandbox.send_file("sendDocument", "document", "page.html", html, chat_id="1001")
    seen = (await sandbox.get("people/1001/messages"))["messages"][-1]["document"]
    shown = await sandbox.http.request("GET", seen["url"])
    assert (seen["file_name"], shown.content) == ("page.html", html)
    assert shown.headers["content-type"] == "application/octet-stream"
    assert shown.headers["content-disposition"] == "attachment"


async def test_message_ids_count_up_in_each_chat(sandbox: Running) -> None:
    await sandbox.start(1001)
    await sandbox.start(1002)
    sent = [await sandbox.call("sendMessage", chat_id=chat, text="x") for chat in (1001, 1001, 1002)]
    assert [message["message_id"] for message in sent] == [2, 3, 2]
