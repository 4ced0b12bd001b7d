"""Crypto Pay: client, webhook, signatures, and a sandbox server that speaks the same protocol."""
