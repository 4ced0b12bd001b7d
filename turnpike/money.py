"""What an operator does with money: reviews, refunds, grants, promo codes, the ledger, reports.

Every command talks to the running system, which carries it out or says in one sentence why not. What is done by hand
needs a reason, and is kept with who did it.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from turnpike.options import REQUEST, of_a_system, of_an_order

_reason = click.option("--reason", required=True, help="Why; it is kept, and the person may read it.")
_user = click.argument("user", type=int)
_payment = click.argument("payment", type=int)
_DAY: Final = click.DateTime(["%Y-%m-%d"])


def _ask(command: str, data: Path | None, as_json: bool, *arguments: Any) -> None:
    from turnpike import asking, operating

    operating.run(getattr(asking, command), data, as_json, *arguments)


def _order(data: Path | None, as_json: bool, said: str, command: str, **fields: Any) -> None:
    fields["request"] = click.get_current_context().meta[REQUEST]
    _ask("order", data, as_json, said, command, fields)


@click.command()
@click.option("--all", "settled_too", is_flag=True, help="Those that are settled too.")
@of_a_system
def reviews(settled_too: bool, data: Path | None, as_json: bool) -> None:
    """Payments that were not as asked and wait for somebody to settle them."""
    _ask("show_reviews", data, as_json, settled_too)


@click.command()
@_payment
@click.argument("action", type=click.Choice(["credit", "grant", "refund", "ignore"]))
@click.option("--user", "user_id", type=int, help="Whose balance, or who gets it  [default: who paid]")
@click.option("--amount", help="What it is worth, such as '199.00 RUB'  [default: as the invoice said]")
@click.option("--item", help="What to grant, such as plan:month  [default: what was ordered]")
@_reason
@of_an_order
def settle(
    payment: int,
    action: str,
    user_id: int | None,
    amount: str | None,
    item: str | None,
    reason: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """Settle a payment under review: credit it, grant what was ordered, refund it, or ignore it."""
    fields = {"payment_id": payment, "action": action, "user_id": user_id, "item": item, "reason": reason}
    said = f"payment {payment} is settled: {action}"
    _order(data, as_json, said, "SettleReview", **fields, amount=amount)


@click.command()
@_user
@of_a_system
def payments(user: int, data: Path | None, as_json: bool) -> None:
    """The payments of a user, and how each stands."""
    _ask("show_payments", data, as_json, user)


@click.command()
@_payment
@click.option("--by-hand", is_flag=True, help="It was sent back already, outside of turnpike.")
@_reason
@of_an_order
def refund(payment: int, by_hand: bool, reason: str, data: Path | None, as_json: bool) -> None:
    """Send a payment back; what it paid for is taken back once the money is on its way."""
    if by_hand:
        _ask("record_return", data, as_json, payment)
    said = f"the refund of payment {payment} is under way"
    _order(data, as_json, said, "AskRefund", payment_id=payment, reason=reason)


@click.command()
@_payment
@_reason
@of_an_order
def dispute(payment: int, reason: str, data: Path | None, as_json: bool) -> None:
    """Note that a payment is disputed; settle it by refund (lost) or ignore (won)."""
    said = f"payment {payment} is under review as disputed"
    _order(data, as_json, said, "Dispute", payment_id=payment, reason=reason)


@click.command()
@_user
@click.argument("days", type=int)
@_reason
@of_an_order
def grant(user: int, days: int, reason: str, data: Path | None, as_json: bool) -> None:
    """Give a user days of access."""
    said = f"user {user} has {days} more days"
    _order(data, as_json, said, "GrantTime", user_id=user, days=days, reason=reason)


@click.command(context_settings={"ignore_unknown_options": True})
@_user
@click.argument("amount")
@_reason
@of_an_order
def adjust(user: int, amount: str, reason: str, data: Path | None, as_json: bool) -> None:
    """Add to a user's balance ('50.00 RUB'), or take from it ('-50.00 RUB')."""
    said = f"the balance of user {user} was changed by {amount}"
    _order(data, as_json, said, "AdjustBalance", user_id=user, amount=amount, reason=reason)


@click.command()
@_user
@_reason
@of_an_order
def revoke(user: int, reason: str, data: Path | None, as_json: bool) -> None:
    """End a user's access now."""
    _order(data, as_json, f"the access of user {user} ends", "RevokeAccess", user_id=user, reason=reason)


@click.command()
@_user
@_reason
@of_an_order
def reissue(user: int, reason: str, data: Path | None, as_json: bool) -> None:
    """Give a user another key and address; the old ones end at once."""
    _order(data, as_json, f"user {user} gets another key", "ReissueKey", user_id=user, reason=reason)


@click.group()
def promo() -> None:
    """Promo codes."""


@promo.command("create")
@click.argument("code")
@click.option("--percent", type=int, help="Percent off a purchase.")
@click.option("--off", help="An amount off a purchase, such as '50.00 RUB'.")
@click.option("--days", type=int, help="Days of access at once.")
@click.option("--balance", help="An amount onto the balance at once.")
@click.option("--uses", "max_uses", type=int, help="How often in all  [default: no limit]")
@click.option("--per-user", type=int, default=1, show_default=True, help="How often by one person.")
@click.option("--from", "starts_at", type=_DAY, help="First day, UTC.")
@click.option("--until", "ends_at", type=_DAY, help="The day on which it holds no more, UTC.")
@click.option("--first-purchase-only", is_flag=True)
@click.option(
    "--audience",
    type=click.Choice(["everyone", "subscribers", "others"]),
    default="everyone",
    show_default=True,
)
@click.option("--plan", help="Only for this plan.")
@_reason
@of_an_order
def create(
    code: str,
    percent: int | None,
    off: str | None,
    days: int | None,
    balance: str | None,
    data: Path | None,
    as_json: bool,
    **fields: Any,
) -> None:
    """Make a code: one of --percent, --off, --days, --balance says what it gives."""
    gives = {"percent": percent, "fixed": off, "days": days, "balance": balance}
    kinds = [kind for kind, value in gives.items() if value is not None]
    if len(kinds) != 1:
        raise click.UsageError("say with one of --percent, --off, --days, --balance what the code gives")
    for moment in ("starts_at", "ends_at"):
        fields[moment] = _utc(fields[moment])
    fields |= {"kind": kinds[0], "percent": percent, "amount": off or balance, "days": days}
    _order(data, as_json, f"the code {code.upper()} can be used", "CreatePromo", code=code, **fields)


@promo.command("switch")
@click.argument("code")
@click.argument("state", type=click.Choice(["on", "off"]))
@_reason
@of_an_order
def switch(code: str, state: str, reason: str, data: Path | None, as_json: bool) -> None:
    """Switch a code off, or on again; invoices that hold it are honoured."""
    said = f"the code {code.upper()} is {state}"
    _order(data, as_json, said, "SwitchPromo", code=code, enabled=state == "on", reason=reason)


@click.group()
def ledger() -> None:
    """The ledger: whether it is right, and what moved on a balance."""


@ledger.command("check")
@of_a_system
def check(data: Path | None, as_json: bool) -> None:
    """Whether the books balance, on the live system; exit status 1 if not."""
    _ask("show_check", data, as_json)


@ledger.command("statement")
@_user
@of_a_system
def statement(user: int, data: Path | None, as_json: bool) -> None:
    """What moved on a user's balance, oldest first."""
    _ask("show_statement", data, as_json, user)


@click.command()
@click.option("--from", "since", type=_DAY, required=True, help="First day, UTC.")
@click.option("--to", "until", type=_DAY, required=True, help="Last day, UTC.")
@click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets.")
@of_a_system
def report(since: datetime, until: datetime, as_csv: bool, data: Path | None, as_json: bool) -> None:
    """Revenue and refunds by provider and thing sold."""
    _ask("show_report", data, as_json, _utc(since), _utc(until), as_csv)


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


COMMANDS: Final = (
    reviews,
    settle,
    payments,
    refund,
    dispute,
    grant,
    adjust,
    revoke,
    reissue,
    promo,
    ledger,
    report,
)
