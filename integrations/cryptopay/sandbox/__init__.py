"""A Crypto Pay server of our own on loopback: the API, its webhook, and the page on which a person pays.

It speaks the provider's wire protocol, so the product cannot tell it from the real one: only the base address
differs. See `server` for the way in.
"""

from integrations.cryptopay.sandbox.server import SANDBOX_CRYPTOPAY_TOKEN, CryptoPaySandbox

__all__ = ["SANDBOX_CRYPTOPAY_TOKEN", "CryptoPaySandbox"]
