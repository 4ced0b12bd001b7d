"""How python-telegram-bot's Bot reaches the Bot API here: its request interface over `integrations.http_client`.

The library's own HTTPXRequest shows "refused" and "closed after reading" as the same `NetworkError`. A message
has no idempotency key, so that difference decides whether it may be sent again: here it is two types.
"""

import json
from typing import Any, Final

from telegram.error import NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

from integrations.http_client import Http, NotSent, OutcomeUnknown

ODVInput = float | None | object
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


class NotDelivered(NetworkError):
    """The Bot API was not reached: nothing happened, repeating is safe."""


class MaybeDelivered(NetworkError):
    """The request left and no answer came: Telegram may have carried it out."""


class TooManyRequests(TelegramError):
    """Telegram's flood control; `retry_after` is the pause that it demands, in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Telegram asks for a pause of {retry_after:g} s")
        self.retry_after = retry_after


class HttpRequest(BaseRequest):
    """python-telegram-bot's BaseRequest on a client that somebody else opens and closes."""

    def __init__(self, http: Http, read_timeout: float) -> None:
        self._http = http
        self._read_timeout = read_timeout

    @property
    def read_timeout(self) -> float:
        """The seconds for a whole request that does not name its own."""
        return self._read_timeout

    async def initialize(self) -> None:
        """Nothing: the client is already open."""

    async def shutdown(self) -> None:
        """Nothing: the client is closed by who opened it."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput = BaseRequest.DEFAULT_NONE,
        write_timeout: ODVInput = BaseRequest.DEFAULT_NONE,
        connect_timeout: ODVInput = BaseRequest.DEFAULT_NONE,
        pool_timeout: ODVInput = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Ask once and return status and body; only `read_timeout` is heeded, as the bound of the whole request.

        Raises `NotDelivered`, `MaybeDelivered`, `TooManyRequests`, `NetworkError` for a failing server.
        """
        timeout = read_timeout if isinstance(read_timeout, (int, float)) else self._read_timeout
        try:
            answer = await self._http.request(
                "GET" if method == "GET" else "POST",
                url,
                data=request_data.json_parameters if request_data else None,
                files=request_data.multipart_data if request_data and request_data.contains_files else None,
                timeout=timeout,
            )
        except NotSent as error:
            raise NotDelivered(str(error)) from None
        except OutcomeUnknown as error:
            raise MaybeDelivered(str(error)) from None
        if answer.status_code == _TOO_MANY_REQUESTS:
            raise TooManyRequests(_retry_after(answer.content))
        if answer.status_code >= _SERVER_ERROR:
            reason = f"the Bot API answered {answer.status_code}"
            # Telegram's own refusal says `"ok": false`; what stands in between does not know what became of it.
            raise NetworkError(reason) if _is_refusal(answer.content) else MaybeDelivered(reason)
        if answer.is_success and b'"result"' not in answer.content:
            raise TelegramError("the Bot API's answer has no result")
        return answer.status_code, answer.content

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer; raise `TelegramError` without logging what came instead, as the library's own does."""
        try:
            answer = json.loads(payload)
        except ValueError:
            raise TelegramError("the Bot API's answer is not JSON") from None
        if not isinstance(answer, dict):
            raise TelegramError("the Bot API's answer is not a JSON object")
        return answer


def _is_refusal(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("ok") is False


def _retry_after(body: bytes) -> float:
    """The pause that a 429 demands; one second if a proxy in between sent it without saying."""
    try:
        seconds = json.loads(body)["parameters"]["retry_after"]
    except (ValueError, LookupError, TypeError):
        return 1.0
    return max(float(seconds), 0.0) if isinstance(seconds, (int, float)) else 1.0
