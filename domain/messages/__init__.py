"""What people are told, as facts. Words, buttons and pictures are made of them when they are sent.

Each is stored in the outbox as JSON with its `type`, so a field may be added but none renamed.
"""

import msgspec

from domain.messages.access import (
    AccessReady,
    Expired,
)
from domain.messages.base import (
    Message,
)
from domain.messages.screens import (
    Account,
    Help,
    Home,
    PlanList,
    TopUpList,
    WaysToPay,
)
from domain.messages.selling import (
    AlreadyPaid,
    ConfirmBalance,
    CryptoInvoice,
    NotEnough,
    NotForSale,
    Paid,
    ProviderUnavailable,
    StarsInvoice,
    ToppedUp,
    UnderReview,
)

AnyMessage = (
    Home
    | Help
    | PlanList
    | WaysToPay
    | TopUpList
    | Account
    | StarsInvoice
    | CryptoInvoice
    | ConfirmBalance
    | NotEnough
    | NotForSale
    | ProviderUnavailable
    | Paid
    | ToppedUp
    | AlreadyPaid
    | UnderReview
    | AccessReady
    | Expired
)


def encode(message: Message) -> str:
    """Write a message as the JSON that the outbox stores."""
    return msgspec.json.encode(message).decode()


def decode(body: str) -> AnyMessage:
    """Read what `encode` wrote; raises `msgspec.ValidationError` for anything else."""
    message: AnyMessage = msgspec.json.decode(body, type=AnyMessage)
    return message


__all__ = [
    "AccessReady",
    "Account",
    "AlreadyPaid",
    "AnyMessage",
    "ConfirmBalance",
    "CryptoInvoice",
    "Expired",
    "Help",
    "Home",
    "Message",
    "NotEnough",
    "NotForSale",
    "Paid",
    "PlanList",
    "ProviderUnavailable",
    "StarsInvoice",
    "TopUpList",
    "ToppedUp",
    "UnderReview",
    "WaysToPay",
    "decode",
    "encode",
]
