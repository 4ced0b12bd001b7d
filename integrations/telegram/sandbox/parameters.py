"""Reading a Bot API request: query string, form, JSON or multipart, as one set of parameters.

Telegram's server turns everything into text first (a number in a JSON body reads like the same digits in a form)
and parses each parameter when its method asks for it; so does this module.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from integrations.telegram.sandbox.errors import bad_request

T = TypeVar("T")

_TRUE: Final = frozenset({"true", "yes", "1"})


class Upload(msgspec.Struct, frozen=True):
    """A file of a multipart request."""

    name: str
    media_type: str
    data: bytes


class Parameters:
    """The parameters of one call; every reader refuses what Telegram refuses, with its words."""

    def __init__(self, fields: Mapping[str, str], uploads: Mapping[str, Upload]) -> None:
        self.fields = fields
        self._uploads = uploads

    def shown(self) -> dict[str, object]:
        """What the call log keeps: fields as text, files by their names."""
        return {**self.fields, **{name: f"<file {file.name}>" for name, file in self._uploads.items()}}

    def has(self, name: str) -> bool:
        """Whether the parameter was given and is not empty."""
        return bool(self.fields.get(name))

    def text(self, name: str) -> str:
        """The parameter as text; empty when absent."""
        return self.fields.get(name, "")

    def required(self, name: str) -> str:
        """The parameter as text; refuses an empty one."""
        value = self.text(name)
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A number, forced into low..high; text that is no number counts as 0, as on Telegram's server."""
        if not self.has(name):
            return default
        return min(max(_leading_integer(self.text(name)), low), high)

    def identifier(self, name: str, reason: str) -> int:
        """An id; refuses with `reason` what is not one."""
        try:
            return int(self.text(name))
        except ValueError:
            raise bad_request(reason) from None

    def boolean(self, name: str) -> bool:
        """Whether the parameter says yes: true, yes or 1."""
        return self.text(name).strip().lower() in _TRUE

    def json(self, name: str, document: type[T], reason: str) -> T | None:
        """A JSON-serialised parameter; None when absent; refuses with `reason` what does not fit `document`."""
        if not self.has(name):
            return None
        try:
            return msgspec.json.decode(self.text(name), type=document)
        except msgspec.DecodeError:
            raise bad_request(reason) from None

    def upload(self, name: str) -> Upload | str:
        """A file: the one uploaded under this name or through `attach://`, else its text (id or address)."""
        value = self.text(name)
        if value.startswith("attach://"):
            name, value = value.removeprefix("attach://"), ""
        return self._uploads.get(name) or value


async def read_parameters(request: Request) -> Parameters:
    """The parameters of a request; raises `BotApiError` for a body that cannot be read."""
    fields = dict(request.query_params)
    uploads: dict[str, Upload] = {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and media_type == "application/json":
        fields |= _from_json(await request.body())
    elif request.method == "POST":
        await _read_form(request, fields, uploads)
    return Parameters(fields, uploads)


async def _read_form(request: Request, fields: dict[str, str], uploads: dict[str, Upload]) -> None:
    try:
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, str):
                    fields[name] = value
                else:
                    media = value.content_type or "application/octet-stream"
                    uploads[name] = Upload(value.filename or "", media, await value.read())
    except HTTPException:  # what Starlette makes of a body that is no multipart
        raise bad_request("can't parse the multipart request") from None


def _from_json(body: bytes) -> dict[str, str]:
    try:
        decoded = msgspec.json.decode(body or b"{}", type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        raise bad_request("can't parse request JSON object") from None
    return {name: _as_text(bytes(value)) for name, value in decoded.items() if bytes(value) != b"null"}


def _as_text(raw: bytes) -> str:
    if raw.startswith(b'"'):
        return msgspec.json.decode(raw, type=str)
    return raw.decode()


def _leading_integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
