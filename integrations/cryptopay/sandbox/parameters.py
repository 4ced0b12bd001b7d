"""Reading what a method of the API was asked: query, form or JSON, checked as strictly as the real one does."""

import json
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from urllib.parse import parse_qsl

from starlette.requests import Request

from integrations.cryptopay.sandbox.book import Draft
from integrations.cryptopay.sandbox.rates import ASSETS, FIATS


class Refused(Exception):
    """The error that the API answers: an HTTP status, which is its code as well, and a name."""

    def __init__(self, code: int, name: str) -> None:
        super().__init__(name)
        self.code = code
        self.name = name


async def read_parameters(request: Request) -> dict[str, str]:
    """All parameters as text; those of the body win over those of the query."""
    parameters = dict(request.query_params)
    body = await request.body()
    if not body:
        return parameters
    if request.headers.get("content-type", "").startswith("application/json"):
        return parameters | _from_json(body)
    return parameters | dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _from_json(body: bytes) -> dict[str, str]:
    try:
        values = json.loads(body, parse_float=str, parse_int=str)
    except ValueError:
        raise Refused(400, "JSON_INVALID") from None
    if not isinstance(values, dict):
        raise Refused(400, "JSON_INVALID")
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None
    }


def read_draft(parameters: Mapping[str, str]) -> Draft:
    """The parameters of createInvoice; raises `Refused`."""
    kind = choice(parameters, "currency_type", ("crypto", "fiat"), "crypto")
    name = parameters.get("paid_btn_name")
    if name is not None:
        choice(parameters, "paid_btn_name", ("viewItem", "openChannel", "openBot", "callback"), "")
        if not re.match(r"https?://.", parameters.get("paid_btn_url", "")):
            raise Refused(400, "PAID_BTN_URL_INVALID")
    return Draft(
        amount=_amount(parameters),
        fiat=_required(parameters, "fiat", FIATS) if kind == "fiat" else None,
        asset=_required(parameters, "asset", ASSETS) if kind == "crypto" else None,
        accepted_assets=several(parameters, "accepted_assets", ASSETS) if kind == "fiat" else [],
        description=_text(parameters, "description", 1024),
        hidden_message=_text(parameters, "hidden_message", 2048),
        payload=_text(parameters, "payload", 4096),
        paid_btn_name=name,
        paid_btn_url=parameters.get("paid_btn_url"),
        allow_comments=choice(parameters, "allow_comments", ("true", "false"), "true") == "true",
        allow_anonymous=choice(parameters, "allow_anonymous", ("true", "false"), "true") == "true",
        expires_in=integer(parameters, "expires_in", 1, 2_678_400),
    )


def integer(parameters: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    """A whole number within bounds, None if absent."""
    text = parameters.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text) or not least <= int(text) <= most:
        raise Refused(400, f"{name.upper()}_INVALID")
    return int(text)


def several(parameters: Mapping[str, str], name: str, known: Collection[str] | None = None) -> list[str]:
    """A list separated by commas, empty if absent."""
    items = [item.strip() for item in parameters.get(name, "").split(",") if item.strip()]
    if known is not None and not set(items) <= set(known):
        raise Refused(400, f"{name.upper()}_INVALID")
    return items


def choice(parameters: Mapping[str, str], name: str, known: Collection[str], default: str) -> str:
    """One of the known words."""
    word = parameters.get(name, default)
    if word not in known and word != default:
        raise Refused(400, f"{name.upper()}_INVALID")
    return word


def _required(parameters: Mapping[str, str], name: str, known: Collection[str]) -> str:
    if name not in parameters:
        raise Refused(400, f"{name.upper()}_REQUIRED")
    return choice(parameters, name, known, "")


def _amount(parameters: Mapping[str, str]) -> Decimal:
    text = parameters.get("amount")
    if text is None:
        raise Refused(400, "AMOUNT_REQUIRED")
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,18})?", text) or not Decimal(text):
        raise Refused(400, "AMOUNT_INVALID")
    return Decimal(text)


def _text(parameters: Mapping[str, str], name: str, most_bytes: int) -> str | None:
    text = parameters.get(name)
    if text is not None and len(text.encode("utf-8", "replace")) > most_bytes:
        raise Refused(400, f"{name.upper()}_TOO_LONG")
    return text
