"""`trial_notifications` (W2): reminds people on trial of its end."""

from typing import ClassVar

from actors.reminding import Reminding


class TrialNotifications(Reminding):
    """Reminds of the end of trials."""

    period: ClassVar[float] = 300.0
    trials: ClassVar[bool] = True
