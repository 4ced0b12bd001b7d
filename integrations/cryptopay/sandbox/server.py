"""The sandbox put together: one Starlette application, and the task that delivers its webhooks."""

import re
from typing import Final

from starlette.applications import Starlette

from integrations.cryptopay.sandbox.api import Api
from integrations.cryptopay.sandbox.book import Book, Clock
from integrations.cryptopay.sandbox.deliveries import Deliveries
from integrations.cryptopay.sandbox.person import Person
from integrations.sandbox_store import Store

#: A token that shows what it is; the real ones have no dashes around a word.
SANDBOX_CRYPTOPAY_TOKEN: Final = "70001:SANDBOX-turnpike-local-shop"  # noqa: S105
_TOKEN: Final = re.compile(r"[0-9]+:SANDBOX-[A-Za-z0-9_-]+")


class CryptoPaySandbox:
    """A Crypto Pay with one app in it. Serve `app`, and start `run` for its webhooks.

    `clock` gives an aware time; `webhook_url` is where payments are told, None for nowhere. Raises `ValueError`
    for a token without the sandbox's mark: a real one has no business here.
    """

    def __init__(self, store: Store, clock: Clock, *, token: str, webhook_url: str | None = None) -> None:
        if not _TOKEN.fullmatch(token):
            raise ValueError("the sandbox takes only tokens of the form 70001:SANDBOX-…")
        book = Book(store, clock)
        self._deliveries = Deliveries(store, book, token, webhook_url)
        self.app = Starlette(routes=[*Api(book, token).routes(), *Person(book, self._deliveries).routes()])

    async def run(self) -> None:
        """Deliver webhooks until cancelled; what was not delivered then is in the store."""
        await self._deliveries.run()
