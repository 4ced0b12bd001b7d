"""What travels with an invoice through a provider and comes back with its payment: which purchase, and whose.

It names things, it promises nothing: price and terms are read from the purchase. At most 128 bytes (Telegram's limit).
"""

_DIGITS_MAX = 18  # what a bigint can always hold


def make_payload(purchase_id: int, user_id: int) -> str:
    """The payload of an invoice for a purchase."""
    return f"purchase:{purchase_id}:{user_id}"


def read_payload(payload: str | None) -> tuple[int | None, int | None]:
    """The purchase and the user that a payload names; (None, None) where it is not one of ours."""
    match (payload or "").split(":"):
        case ["purchase", purchase, user] if _is_id(purchase) and _is_id(user):
            return int(purchase), int(user)
        case _:
            return None, None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
