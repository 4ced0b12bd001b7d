"""Everything that can be asked of the writer: one frozen value each, with the type of its answer.

A command that comes from outside has a `key`: it is stored with the answer in the command's own transaction,
and a repeat gets the first answer. A command without a key is idempotent by what it says ("this was sent",
"this node confirmed that"). Refusals are answers, not exceptions.
"""

from domain.commands.access import (
    Confirmation,
    ConfirmProvisions,
    Endings,
    ExpireSubscriptions,
    RecordOrphans,
)
from domain.commands.base import (
    Command,
    Needs,
    Person,
)
from domain.commands.care import (
    AdjustBalance,
    AskRefund,
    CreatePromo,
    Dispute,
    GrantTime,
    OperatorCommand,
    RecordRefund,
    RefuseRefund,
    RevokeAccess,
    SettleReview,
    SwitchPromo,
    Verdict,
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
    Choose,
    EnterCode,
    MarkUnreachable,
    Show,
    Start,
    StartTrial,
)
from domain.commands.selling import (
    AttachInvoice,
    AutoRenew,
    FinalizePayment,
    LapseInvoices,
    PayFromBalance,
    PurchaseStarted,
    Receipt,
    Renewal,
    ReportUnavailable,
    SetAutoRenewal,
    StartPurchase,
)

__all__ = [
    "AdjustBalance",
    "AskRefund",
    "AttachInvoice",
    "AutoRenew",
    "Choose",
    "Command",
    "ConfirmProvisions",
    "Confirmation",
    "CreatePromo",
    "Dispute",
    "Endings",
    "EnterCode",
    "ExpireSubscriptions",
    "FinalizePayment",
    "FinishUpdate",
    "GrantTime",
    "LapseInvoices",
    "MarkUnreachable",
    "Needs",
    "OperatorCommand",
    "PayFromBalance",
    "Person",
    "PurchaseStarted",
    "PutAside",
    "Receipt",
    "Received",
    "RecordOrphans",
    "RecordRefund",
    "RecordUpdates",
    "RefuseRefund",
    "Renewal",
    "ReportUnavailable",
    "RevokeAccess",
    "SetAutoRenewal",
    "SettleMessage",
    "SettleReview",
    "Show",
    "Start",
    "StartPurchase",
    "StartTrial",
    "SwitchPromo",
    "Verdict",
]
