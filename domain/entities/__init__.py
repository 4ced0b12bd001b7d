"""The facts that the database keeps, one frozen value for each row.

Rows are never changed in place: a decision puts a new value where the old one was (`domain.draft`).
Names and fields are the columns of `storage/migrations`; `storage.tables` maps one to the other.
A `trace` is the causal id of the command that wrote the row, None where nothing led to it.
"""

from domain.entities.access import (
    Grant,
    Provision,
    Subscription,
    SubscriptionStatus,
)
from domain.entities.ledger import (
    SHOP,
    Account,
    AccountKind,
    Transfer,
)
from domain.entities.mail import (
    Answer,
    MessageState,
    OutboxMessage,
    Update,
)
from domain.entities.people import (
    User,
)
from domain.entities.selling import (
    Payment,
    PaymentOutcome,
    Provider,
    Purchase,
    PurchaseKind,
    PurchaseStatus,
)

__all__ = [
    "SHOP",
    "Account",
    "AccountKind",
    "Answer",
    "Grant",
    "MessageState",
    "OutboxMessage",
    "Payment",
    "PaymentOutcome",
    "Provider",
    "Provision",
    "Purchase",
    "PurchaseKind",
    "PurchaseStatus",
    "Subscription",
    "SubscriptionStatus",
    "Transfer",
    "Update",
    "User",
]
