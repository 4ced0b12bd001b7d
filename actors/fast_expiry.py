"""`fast_expiry` (W4): ends paid subscriptions at their end, and what it missed within a minute."""

from typing import ClassVar

from actors.expiry import Expiry


class FastExpiry(Expiry):
    """Ends what is more than a trial."""

    period: ClassVar[float] = 60.0
    trials: ClassVar[bool] = False
