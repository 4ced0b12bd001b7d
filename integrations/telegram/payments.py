"""Money through the Bot API beyond invoice messages: invoice links, refunds, subscriptions, the bot's transactions.

Telegram's errors become the two that a payment provider has: `Refused` for what will never go through, `TryLater` for
the rest. Every call here may be repeated: an invoice link that nobody pays harms nobody, a refund that was done is
refused as such and counts as done.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec
import structlog
from telegram import LabeledPrice
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from domain.money import Money
from integrations.provider import Order, Refused, TryLater
from integrations.telegram.bot import TrioBot
from integrations.telegram.outgoing import STARS
from integrations.telegram.request import TooManyRequests

R = TypeVar("R")

#: The one period that Telegram takes for a subscription.
MONTH_SECONDS: Final = 2_592_000
_TITLE_LIMIT: Final = 32
_DESCRIPTION_LIMIT: Final = 255

#: Parts of Telegram's texts, lower case, that mean that the wanted state is there already.
_REFUNDED: Final = "charge_already_refunded"
#: The bot's Stars were withdrawn or are still held back: with new ones the refund goes through.
_BALANCE: Final = "balance_too_low"

_log: Final = structlog.get_logger(__name__)


async def create_invoice_link(bot: TrioBot, order: Order) -> str:
    """The address of an invoice that whoever opens it can pay, any number of times.

    Stars are asked in XTR, everything else by card; only Stars can be charged every month. Raises `Refused` and
    `TryLater`.
    """
    title, description = order.title[:_TITLE_LIMIT], order.description[:_DESCRIPTION_LIMIT]
    return await _asked(
        bot.create_invoice_link(
            title,
            description,
            order.payload,
            order.price.currency,
            [LabeledPrice(title, order.price.minor)],
            provider_token="" if order.price.currency == STARS else bot.provider_token,
            subscription_period=MONTH_SECONDS if order.monthly else None,
        )
    )


async def refund_stars(bot: TrioBot, user_id: int, charge_id: str) -> None:
    """Give the Stars of a charge back to who paid it; a charge that went back already is done.

    Raises `Refused` for a charge that Telegram does not know of this person, `TryLater` for everything that may pass,
    the bot's own lack of Stars included.
    """
    try:
        await bot.refund_star_payment(user_id, charge_id)
    except BadRequest as error:
        text = str(error).lower()
        if _REFUNDED in text:
            return
        if _BALANCE in text:
            raise TryLater("the bot has fewer Stars than the payment") from None
        raise _provider_error(error) from None
    except TelegramError as error:
        raise _provider_error(error) from None


async def stop_subscription(bot: TrioBot, user_id: int, charge_id: str, *, stopped: bool = True) -> None:
    """Have a Stars subscription end with the period that is paid, or let the person have it again.

    `charge_id` is of any of its charges. Raises `Refused` and `TryLater`.
    """
    await _asked(bot.edit_user_star_subscription(user_id, charge_id, is_canceled=stopped))


@dataclass(frozen=True, slots=True)
class StarTransaction:
    """Stars of an invoice that came from a person (`incoming`) or went back to them.

    For a refund, `charge_id` is the payment's. `monthly`: a charge of a subscription.
    """

    charge_id: str
    amount: Money
    at: datetime
    incoming: bool
    user_id: int
    payload: str | None
    monthly: bool


@dataclass(frozen=True, slots=True)
class StarPage:
    """Some of the bot's transactions in the order of time; `count` of them, those that are not of invoices included."""

    transactions: tuple[StarTransaction, ...]
    count: int


async def star_transactions(bot: TrioBot, offset: int, limit: int) -> StarPage:
    """The `limit` transactions (at most 100) after the first `offset`; raises `TryLater`.

    Withdrawals, gifts, advertising and the like are counted and left out, one that cannot be read is reported.
    """
    try:
        raw = msgspec.convert(await bot.raw_star_transactions(offset, limit), _Page).transactions
    except TelegramError as error:
        raise _provider_error(error) from None
    except msgspec.ValidationError as error:
        raise TryLater(f"getStarTransactions did not give a page of transactions: {error}") from None
    found = [transaction for each in raw if (transaction := _read(each)) is not None]
    return StarPage(tuple(found), len(raw))


class _Page(msgspec.Struct):
    transactions: list[object]


class _User(msgspec.Struct):
    id: int


class _Partner(msgspec.Struct):
    type: str
    transaction_type: str = ""
    user: _User | None = None
    invoice_payload: str | None = None
    subscription_period: int | None = None


class _Wire(msgspec.Struct):
    id: str
    amount: int
    date: int
    source: _Partner | None = None
    receiver: _Partner | None = None


def _read(raw: object) -> StarTransaction | None:
    try:
        wire = msgspec.convert(raw, _Wire)
    except msgspec.ValidationError as error:
        _log.error("a Star transaction cannot be read", reason=str(error))
        return None
    partner = wire.source or wire.receiver
    if partner is None or partner.user is None or partner.transaction_type != "invoice_payment":
        return None
    return StarTransaction(
        charge_id=wire.id,
        amount=Money(wire.amount, STARS),
        at=datetime.fromtimestamp(wire.date, UTC),
        incoming=wire.source is not None,
        user_id=partner.user.id,
        payload=partner.invoice_payload,
        monthly=partner.subscription_period is not None,
    )


async def _asked(call: Awaitable[R]) -> R:
    try:
        return await call
    except TelegramError as error:
        raise _provider_error(error) from None


def _provider_error(error: TelegramError) -> Refused | TryLater:
    match error:
        case TooManyRequests():
            return TryLater(str(error), error.retry_after)
        case BadRequest() | Forbidden() | ChatMigrated():
            return Refused(str(error))
        case _:
            return TryLater(str(error))
