"""The payment providers of the shop, and what becomes of the money that they report.

Another provider is a file in `integrations/`, a line in `PROVIDERS`, and its section in `actors/settings.py`. Whoever
needs providers opens their own: an actor that crashes takes nobody else's connections with it.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from actors.environment import Environment
from actors.messages import Write
from actors.reading import Reading
from domain.commands import FinalizePayment, RecordRefund
from domain.entities import Provider
from domain.payload import read_payload
from integrations.cryptopay.client import open_cryptopay
from integrations.cryptopay.provider import CryptoPayProvider
from integrations.provider import Charge, PaymentProvider, Refund
from integrations.telegram.bot import open_bot
from integrations.telegram.cards import Cards
from integrations.telegram.stars import Stars
from runtime import Ref

Happened = TypeVar("Happened", bound=Charge | Refund)

Opened = AbstractAsyncContextManager[PaymentProvider]
#: Gives a provider to be opened, None where the shop does not take its payments.
Opener = Callable[[Environment], Opened | None]


@asynccontextmanager
async def _stars(environment: Environment) -> AsyncIterator[PaymentProvider]:
    api = environment.configuration.settings.telegram.api
    async with open_bot(environment.secrets.bot_token, api_base=api, introduce=False) as bot:
        yield Stars(bot)


@asynccontextmanager
async def _cards() -> AsyncIterator[PaymentProvider]:
    yield Cards()


@asynccontextmanager
async def _cryptopay(token: str, api: str, button_url: str | None) -> AsyncIterator[PaymentProvider]:
    async with open_cryptopay(token, api_base=api) as client:
        yield CryptoPayProvider(client, token, button_url)


def _cards_if_taken(environment: Environment) -> Opened | None:
    taken = environment.configuration.settings.cards is not None and environment.secrets.cards_token
    return _cards() if taken else None


def _cryptopay_if_taken(environment: Environment) -> Opened | None:
    settings, token = environment.configuration.settings.cryptopay, environment.secrets.cryptopay_token
    if settings is None or token is None:
        return None
    username = environment.bot_username
    return _cryptopay(token, settings.api, username and f"https://t.me/{username}")


PROVIDERS: Final[dict[Provider, Opener]] = {
    Provider.STARS: _stars,
    Provider.CARDS: _cards_if_taken,
    Provider.CRYPTOPAY: _cryptopay_if_taken,
}


@asynccontextmanager
async def open_providers(environment: Environment) -> AsyncIterator[Mapping[Provider, PaymentProvider]]:
    """Open every provider that the shop takes payments from; none of them need answer for that."""
    async with AsyncExitStack() as stack:
        providers = {}
        for name, opener in PROVIDERS.items():
            if (opened := opener(environment)) is not None:
                providers[name] = await stack.enter_async_context(opened)
        yield providers


def command_of(
    provider: Provider, happened: Charge | Refund, update_id: int | None = None
) -> FinalizePayment | RecordRefund:
    """What the writer is to record, whichever way it was heard of: its key is the charge, so it counts once.

    Where the provider does not know who paid, it is whom the invoice was made for.
    """
    purchase, named = read_payload(happened.payload)
    payer = named if happened.payer is None else happened.payer
    if isinstance(happened, Refund):
        return RecordRefund(
            provider=provider,
            charge_id=happened.charge_id,
            amount=happened.amount,
            purchase_id=purchase,
            payer=payer,
            by=provider,
            update_id=update_id,
        )
    return FinalizePayment(
        provider=provider,
        charge_id=happened.charge_id,
        amount=happened.amount,
        purchase_id=purchase,
        payer=payer,
        update_id=update_id,
        paid_at=happened.paid_at,
        repeated=happened.repeated,
    )


async def record(writer: Ref, provider: Provider, happened: Charge | Refund) -> None:
    """Have it recorded, whoever heard of it first (R8)."""
    await writer.call(Write(command_of(provider, happened)))


_RECORDED: Final = """
    SELECT charge_id, coalesce(refunds.state = 'done', false) AS refunded
    FROM payments LEFT JOIN refunds ON refunds.payment_id = payments.id
    WHERE provider = %s AND charge_id = ANY(%s)
    ORDER BY charge_id LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A charge that is recorded, and whether its way back is."""

    charge_id: str
    refunded: bool


async def unrecorded(
    readers: Reading, provider: Provider, found: Sequence[Happened], *, reader: str
) -> list[Happened]:
    """What of it the writer has not recorded yet; at most 1,000 charges. It spares the writer most repeats."""
    # Text with a NUL the database cannot even be asked for; the writer fails on it alone.
    charges = list({each.charge_id for each in found if "\0" not in each.charge_id})
    if not charges:
        return []
    rows = await readers.fetch(Recorded, _RECORDED, (provider, charges), reader=reader)
    recorded = {row.charge_id: row.refunded for row in rows}
    return [each for each in found if not _is_recorded(each, recorded)]


def _is_recorded(happened: Charge | Refund, recorded: Mapping[str, bool]) -> bool:
    known = recorded.get(happened.charge_id)
    return bool(known) if isinstance(happened, Refund) else known is not None
