"""Purchases: fixing the terms at the invoice, and letting go of invoices that nobody paid (F12)."""

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.catalogue import Plan, TopUp
from domain.commands import AttachInvoice, LapseInvoices, PurchaseStarted, ReportUnavailable, StartPurchase
from domain.draft import Draft
from domain.entities import Provider, Purchase, PurchaseKind, PurchaseStatus, User
from domain.outbox import done, tell
from domain.people import balance_of, meet
from domain.promos import discounted, hold, promo_for, release

#: How long an invoice stands. One that is paid later is honoured; a use of a promo code is held no longer than this.
INVOICE_STANDS: Final = timedelta(hours=1)

#: The only period that a Stars subscription can have.
STARS_PERIOD: Final = timedelta(days=30)

_KINDS: Final = {"plan": PurchaseKind.PLAN, "gift": PurchaseKind.GIFT, "top_up": PurchaseKind.TOP_UP}


def start_purchase(command: StartPurchase, draft: Draft) -> PurchaseStarted | None:
    """Fix price and terms from the catalogue as it is now; what is paid later is measured against these."""
    user = meet(draft, command.person)
    item = draft.catalogue.find(command.item)
    if item is None or not _possible(command, item):
        tell(draft, user.id, f"update:{command.update_id}", messages.NotForSale(replaces=command.replaces))
        done(draft, command.update_id)
        return None
    purchase = _terms(draft, user, command, item)
    if isinstance(item, Plan) and not command.recurring:
        promo = promo_for(draft, user, command.item)
        if isinstance(promo, messages.CodeRefused):
            tell(draft, user.id, f"update:{command.update_id}", promo)
            done(draft, command.update_id)
            return None
        if promo is not None:
            purchase = replace(purchase, promo_code=promo.code, **discounted(promo, purchase))
            purchase = hold(draft, promo, purchase)
    draft.rows.purchases.put(purchase)
    message = _invoice_message(draft, purchase, command.replaces)
    if message is not None:
        tell(draft, user.id, f"update:{command.update_id}", message)
        done(draft, command.update_id)
    title = draft.catalogue.title_in(user.reads or "", purchase.title)
    return PurchaseStarted(purchase.id, title, purchase.price)


def _possible(command: StartPurchase, item: Plan | TopUp) -> bool:
    """A balance is not topped up from itself; only a 30-day plan for oneself can be a Stars subscription."""
    if isinstance(item, TopUp):
        return command.provider is not Provider.BALANCE and not command.recurring
    for_oneself = command.item.startswith("plan:")
    subscribable = command.provider is Provider.STARS and item.duration == STARS_PERIOD and for_oneself
    return subscribable or not command.recurring


def _terms(draft: Draft, user: User, command: StartPurchase, item: Plan | TopUp) -> Purchase:
    plan = item if isinstance(item, Plan) else None
    return Purchase(
        id=draft.new_id("purchases"),
        user_id=user.id,
        kind=_KINDS[command.item.partition(":")[0]],
        item=command.item,
        title=item.title,
        provider=command.provider,
        price=item.stars if command.provider is Provider.STARS else item.price,
        duration_seconds=None if plan is None else int(plan.duration.total_seconds()),
        credit=item.price if plan is None else None,
        status=PurchaseStatus.INVOICED,
        created_at=draft.now,
        value=item.price,
        recurring=command.recurring,
        valid_until=draft.now + INVOICE_STANDS,
        traffic=None if plan is None else plan.traffic,
        devices=None if plan is None else plan.devices,
    )


def _invoice_message(draft: Draft, purchase: Purchase, replaces: int | None) -> messages.Message | None:
    """The invoice, where Telegram or we make it; None where it has an address that is still to come."""
    match purchase.provider:
        case Provider.STARS if purchase.recurring:
            return None
        case Provider.STARS:
            return messages.StarsInvoice(purchase_id=purchase.id, title=purchase.title, price=purchase.price)
        case Provider.CARDS:
            return messages.CardInvoice(purchase_id=purchase.id, title=purchase.title, price=purchase.price)
        case Provider.BALANCE:
            return messages.ConfirmBalance(
                purchase_id=purchase.id,
                title=purchase.title,
                price=purchase.price,
                balance=balance_of(draft, purchase.user_id),
                replaces=replaces,
            )
        case Provider.CRYPTOPAY:
            return None


def attach_invoice(command: AttachInvoice, draft: Draft) -> None:
    """Keep the provider's invoice with the purchase and send its address."""
    purchase = draft.rows.purchases.get(command.purchase_id)
    assert purchase is not None, "an invoice is made for a purchase of ours"
    draft.rows.purchases.put(replace(purchase, invoice_id=command.invoice_id, invoice_url=command.url))
    message: messages.Message
    if purchase.provider is Provider.STARS:
        message = messages.StarsSubscription(title=purchase.title, price=purchase.price, url=command.url)
    else:
        message = messages.CryptoInvoice(
            purchase_id=purchase.id,
            title=purchase.title,
            price=purchase.price,
            url=command.url,
            replaces=command.replaces,
        )
    tell(draft, purchase.user_id, f"update:{command.update_id}", message)
    done(draft, command.update_id)


def report_unavailable(command: ReportUnavailable, draft: Draft) -> None:
    """Say that no invoice could be made; the purchase stays unpaid and harms nobody."""
    purchase = draft.rows.purchases.get(command.purchase_id)
    assert purchase is not None, "an invoice is asked for a purchase of ours"
    message = messages.ProviderUnavailable(title=purchase.title, replaces=command.replaces)
    tell(draft, purchase.user_id, f"update:{command.update_id}", message)
    done(draft, command.update_id)


def lapse(command: LapseInvoices, draft: Draft) -> int:
    """Let go of invoices whose time is over; a payment that comes all the same is honoured as invoiced."""
    lapsed = 0
    for purchase_id in command.purchase_ids:
        purchase = draft.rows.purchases.get(purchase_id)
        if purchase is None or purchase.status is not PurchaseStatus.INVOICED:
            continue
        if purchase.valid_until is None or purchase.valid_until > draft.now:
            continue
        release(draft, purchase)
        lapsed += 1
    return lapsed
