"""The webhook's signature: over raw bytes, with the token's hash as the key."""

import hashlib
import hmac

import pytest

from integrations.cryptopay.signature import sign, verify

_TOKEN = "12345:AAhunter2"
_BODY = b'{"update_id": 1,  "update_type":"invoice_paid"}'


def test_the_key_is_the_hash_of_the_token_as_bytes() -> None:
    key = hashlib.sha256(_TOKEN.encode()).digest()
    assert sign(_TOKEN, _BODY) == hmac.new(key, _BODY, "sha256").hexdigest()


def test_only_the_exact_bytes_and_the_right_token_verify() -> None:
    signature = sign(_TOKEN, _BODY)
    assert verify(_TOKEN, _BODY, signature)
    assert not verify(_TOKEN, _BODY.replace(b"  ", b" "), signature)
    assert not verify("12345:other", _BODY, signature)


@pytest.mark.parametrize("header", [None, "", "0" * 64, "schlüssel", sign(_TOKEN, b"")])
def test_a_forged_or_absent_header_does_not_verify(header: str | None) -> None:
    assert not verify(_TOKEN, _BODY, header)


def test_an_empty_token_is_an_error_and_not_a_signature_that_anybody_can_make() -> None:
    with pytest.raises(ValueError, match="token is empty"):
        verify("", _BODY, "x")
