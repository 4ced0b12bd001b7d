"""`trial_expiry` (W3): ends trials at their end, and what it missed within five minutes.

It never touches a user with a paid subscription: whoever pays has no trial any more, and the writer looks again (I5).
"""

from typing import ClassVar

from actors.expiry import Expiry


class TrialExpiry(Expiry):
    """Ends trials."""

    period: ClassVar[float] = 300.0
    trials: ClassVar[bool] = True
