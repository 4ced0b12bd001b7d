"""Moving money: every movement is one transfer between two accounts, so the ledger sums to zero by construction (F8).

The draft keeps the balances up to date for the decisions that follow in the batch; the database posts the same sums
from the same transfers, and refuses what would overdraw a balance.
"""

from msgspec.structs import replace

from domain.draft import Draft
from domain.entities import Account, AccountKind, Provider, Transfer
from domain.money import CurrencyMismatch, Money

_CLEARING = {
    Provider.STARS: AccountKind.STARS_CLEARING,
    Provider.CARDS: AccountKind.CARDS_CLEARING,
    Provider.CRYPTOPAY: AccountKind.CRYPTOPAY_CLEARING,
}


class Overdrawn(ValueError):
    """A transfer would take more from a user's balance than it holds; deciding it was a mistake of ours."""


def clearing(draft: Draft, provider: Provider, currency: str, user_id: int) -> Account:
    """The account that a provider's money comes from; for the provider "balance" it is the user's own."""
    if provider is Provider.BALANCE:
        return draft.account(AccountKind.BALANCE, currency, user_id)
    return draft.account(_CLEARING[provider], currency)


def move(draft: Draft, debit: Account, credit: Account, amount: Money, cause: str, cause_id: int) -> Transfer:
    """Move a positive amount; `cause` and `cause_id` name the one fact that it follows from (I7).

    The accounts are taken as they now are: what the caller holds may be from before another transfer.
    Raises `CurrencyMismatch` for accounts of another currency and `Overdrawn` for a balance that would go below zero.
    """
    debit = draft.account(debit.kind, debit.currency, debit.owner)
    credit = draft.account(credit.kind, credit.currency, credit.owner)
    if not (debit.currency == credit.currency == amount.currency):
        raise CurrencyMismatch(
            f"{amount.currency} from an account in {debit.currency} to one in {credit.currency}"
        )
    if amount.minor <= 0:
        raise ValueError(f"a transfer moves a positive amount, not {amount.minor}")
    if debit.kind is AccountKind.BALANCE and debit.balance < amount:
        raise Overdrawn(f"account {debit.id} holds {debit.balance}, {amount} asked")
    draft.rows.accounts.put(replace(debit, debits=debit.debits + amount.minor))
    draft.rows.accounts.put(replace(credit, credits=credit.credits + amount.minor))
    transfer = Transfer(draft.new_id("transfers"), debit.id, credit.id, amount, cause, cause_id, draft.now)
    return draft.rows.transfers.put(transfer)


def credit_balance(
    draft: Draft, source: Account, paid: Money, user_id: int, credit: Money, cause: str, cause_id: int
) -> Transfer:
    """Move money to a user's balance; what was paid in another currency goes through the exchange accounts (F9).

    Gives the transfer of what was paid, which carries `cause`; the other side of an exchange is `cause`_exchanged.
    """
    balance = draft.account(AccountKind.BALANCE, credit.currency, user_id)
    if paid.currency == credit.currency:
        return move(draft, source, balance, paid, cause, cause_id)
    taken = move(draft, source, draft.account(AccountKind.EXCHANGE, paid.currency), paid, cause, cause_id)
    exchange = draft.account(AccountKind.EXCHANGE, credit.currency)
    move(draft, exchange, balance, credit, f"{cause}_exchanged", cause_id)
    return taken


def draw_balance(
    draft: Draft, user_id: int, credit: Money, target: Account, paid: Money, cause: str, cause_id: int
) -> Money | None:
    """Take back from a user's balance what `credit_balance` put there, as far as it is still there.

    `paid` goes to `target` whole; what had been spent is the shop's loss, in the refunds account, and is returned.
    """
    balance = draft.account(AccountKind.BALANCE, credit.currency, user_id)
    drawn = min(balance.balance, credit, key=lambda each: each.minor)
    missing = credit - drawn
    refunds = draft.account(AccountKind.REFUNDS, credit.currency)
    via = target
    if paid.currency != credit.currency:
        via = draft.account(AccountKind.EXCHANGE, credit.currency)
        exchange = draft.account(AccountKind.EXCHANGE, paid.currency)
        move(draft, exchange, target, paid, f"{cause}_exchanged", cause_id)
    if drawn.minor > 0:
        move(draft, balance, via, drawn, cause, cause_id)
    if missing.minor > 0:
        move(draft, refunds, via, missing, f"{cause}_shortage", cause_id)
        return missing
    return None
