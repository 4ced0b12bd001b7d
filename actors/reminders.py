"""`reminders` (W9): reminds people with a paid subscription of its end."""

from typing import ClassVar

from actors.reminding import Reminding


class Reminders(Reminding):
    """Reminds of the end of what is more than a trial."""

    period: ClassVar[float] = 900.0
    trials: ClassVar[bool] = False
