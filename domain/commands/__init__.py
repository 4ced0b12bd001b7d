"""Everything that can be asked of the writer: one frozen value each, with the type of its answer.

A command that comes from outside has a `key`: it is stored with the answer in the command's own transaction,
and a repeat gets the first answer. A command without a key is idempotent by what it says ("this was sent",
"this node confirmed that"). Refusals are answers, not exceptions.
"""

from domain.commands.access import (
    Confirmation,
    ConfirmProvisions,
    ExpireSubscriptions,
)
from domain.commands.base import (
    Command,
    Needs,
    Person,
)
from domain.commands.inbox import (
    FinishUpdate,
    PutAside,
    Received,
    RecordUpdates,
)
from domain.commands.outbox import (
    SettleMessage,
)
from domain.commands.people import (
    MarkUnreachable,
    Show,
)
from domain.commands.selling import (
    AttachInvoice,
    FinalizePayment,
    PayFromBalance,
    PurchaseStarted,
    Receipt,
    ReportUnavailable,
    StartPurchase,
)

__all__ = [
    "AttachInvoice",
    "Command",
    "ConfirmProvisions",
    "Confirmation",
    "ExpireSubscriptions",
    "FinalizePayment",
    "FinishUpdate",
    "MarkUnreachable",
    "Needs",
    "PayFromBalance",
    "Person",
    "PurchaseStarted",
    "PutAside",
    "Receipt",
    "Received",
    "RecordUpdates",
    "ReportUnavailable",
    "SettleMessage",
    "Show",
    "StartPurchase",
]
