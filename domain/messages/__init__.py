"""What people are told, as facts. Words, buttons and pictures are made of them when they are sent.

Each is stored in the outbox as JSON with its `type`, so a field may be added but none renamed.
"""

from typing import Final

import msgspec

from domain.messages.access import (
    AccessReady,
    AskToReissue,
    Expired,
    KeyNotReissued,
    KeyReissued,
    TooManyDevices,
    TrafficGiven,
    TrafficRunsOut,
    TrafficUsedUp,
    TrialStarted,
)
from domain.messages.base import (
    Message,
)
from domain.messages.broadcasts import (
    Announced,
    Announcement,
    AnnouncementEdited,
    AnnouncementGone,
    AnnouncementPreview,
    BroadcastHelp,
    BroadcastPanel,
    OrderRefused,
)
from domain.messages.money import (
    Adjusted,
    AutoRenewal,
    CodeRefused,
    Credited,
    GiftReady,
    GiftRedeemed,
    GiftTaken,
    Invitation,
    PaidForAnother,
    PromoChosen,
    PromoRedeemed,
    Refunded,
    RenewalShort,
    Renewed,
    ReviewClosed,
    Revoked,
    RewardEarned,
    TimeGranted,
    TrialUnavailable,
)
from domain.messages.notices import (
    AlertLine,
    AlertsNotice,
    DailyReport,
    MoneyLine,
    MoneyNotice,
    Notice,
)
from domain.messages.screens import (
    Account,
    AskForCode,
    Choices,
    GiftList,
    Help,
    Home,
    PlanList,
    TopUpList,
    WaysToPay,
)
from domain.messages.selling import (
    AlreadyPaid,
    CardInvoice,
    ConfirmBalance,
    CryptoInvoice,
    NotEnough,
    NotForSale,
    Paid,
    ProviderUnavailable,
    StarsInvoice,
    StarsSubscription,
    ToppedUp,
    UnderReview,
)
from domain.messages.switches import (
    PaymentsOff,
    SignUpsOff,
    SwitchPanel,
)
from domain.messages.unasked import (
    ComeBack,
    EndsSoon,
    Reminder,
)

AnyMessage = (
    AccessReady
    | TrialStarted
    | Expired
    | TooManyDevices
    | TrafficGiven
    | TrafficRunsOut
    | TrafficUsedUp
    | AskToReissue
    | KeyReissued
    | KeyNotReissued
    | TrialUnavailable
    | PromoChosen
    | PromoRedeemed
    | CodeRefused
    | GiftReady
    | GiftRedeemed
    | GiftTaken
    | Invitation
    | RewardEarned
    | Renewed
    | RenewalShort
    | AutoRenewal
    | Credited
    | PaidForAnother
    | ReviewClosed
    | Refunded
    | Adjusted
    | TimeGranted
    | Revoked
    | Home
    | Help
    | PlanList
    | WaysToPay
    | TopUpList
    | Account
    | Choices
    | GiftList
    | AskForCode
    | StarsInvoice
    | CardInvoice
    | StarsSubscription
    | CryptoInvoice
    | ConfirmBalance
    | NotEnough
    | NotForSale
    | ProviderUnavailable
    | Paid
    | ToppedUp
    | AlreadyPaid
    | UnderReview
    | ComeBack
    | EndsSoon
    | Announcement
    | AnnouncementEdited
    | AnnouncementGone
    | AnnouncementPreview
    | BroadcastPanel
    | BroadcastHelp
    | OrderRefused
    | PaymentsOff
    | SignUpsOff
    | SwitchPanel
    | AlertsNotice
    | MoneyNotice
    | DailyReport
)

#: Made once: working out the union costs fifty times what reading a message does.
_DECODER: Final[msgspec.json.Decoder[AnyMessage]] = msgspec.json.Decoder(AnyMessage)


def encode(message: Message) -> str:
    """Write a message as the JSON that the outbox stores."""
    return msgspec.json.encode(message).decode()


def decode(body: str) -> AnyMessage:
    """Read what `encode` wrote; raises `msgspec.ValidationError` for anything else."""
    return _DECODER.decode(body)


__all__ = [
    "AccessReady",
    "Account",
    "Adjusted",
    "AlertLine",
    "AlertsNotice",
    "AlreadyPaid",
    "Announced",
    "Announcement",
    "AnnouncementEdited",
    "AnnouncementGone",
    "AnnouncementPreview",
    "AnyMessage",
    "AskForCode",
    "AskToReissue",
    "AutoRenewal",
    "BroadcastHelp",
    "BroadcastPanel",
    "CardInvoice",
    "Choices",
    "CodeRefused",
    "ComeBack",
    "ConfirmBalance",
    "Credited",
    "CryptoInvoice",
    "DailyReport",
    "EndsSoon",
    "Expired",
    "GiftList",
    "GiftReady",
    "GiftRedeemed",
    "GiftTaken",
    "Help",
    "Home",
    "Invitation",
    "KeyNotReissued",
    "KeyReissued",
    "Message",
    "MoneyLine",
    "MoneyNotice",
    "NotEnough",
    "NotForSale",
    "Notice",
    "OrderRefused",
    "Paid",
    "PaidForAnother",
    "PaymentsOff",
    "PlanList",
    "PromoChosen",
    "PromoRedeemed",
    "ProviderUnavailable",
    "Refunded",
    "Reminder",
    "RenewalShort",
    "Renewed",
    "ReviewClosed",
    "Revoked",
    "RewardEarned",
    "SignUpsOff",
    "StarsInvoice",
    "StarsSubscription",
    "SwitchPanel",
    "TimeGranted",
    "TooManyDevices",
    "TopUpList",
    "ToppedUp",
    "TrafficGiven",
    "TrafficRunsOut",
    "TrafficUsedUp",
    "TrialStarted",
    "TrialUnavailable",
    "UnderReview",
    "WaysToPay",
    "decode",
    "encode",
]
