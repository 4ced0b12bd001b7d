"""The signature under Crypto Pay's webhooks: HMAC-SHA256 of the raw body, the key being SHA-256 of the token.

It is computed over the bytes that came: JSON that was read and written again is no longer what was signed.
"""

import hashlib
import hmac
from typing import Final

SIGNATURE_HEADER: Final = "crypto-pay-api-signature"


def sign(token: str, raw: bytes) -> str:
    """The signature, in lower-case hexadecimal. Raises `ValueError` for an empty token: anybody could sign."""
    if not token:
        raise ValueError("Crypto Pay's token is empty; take it from @CryptoBot, Crypto Pay, My Apps")
    key = hashlib.sha256(token.encode()).digest()
    return hmac.new(key, raw, hashlib.sha256).hexdigest()


def verify(token: str, raw: bytes, header: str | None) -> bool:
    """Whether the header is the signature of `raw`, compared in constant time. Raises as `sign` does."""
    return hmac.compare_digest(sign(token, raw).encode(), (header or "").encode())
