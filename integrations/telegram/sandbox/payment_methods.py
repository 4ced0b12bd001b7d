"""Methods about money: invoices in Stars and by card, pre-checkout, refunds, subscriptions, transactions."""

from typing import Final

import msgspec

from integrations.telegram.sandbox.cards import LEAST, PROVIDER_TOKEN_FORM, is_payable
from integrations.telegram.sandbox.errors import bad_request
from integrations.telegram.sandbox.keyboards import Markup, read_markup
from integrations.telegram.sandbox.message_methods import chat_of, deliver
from integrations.telegram.sandbox.parameters import Parameters
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import StoredInvoice
from integrations.telegram.sandbox.till import STARS
from integrations.telegram.sandbox.wire import (
    Button,
    Content,
    Invoice,
    Keyboard,
    Message,
    StarAmount,
    StarTransactions,
)

STARS_LIMIT: Final = 25_000
SUBSCRIPTION_STARS_LIMIT: Final = 10_000
SUBSCRIPTION_SECONDS: Final = 2_592_000
TITLE_LIMIT: Final = 32
DESCRIPTION_LIMIT: Final = 255
PAYLOAD_BYTES: Final = 128


class _Price(msgspec.Struct):
    label: str
    amount: int


def send_invoice(service: Service, parameters: Parameters) -> Message:
    """An invoice message with a Pay button; anybody who gets the message can pay it, any number of times."""
    person = chat_of(service, parameters)
    invoice = _read_invoice(service, parameters)
    invoice.start_parameter = parameters.text("start_parameter")
    markup = read_markup(parameters, invoice=True)
    if markup.inline is None:
        total = invoice.total_amount
        label = f"Pay ⭐️{total}" if invoice.currency == STARS else f"Pay {total / 100:.2f} {invoice.currency}"
        markup = Markup(inline=Keyboard(inline_keyboard=[[Button(text=label, pay=True)]]))
    shown = Invoice(
        title=invoice.title,
        description=invoice.description,
        start_parameter=invoice.start_parameter,
        currency=invoice.currency,
        total_amount=invoice.total_amount,
    )
    content = Content(invoice=shown)
    message = deliver(service, parameters, content, person=person, markup=markup, invoice_id=invoice.id)
    invoice.chat, invoice.message_id = person.id, message.message_id
    service.world.invoices.put(invoice.id, invoice)
    return message


def create_invoice_link(service: Service, parameters: Parameters) -> str:
    """A link that anybody can pay, any number of times."""
    invoice = _read_invoice(service, parameters)
    if parameters.has("subscription_period"):
        invoice.subscription_period = parameters.integer("subscription_period", 0, 0, 1 << 31)
        if invoice.subscription_period != SUBSCRIPTION_SECONDS or invoice.currency != STARS:
            raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
        if invoice.total_amount > SUBSCRIPTION_STARS_LIMIT:
            raise bad_request("SUBSCRIPTION_PRICE_INVALID")
    invoice.slug = f"sandbox{invoice.id:08d}"
    service.world.invoices.put(invoice.id, invoice)
    service.world.invoice_links.put(invoice.slug, invoice.id)
    return f"https://t.me/${invoice.slug}"


def answer_pre_checkout_query(service: Service, parameters: Parameters) -> bool:
    """Let a payment go on, or say why not; refused later than ten seconds after the query."""
    ok = parameters.boolean("ok")
    error_message = parameters.text("error_message")
    if not ok and not error_message:
        raise bad_request('parameter "error_message" is required')
    service.payments.answer(parameters.text("pre_checkout_query_id"), ok, error_message)
    return True


def refund_star_payment(service: Service, parameters: Parameters) -> bool:
    """Give the Stars of a payment back to the payer."""
    user_id = parameters.identifier("user_id", "invalid user_id specified")
    charge = service.till.charge(parameters.text("telegram_payment_charge_id"))
    if charge is None or charge.person != user_id or charge.currency != STARS:
        raise bad_request("CHARGE_ID_INVALID")
    if charge.refunded:
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    if service.till.balance() < charge.total_amount:
        raise bad_request("BALANCE_TOO_LOW")
    service.till.give_back(charge)
    return True


def edit_user_star_subscription(service: Service, parameters: Parameters) -> bool:
    """Stop or allow the next charges of a subscription; the period that is paid goes on to its end."""
    user_id = parameters.identifier("user_id", "invalid user_id specified")
    subscription = service.subscriptions.find(parameters.text("telegram_payment_charge_id"))
    if subscription is None or subscription.person != user_id:
        raise bad_request("CHARGE_ID_INVALID")
    if subscription.over:
        raise bad_request("SUBSCRIPTION_NOT_ACTIVE")
    service.subscriptions.stop_by_bot(subscription, canceled=parameters.boolean("is_canceled"))
    return True


def get_star_transactions(service: Service, parameters: Parameters) -> StarTransactions:
    """A page of the bot's transactions, oldest first."""
    offset = parameters.integer("offset", 0, 0, 1 << 31)
    limit = parameters.integer("limit", 100, 1, 100)
    return StarTransactions(transactions=service.till.transactions(offset, limit))


def get_my_star_balance(service: Service, _: Parameters) -> StarAmount:
    """The bot's Stars."""
    return StarAmount(amount=service.till.balance())


def _read_invoice(service: Service, parameters: Parameters) -> StoredInvoice:
    title = parameters.required("title")
    description = parameters.required("description")
    payload = parameters.required("payload")
    currency = parameters.required("currency")
    prices = parameters.json("prices", list[_Price], "can't parse prices JSON object")
    if not prices:
        raise bad_request('parameter "prices" is required')
    # How Telegram words the limits of title and description is not published; the limits are.
    if len(title) > TITLE_LIMIT:
        raise bad_request("INVOICE_TITLE_TOO_LONG")
    if len(description) > DESCRIPTION_LIMIT:
        raise bad_request("INVOICE_DESCRIPTION_TOO_LONG")
    if len(payload.encode()) > PAYLOAD_BYTES:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    _check_price(currency, [price.amount for price in prices], parameters.text("provider_token"))
    return StoredInvoice(
        id=service.world.store.next_id("telegram/invoice_id"),
        title=title,
        description=description,
        payload=payload,
        currency=currency,
        total_amount=sum(price.amount for price in prices),
    )


def _check_price(currency: str, amounts: list[int], provider_token: str) -> None:
    """Stars have one price and no payment provider; everything else has a provider and Telegram's limits."""
    total = sum(amounts)
    if currency == STARS:
        if provider_token:
            raise bad_request("PAYMENT_PROVIDER_INVALID")
        if len(amounts) != 1:
            raise bad_request("STARS_INVOICE_INVALID")
        if not 1 <= total <= STARS_LIMIT:
            raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
        return
    if currency not in LEAST:
        raise bad_request("CURRENCY_INVALID")
    if not PROVIDER_TOKEN_FORM.fullmatch(provider_token):
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    if not is_payable(total, currency):
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
