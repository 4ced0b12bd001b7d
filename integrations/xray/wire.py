"""Xray's protobuf messages as bytes and back, for `integrations.xray.messages`, which says what they mean.

The descriptors are built at start from field numbers and live in a pool of their own: no generated code that must
match the version of the protobuf library, no top-level packages called `app` and `core`, no copied files.
"""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

#: message -> field -> (number, type); a type that is not a scalar names another message, `*` marks a repeated field.
_FIELDS: Final[dict[str, dict[str, tuple[int, str]]]] = {
    "TypedMessage": {"type": (1, "string"), "value": (2, "bytes")},
    "User": {"level": (1, "uint32"), "email": (2, "string"), "account": (3, "TypedMessage")},
    "Account": {"id": (1, "string"), "flow": (2, "string")},
    "AddUserOperation": {"user": (1, "User")},
    "RemoveUserOperation": {"email": (1, "string")},
    "AlterInboundRequest": {"tag": (1, "string"), "operation": (2, "TypedMessage")},
    "GetInboundUserRequest": {"tag": (1, "string"), "email": (2, "string")},
    "GetInboundUserResponse": {"users": (1, "*User")},
    "GetInboundUsersCountResponse": {"count": (1, "int64")},
    "Outbound": {"tag": (1, "string"), "proxy_settings": (3, "TypedMessage")},
    "AddOutboundRequest": {"outbound": (1, "Outbound")},
    "ListOutboundsResponse": {"outbounds": (1, "*Outbound")},
    "Network": {"ip": (1, "bytes"), "prefix": (2, "uint32")},
    "NetworkRule": {"cidr": (1, "Network")},
    "SourceRule": {"custom": (2, "NetworkRule")},
    "Rule": {
        "tag": (1, "string"),
        "user_email": (7, "*string"),
        "source_ip": (11, "*SourceRule"),
        "rule_tag": (19, "string"),
    },
    "Rules": {"rule": (2, "*Rule")},
    "AddRuleRequest": {"config": (1, "TypedMessage"), "append": (2, "bool")},
    "RemoveRuleRequest": {"rule_tag": (1, "string")},
    "ListedRule": {"tag": (1, "string"), "rule_tag": (2, "string")},
    "ListRuleResponse": {"rules": (1, "*ListedRule")},
    "SysStatsResponse": {"uptime": (10, "uint32")},
    "QueryStatsRequest": {"pattern": (1, "string")},
    "Counter": {"name": (1, "string"), "value": (2, "int64")},
    "QueryStatsResponse": {"stat": (1, "*Counter")},
    "GetStatsRequest": {"name": (1, "string")},
    # A protobuf map is on the wire what a repeated message of key and value is.
    "Address": {"ip": (1, "string"), "last_seen": (2, "int64")},
    "GetStatsOnlineIpListResponse": {"ips": (2, "*Address")},
    "OnlineUser": {"email": (1, "string"), "ips": (2, "*Address")},
    "GetUsersStatsResponse": {"users": (1, "*OnlineUser")},
}

#: Bytes that are decoded in one go: under a millisecond.
_PIECE_BYTES: Final = 64 << 10


class BadAnswer(Exception):
    """The bytes of an answer are not the message that was expected."""


def encode(message: str, **fields: object) -> bytes:
    """Bytes of a message."""
    encoded: bytes = _CLASSES[message](**fields).SerializeToString()
    return encoded


def decode(message: str, data: bytes) -> Any:
    """The message in the bytes. Raises `BadAnswer`."""
    try:
        return _CLASSES[message].FromString(data)
    except DecodeError:
        raise BadAnswer(f"{len(data)} bytes are not a {message}") from None


def pieces(message: str, data: bytes) -> Iterator[Any]:
    """A message that is one long list, as several short ones: 12 MB in one go would hold the event loop for long.

    Protobuf allows it: a list on the wire is its entries one after another. Raises `BadAnswer`.
    """
    begin = end = 0
    while end < len(data):
        end = _after_field(message, data, end)
        if end - begin >= _PIECE_BYTES or end == len(data):
            yield decode(message, data[begin:end])
            begin = end


def _after_field(message: str, data: bytes, at: int) -> int:
    """Where the entry that begins there ends."""
    try:
        tag, at = _varint(data, at)
        length, at = _varint(data, at)
    except IndexError:
        tag, length = 0, 0
    if tag & 7 != 2 or at + length > len(data):
        raise BadAnswer(f"{len(data)} bytes are not a {message}")
    return at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7


def _build_classes() -> dict[str, Any]:
    """Make a message class of each entry of `_FIELDS`, in a pool that nobody else can collide with."""
    file = descriptor_pb2.FileDescriptorProto(name="turnpike/xray.proto", syntax="proto3")
    for message, fields in _FIELDS.items():
        descriptor = file.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            _add_field(descriptor, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in _FIELDS}


def _add_field(descriptor: Any, name: str, number: int, kind: str) -> None:
    field_type = descriptor_pb2.FieldDescriptorProto
    label = field_type.LABEL_REPEATED if kind.startswith("*") else field_type.LABEL_OPTIONAL
    kind = kind.removeprefix("*")
    field = descriptor.field.add(name=name, number=number, label=label)
    if kind in _FIELDS:
        field.type, field.type_name = field_type.TYPE_MESSAGE, "." + kind
    else:
        field.type = getattr(field_type, "TYPE_" + kind.upper())


_CLASSES: Final = _build_classes()
