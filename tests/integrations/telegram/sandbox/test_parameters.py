"""A Bot API request reads the same as query string, form, JSON or multipart."""

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from integrations.telegram.sandbox import SANDBOX_TOKEN
from integrations.telegram.sandbox.errors import BotApiError
from integrations.telegram.sandbox.parameters import Parameters, Upload, read_parameters
from tests.integrations.telegram.sandbox.conftest import Refused, Running


@given(st.binary(max_size=300), st.text(max_size=60))
def test_any_bytes_and_any_text_arrive_whole_in_a_multipart_body(data: bytes, text: str) -> None:
    request = httpx.Request(
        "POST", "http://test", data={"text": text}, files={"photo": ("q.png", data, "image/png")}
    )
    parameters = read(request)
    upload = parameters.upload("photo")
    assert parameters.fields == {"text": text}
    assert isinstance(upload, Upload)
    assert (upload.name, upload.media_type, upload.data) == ("q.png", "image/png", data)


def read(request: httpx.Request) -> Parameters:
    """The parameters of a request as the server would see them."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": request.read(), "more_body": False}

    headers = [(name.lower(), value) for name, value in request.headers.raw]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return trio.run(read_parameters, Request(scope, receive))


async def test_every_way_of_sending_parameters_reads_the_same(sandbox: Running) -> None:
    await sandbox.start()
    path = f"/bot{SANDBOX_TOKEN}/sendMessage"
    fields = {"chat_id": "1001", "text": "a & b + ü", "disable_notification": "true"}
    for response in [
        await sandbox.http.request("GET", str(httpx.URL(path, params=fields))),
        await sandbox.http.request("POST", path, data=fields),
        await sandbox.http.request(
            "POST", path, json={**fields, "chat_id": 1001, "disable_notification": True}
        ),
        await sandbox.http.request("POST", path, data=fields, files={"unused": ("x", b"")}),
    ]:
        assert response.json()["result"]["text"] == "a & b + ü", response.text


async def test_method_names_are_compared_without_case(sandbox: Running) -> None:
    assert (await sandbox.call("GETME"))["username"] == "turnpike_sandbox_bot"


async def test_an_unknown_method_is_404(sandbox: Running) -> None:
    with pytest.raises(Refused, match="Not Found: method not found"):
        await sandbox.call("sendMiracle")


async def test_a_body_that_is_not_json_is_refused(sandbox: Running) -> None:
    path = f"/bot{SANDBOX_TOKEN}/getMe"
    response = await sandbox.http.request(
        "POST", path, content=b"{", headers={"content-type": "application/json"}
    )
    assert response.json() == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: can't parse request JSON object",
    }


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        ("/bot7000000001:SANDBOX-another/getMe", 401, "Unauthorized"),
        ("/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe", 401, "Unauthorized"),
        ("/botnonsense/getMe", 404, "Not Found"),
        ("/bot/getMe", 404, "Not Found"),
        (f"/bot{SANDBOX_TOKEN}", 404, "Not Found"),
        ("/file/bot7000000001:SANDBOX-another/photos/file_1.png", 401, "Unauthorized"),
        (f"/file/bot{SANDBOX_TOKEN}/photos/file_1.png", 404, "Not Found"),
    ],
)
async def test_another_token_is_refused(sandbox: Running, path: str, status: int, description: str) -> None:
    response = await sandbox.http.request("GET", path)
    assert response.json() == {"ok": False, "error_code": status, "description": description}
    assert response.status_code == status


def test_numbers_are_forced_into_their_range_and_text_is_zero() -> None:
    parameters = Parameters({"limit": "1000", "offset": "x"}, {})
    assert parameters.integer("limit", 100, 1, 100) == 100
    assert parameters.integer("offset", 5, -10, 10) == 0
    assert parameters.integer("timeout", 7, 0, 50) == 7


def test_json_that_does_not_fit_is_refused_with_the_given_words() -> None:
    with pytest.raises(BotApiError, match="can't parse commands"):
        Parameters({"commands": '{"a": 1}'}, {}).json("commands", list[str], "can't parse commands")
