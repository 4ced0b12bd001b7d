"""The sandbox's webhooks: signed, and repeated until they are answered with 200, restarts included.

The real one tries 17 times within three days (changes of 18 March 2026). Here the pauses grow the same way,
but start at a second: nobody waits for a sandbox.
"""

import json
from datetime import timedelta
from typing import Final

import msgspec
import structlog
import trio

from integrations.cryptopay.sandbox.book import Book, Record
from integrations.cryptopay.sandbox.wire import invoice_object, time
from integrations.cryptopay.signature import SIGNATURE_HEADER, sign
from integrations.http_client import Http, HttpError, open_http
from integrations.sandbox_store import Store

ATTEMPTS: Final = 17
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 3600.0
#: How often the clock is looked at; it may be moved by a test.
_TICK_SECONDS: Final = 0.5

_log: Final = structlog.get_logger(__name__)


class Delivery(msgspec.Struct):
    """A webhook that has not been answered with 200: the body as it was first made, and when to try next."""

    body: str
    attempts: int
    due: float


class Deliveries:
    """Posts "invoice_paid" to one address. Without an address there are no webhooks."""

    def __init__(self, store: Store, book: Book, token: str, url: str | None) -> None:
        self._store = store
        self._book = book
        self._token = token
        self._url = url
        self._waiting = store.collection("cryptopay/deliveries", Delivery)
        self._wake = trio.Event()

    def add(self, record: Record) -> None:
        """Have the payment of an invoice told; again, if it was told before."""
        if self._url is None:
            return
        now = self._book.now()
        update_id = self._store.next_id("cryptopay/update_id")
        update = {
            "update_id": update_id,
            "update_type": "invoice_paid",
            "request_date": time(now),
            "payload": invoice_object(record, now),
        }
        self._waiting.put(update_id, Delivery(json.dumps(update), 0, now.timestamp()))
        self._wake.set()

    async def run(self) -> None:
        """Deliver what is due, for ever."""
        if self._url is None:
            await trio.sleep_forever()
        async with open_http(base_url=self._url, max_connections=1, timeout=5.0) as http:
            while True:
                self._wake = trio.Event()
                for update_id, delivery in self._waiting.items():
                    if delivery.due <= self._book.now().timestamp():
                        await self._deliver(http, int(update_id), delivery)
                with trio.move_on_after(_TICK_SECONDS):
                    await self._wake.wait()

    async def _deliver(self, http: Http, update_id: int, delivery: Delivery) -> None:
        body = delivery.body.encode()
        headers = {"content-type": "application/json", SIGNATURE_HEADER: sign(self._token, body)}
        try:
            answer = await http.request("POST", self._url or "", content=body, headers=headers)
            problem = None if answer.is_success else f"it answered {answer.status_code}"
        except HttpError as error:
            problem = str(error)
        delivery.attempts += 1
        if problem is None or delivery.attempts == ATTEMPTS:
            self._waiting.delete(update_id)
        else:
            pause = min(_FIRST_PAUSE_SECONDS * 2 ** (delivery.attempts - 1), _LONGEST_PAUSE_SECONDS)
            delivery.due = (self._book.now() + timedelta(seconds=pause)).timestamp()
            self._waiting.put(update_id, delivery)
        if problem is not None:
            _log.info("sandbox: a webhook was not taken", attempt=delivery.attempts, reason=problem)
