"""The facts that the database keeps, one frozen value for each row.

Rows are never changed in place: a decision puts a new value where the old one was (`domain.draft`).
Names and fields are the columns of `storage/migrations`; `storage.tables` maps one to the other.
They are structs of msgspec because the writer copies some of them with a change ten times for each purchase; a row
refers to no other row, so the collector of cycles need not look at them (`gc=False`).
A `trace` is the causal id of the command that wrote the row, None where nothing led to it.
"""

from domain.entities.access import (
    Grant,
    Orphan,
    Period,
    PeriodCause,
    Provision,
    Stop,
    Subscription,
    SubscriptionStatus,
)
from domain.entities.broadcasts import (
    Broadcast,
    BroadcastAction,
    BroadcastAudience,
    BroadcastState,
    Listing,
)
from domain.entities.care import (
    Act,
    ActKind,
    Refund,
    RefundState,
    Review,
    ReviewAction,
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
    Priority,
    Update,
)
from domain.entities.notices import (
    NoticeMark,
)
from domain.entities.people import (
    User,
)
from domain.entities.promo import (
    Audience,
    Gift,
    Promo,
    PromoKind,
    PromoUse,
    Redemption,
    Reward,
)
from domain.entities.selling import (
    Payment,
    PaymentOutcome,
    Provider,
    Purchase,
    PurchaseKind,
    PurchaseStatus,
)
from domain.entities.switches import (
    Function,
    Switch,
)
from domain.entities.usage import (
    NodeRun,
    NodeUsage,
    Usage,
)

__all__ = [
    "SHOP",
    "Account",
    "AccountKind",
    "Act",
    "ActKind",
    "Answer",
    "Audience",
    "Broadcast",
    "BroadcastAction",
    "BroadcastAudience",
    "BroadcastState",
    "Function",
    "Gift",
    "Grant",
    "Listing",
    "MessageState",
    "NodeRun",
    "NodeUsage",
    "NoticeMark",
    "Orphan",
    "OutboxMessage",
    "Payment",
    "PaymentOutcome",
    "Period",
    "PeriodCause",
    "Priority",
    "Promo",
    "PromoKind",
    "PromoUse",
    "Provider",
    "Provision",
    "Purchase",
    "PurchaseKind",
    "PurchaseStatus",
    "Redemption",
    "Refund",
    "RefundState",
    "Review",
    "ReviewAction",
    "Reward",
    "Stop",
    "Subscription",
    "SubscriptionStatus",
    "Switch",
    "Transfer",
    "Update",
    "Usage",
    "User",
]
