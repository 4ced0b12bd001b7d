"""Bytes that a node understands, and none that would end it."""

import inspect
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.xray import messages
from integrations.xray.messages import BadAnswer
from integrations.xray.node import VISION, BadUser, NodeUser

ONE = UUID("6f9619ff-8b86-4011-b42d-00c04fc964ff")
ACCOUNT = b"\x0a\x24" + str(ONE).encode() + b"\x12\x10" + VISION.encode()
TYPED_ACCOUNT = b"\x0a\x17xray.proxy.vless.Account\x12\x38"[:1] + b"\x18xray.proxy.vless.Account\x12\x38" + ACCOUNT
