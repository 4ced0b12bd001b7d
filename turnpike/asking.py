"""Carrying out what an operator does with money: ask the desk of the running system, and show its answer."""

import csv
import getpass
import io
import sys
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, TypeVar

import click
import msgspec
import trio

from actors.books import Checked, ReportRow, ReviewRow, StatementRow, money
from domain.money import BadMoney, Money
from runtime import control_client
from runtime.control_client import NobodyThere, Refused, Unanswered
from turnpike.words import NOTHING, Cell, number, table

T = TypeVar("T")

#: Seconds before an order whose answer was lost is given again: together longer than a restart.
_ASKED_AGAIN_AFTER: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)

#: Fields of orders that are money, as people write it.
_MONEY: Final = ("amount",)


class _Payment(msgspec.Struct):
    id: int
    created_at: datetime
    provider: str
    charge_id: str
    amount: int
    amount_currency: str
    title: str | None
    state: str


async def order(path: Path, as_json: bool, said: str, command: str, fields: dict[str, Any]) -> int:
    """Have an order carried out, and say that it was."""
    for name in _MONEY:
        if isinstance(fields.get(name), str):
            fields[name] = _money(fields[name])
    key = fields.pop("request", None) or token_hex(8)
    try:
        answer = await give(path, command, fields, key)
    except Unanswered as error:
        again = f"give the same command with --request {key} when the system runs, and it is done once"
        raise Refused(f"nobody knows whether this was done ({error}): {again}") from None
    click.echo(msgspec.json.encode(answer).decode() if as_json else said)
    return 0


async def record_return(path: Path, as_json: bool, payment: int) -> int:
    """Say that a payment was sent back outside of turnpike."""
    question = {"ask": "returned_by_hand", "payment_id": payment, "by": getpass.getuser()}
    answer = await ask_desk(path, question, dict[str, Any])
    said = f"payment {payment} is recorded as sent back, and what it paid for is taken back"
    click.echo(msgspec.json.encode(answer).decode() if as_json else said)
    return 0


async def show_reviews(path: Path, as_json: bool, settled_too: bool) -> int:
    """The payments under review, a page after another."""
    rows: list[ReviewRow] = []
    while page := await ask_desk(
        path,
        {"ask": "reviews", "settled_too": settled_too, "after": rows[-1].payment_id if rows else 0},
        list[ReviewRow],
    ):
        rows += page
    heads = ["payment", "since", "amount", "by", "user", "for", "what is wrong", "settled", "note"]
    cells = [
        [
            number(row.payment_id),
            _when(row.opened_at),
            number(money(row.amount, row.amount_currency)),
            Cell(row.provider),
            number(row.user_id),
            Cell(row.title or NOTHING),
            Cell(row.reason.replace("_", " "), None if row.action else "yellow"),
            Cell(f"{row.action} by {row.settled_by}" if row.action else NOTHING),
            Cell(row.note or ""),
        ]
        for row in rows
    ]
    _show(as_json, rows, heads, cells, "No payment waits for anybody.")
    return 0


async def show_payments(path: Path, as_json: bool, user: int) -> int:
    """A user's payments, a page after another."""
    rows: list[_Payment] = []
    while page := await ask_desk(
        path, {"ask": "payments", "user_id": user, "after": rows[-1].id if rows else 0}, list[_Payment]
    ):
        rows += page
    cells = [
        [
            number(row.id),
            _when(row.created_at),
            number(money(row.amount, row.amount_currency)),
            Cell(row.provider),
            Cell(row.title or NOTHING),
            Cell(row.state.replace("_", " ")),
            Cell(row.charge_id),
        ]
        for row in rows
    ]
    heads = ["payment", "at", "amount", "by", "for", "state", "charge"]
    _show(as_json, rows, heads, cells, f"User {user} has not paid anything.")
    return 0


async def show_statement(path: Path, as_json: bool, user: int) -> int:
    """What moved on a balance."""
    rows = await ask_desk(path, {"ask": "statement", "user_id": user}, list[StatementRow])
    cells = [
        [
            number(row.id),
            _when(row.created_at),
            Cell(f"{row.cause.replace('_', ' ')} {row.cause_id}"),
            number(money(row.amount, row.currency), "red" if row.amount < 0 else None),
            number(money(row.balance, row.currency)),
        ]
        for row in rows
    ]
    heads = ["transfer", "at", "cause", "amount", "balance"]
    _show(as_json, rows, heads, cells, f"Nothing has moved on the balance of user {user}.")
    return 0


async def show_report(path: Path, as_json: bool, since: str, until: str, as_csv: bool) -> int:
    """Revenue and refunds from the first day to the last, both included."""
    end = datetime.fromisoformat(until) + timedelta(days=1)
    if end <= datetime.fromisoformat(since):
        raise Refused("the last day comes before the first: expected --from to be no later than --to")
    question = {"ask": "report", "since": since, "until": end.isoformat()}
    rows = await ask_desk(path, question, list[ReportRow])
    if as_csv:
        click.echo(_as_csv(rows), nl=False)
        return 0
    cells = [
        [
            Cell(row.provider),
            Cell(row.item or NOTHING),
            number(row.payments),
            number(money(row.paid, row.currency)),
            number(row.refunds),
            number(money(row.returned, row.currency)),
            number(money(row.paid - row.returned, row.currency)),
        ]
        for row in rows
    ]
    heads = ["by", "for", "payments", "taken", "refunds", "returned", "left"]
    _show(as_json, rows, heads, cells, "Nothing was sold or returned in this time.")
    return 0


def _as_csv(rows: list[ReportRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["provider", "item", "currency", "payments", "taken", "refunds", "returned"])
    for row in rows:
        taken, returned = (Money(each, row.currency).decimal() for each in (row.paid, row.returned))
        writer.writerow([row.provider, row.item, row.currency, row.payments, taken, row.refunds, returned])
    return text.getvalue()


async def show_check(path: Path, as_json: bool) -> int:
    """Whether the books balance: a line for each thing asked, and what was found against it."""
    checked = await ask_desk(path, {"ask": "check"}, list[Checked])
    if as_json:
        click.echo(msgspec.json.encode(checked).decode())
    for each in () if as_json else checked:
        mark = click.style("✗", fg="red") if each.found else click.style("✓", fg="green")
        click.echo(f"{mark} {each.requirement}  {each.asked}")
        for found in each.found:
            click.echo(f"      {found}")
    return 1 if any(each.found for each in checked) else 0


async def give(path: Path, command: str, fields: dict[str, Any], key: str) -> dict[str, Any]:
    """Give an order to the desk; what is None is left out.

    Where the answer is lost, as in a restart, it is given again under its key, and so is done once. Raises `Refused`,
    and `Unanswered` if there is no answer in the end.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    given |= {"by": getpass.getuser(), "request": key}
    question = {"ask": "order", "command": command, "fields": given}
    lost: Unanswered | None = None
    for wait in _ASKED_AGAIN_AFTER:
        try:
            return await ask_desk(path, question, dict[str, Any])
        except Unanswered as error:
            lost = error
        except NobodyThere:
            if lost is None:
                raise
        await trio.sleep(wait)
    assert lost is not None, "only what is lost is given again"
    raise lost


async def ask_desk(path: Path, question: dict[str, Any], answer: type[T]) -> T:
    """What the desk of a running system answers. Raises `Refused` with its sentence."""
    body = msgspec.json.encode(question).decode()
    return msgspec.json.decode(await control_client.ask(path, "desk", body), type=answer)


def _money(text: str) -> dict[str, Any]:
    try:
        amount = Money.parse(text)
    except BadMoney as error:
        raise Refused(f"{text!r} is not an amount: {error}") from None
    return {"minor": amount.minor, "currency": amount.currency}


def _when(moment: datetime) -> Cell:
    return Cell(f"{moment:%Y-%m-%d %H:%M}")


def _show(as_json: bool, rows: list[Any], heads: list[str], cells: list[list[Cell]], nothing: str) -> None:
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())
        return
    for line in table(heads, cells) if cells else [nothing]:
        click.echo(line, color=None if sys.stdout.isatty() else False)
