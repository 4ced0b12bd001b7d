"""What makes things cheaper or free: promo codes, gifts, rewards for inviting."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from domain.money import Money


class PromoKind(StrEnum):
    """What a code gives: something off a purchase (percent, fixed), or days or balance at once."""

    PERCENT = "percent"
    FIXED = "fixed"
    DAYS = "days"
    BALANCE = "balance"


class Audience(StrEnum):
    """Who may use a code: everyone, only who has a running subscription, or only who has none."""

    EVERYONE = "everyone"
    SUBSCRIBERS = "subscribers"
    OTHERS = "others"


class Promo(Struct, frozen=True, gc=False):
    """A promo code and its limits (F12); `taken` counts uses and invoices that hold one, `honoured` those paid late."""

    code: str
    kind: PromoKind
    percent: int | None
    amount: Money | None
    seconds: int | None
    max_uses: int | None
    per_user: int
    starts_at: datetime | None
    ends_at: datetime | None
    first_purchase_only: bool
    audience: Audience
    plan: str | None
    created_by: str
    created_at: datetime
    enabled: bool = True
    taken: int = 0
    honoured: int = 0


class PromoUse(Struct, frozen=True, gc=False):
    """How often one person has taken a code, and how often they may."""

    code: str
    user_id: int
    taken: int
    allowed: int


class Redemption(Struct, frozen=True, gc=False):
    """A use of a code that took effect, with the purchase that it made cheaper."""

    id: int
    code: str
    user_id: int
    purchase_id: int | None
    created_at: datetime


class Gift(Struct, frozen=True, gc=False):
    """A paid code that one person redeems; void once its purchase was refunded."""

    id: int
    code: str
    purchase_id: int
    title: str
    item: str
    duration_seconds: int
    created_at: datetime
    redeemed_by: int | None = None
    redeemed_at: datetime | None = None
    void_at: datetime | None = None


class Reward(Struct, frozen=True, gc=False):
    """What a payment earned somebody: level 0 is the buyer's own bonus, 1 who invited them, and so on (F13)."""

    id: int
    payment_id: int
    user_id: int
    level: int
    amount: Money | None
    seconds: int | None
    created_at: datetime
    taken_back_at: datetime | None = None
