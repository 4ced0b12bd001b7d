"""The few messages of Xray's API that turnpike speaks, as typed functions from values to bytes and back.

The descriptors are built at start from field numbers and live in a pool of their own: no generated code that must
match the version of the protobuf library, no top-level packages called `app` and `core`, no copied files.

This module is also a guard. Some requests end the whole node (an operation without content, an inbound without
settings, an account of another protocol); others make users that cannot be seen or removed. There is no function
here that could write one of them.
"""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from integrations.xray.node import NodeUser

_HANDLER: Final = "/xray.app.proxyman.command.HandlerService/"
_STATS: Final = "/xray.app.stats.command.StatsService/"

ALTER_INBOUND: Final = _HANDLER + "AlterInbound"
GET_INBOUND_USERS: Final = _HANDLER + "GetInboundUsers"
GET_INBOUND_USERS_COUNT: Final = _HANDLER + "GetInboundUsersCount"
GET_SYS_STATS: Final = _STATS + "GetSysStats"
GET_ONLINE_ADDRESSES: Final = _STATS + "GetStatsOnlineIpList"

_ADD_USER: Final = "xray.app.proxyman.command.AddUserOperation"
_REMOVE_USER: Final = "xray.app.proxyman.command.RemoveUserOperation"
_VLESS_ACCOUNT: Final = "xray.proxy.vless.Account"

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
    "GetStatsRequest": {"name": (1, "string")},
    "SysStatsResponse": {"uptime": (10, "uint32")},
    # A protobuf map is on the wire what a repeated message of key and value is.
    "Address": {"ip": (1, "string"), "last_seen": (2, "int64")},
    "GetStatsOnlineIpListResponse": {"ips": (2, "*Address")},
}


class BadAnswer(Exception):
    """The bytes of an answer are not the message that was expected."""


def add_user(tag: str, user: NodeUser) -> bytes:
    """Request for `ALTER_INBOUND`: add this user. Raises `BadUser` for one that the node would mishandle."""
    user.check()
    account = _encode("Account", id=str(user.uuid), flow=user.flow)
    envelope = {"type": _VLESS_ACCOUNT, "value": account}
    operation = _encode(
        "AddUserOperation", user={"level": user.level, "email": user.email, "account": envelope}
    )
    return _alter_inbound(tag, _ADD_USER, operation)


def remove_user(tag: str, email: str) -> bytes:
    """Request for `ALTER_INBOUND`: remove the user of this name."""
    return _alter_inbound(tag, _REMOVE_USER, _encode("RemoveUserOperation", email=email))


def inbound_users(tag: str, email: str = "") -> bytes:
    """Request for `GET_INBOUND_USERS` (one user, or all without a name) and for `GET_INBOUND_USERS_COUNT`."""
    return _encode("GetInboundUserRequest", tag=tag, email=email)


def online_addresses(email: str) -> bytes:
    """Request for `GET_ONLINE_ADDRESSES` of one user."""
    return _encode("GetStatsRequest", name=f"user>>>{email}>>>online")


def read_users(answer: bytes) -> Iterator[NodeUser]:
    """Users in an answer to `GET_INBOUND_USERS`, one by one, so the reader can pause in a list of 100,000.

    A name that the node does not know is answered with one empty user: it is left out. Raises `BadAnswer`.
    """
    for user in _decode("GetInboundUserResponse", answer).users:
        if user.email:
            yield _read_user(user)


def read_count(answer: bytes) -> int:
    """The number in an answer to `GET_INBOUND_USERS_COUNT`. Raises `BadAnswer`."""
    return int(_decode("GetInboundUsersCountResponse", answer).count)


def read_uptime(answer: bytes) -> int:
    """Whole seconds since the node's start in an answer to `GET_SYS_STATS`. Raises `BadAnswer`."""
    return int(_decode("SysStatsResponse", answer).uptime)


def read_online_addresses(answer: bytes) -> dict[str, int]:
    """Address and unix second of its last sign of life, in an answer to `GET_ONLINE_ADDRESSES`. Raises `BadAnswer`."""
    return {
        address.ip: int(address.last_seen) for address in _decode("GetStatsOnlineIpListResponse", answer).ips
    }


def _alter_inbound(tag: str, operation_type: str, operation: bytes) -> bytes:
    # A node dies of an operation without content, so pair the check with the one that made the content.
    assert tag, "a change names its inbound"
    assert operation, "a change of an inbound has content"
    return _encode("AlterInboundRequest", tag=tag, operation={"type": operation_type, "value": operation})


def _read_user(user: Any) -> NodeUser:
    if user.account.type != _VLESS_ACCOUNT:
        raise BadAnswer(f"user {user.email!r} has an account of type {user.account.type!r}, expected VLESS")
    account = _decode("Account", user.account.value)
    try:
        return NodeUser(user.email, UUID(account.id), account.flow, user.level)
    except ValueError:
        raise BadAnswer(f"user {user.email!r} has an identifier that is not a UUID") from None


def _encode(message: str, **fields: object) -> bytes:
    encoded: bytes = _CLASSES[message](**fields).SerializeToString()
    return encoded


def _decode(message: str, data: bytes) -> Any:
    try:
        return _CLASSES[message].FromString(data)
    except DecodeError:
        raise BadAnswer(f"{len(data)} bytes are not a {message}") from None


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
