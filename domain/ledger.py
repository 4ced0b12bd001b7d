"""Moving money: every movement is one transfer between two accounts, so the ledger sums to zero by construction (F8).

The draft keeps the balances up to date for the decisions that follow in the batch; the database posts the same sums
from the same transfers, and refuses what would overdraw a balance.
"""

from dataclasses import replace

from domain.draft import Draft
from domain.entities import Account, AccountKind, Provider, Transfer
from domain.money import CurrencyMismatch, Money

_CLEARING = {
    Provider.STARS: AccountKind.STARS_CLEARING,
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

    Raises `CurrencyMismatch` for accounts of another currency and `Overdrawn` for a balance that would go below zero.
    """
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
