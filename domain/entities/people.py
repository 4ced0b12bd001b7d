"""People who have written to the bot."""

from datetime import datetime

from msgspec import Struct


class User(Struct, frozen=True, gc=False):
    """A person who has written to the bot; the id is Telegram's, `number` is their place in the order of arrival.

    Whoever invited them has a smaller number, so invitations make no circle (F13). `promo_code` is what they entered
    for their next purchase, `promo_purchase` the open invoice that holds a use of it. `paid_purchases` is how many
    plans and gifts they have paid. `language` is what Telegram tells; `time_zone` is an IANA name.
    """

    id: int
    first_name: str
    username: str | None
    language: str | None
    created_at: datetime
    number: int
    unreachable_since: datetime | None = None
    referrer_id: int | None = None
    referrer_number: int | None = None
    referral_code: str | None = None
    promo_code: str | None = None
    paid_purchases: int = 0
    promo_purchase: int | None = None
    chosen_language: str | None = None
    time_zone: str | None = None

    @property
    def reads(self) -> str | None:
        """The code of the language that they chose, or that Telegram tells; None where neither is known."""
        return self.chosen_language or self.language
