"""The few messages of Xray's API that turnpike speaks, as typed functions from values to bytes and back.

This module is also a guard. Some requests end the whole node (an operation without content, an inbound without
settings, an account of another protocol); others make users that cannot be seen or removed, put aside the rules of the
operator, or lose traffic that was counted (`reset`). There is no function here that could write one of them.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

from integrations.xray.interface import Traffic
from integrations.xray.node import BLOCK, BadUser, NodeUser
from integrations.xray.wire import BadAnswer, decode, encode, pieces

_HANDLER: Final = "/xray.app.proxyman.command.HandlerService/"
_STATS: Final = "/xray.app.stats.command.StatsService/"
_ROUTING: Final = "/xray.app.router.command.RoutingService/"

ALTER_INBOUND: Final = _HANDLER + "AlterInbound"
GET_INBOUND_USERS: Final = _HANDLER + "GetInboundUsers"
GET_INBOUND_USERS_COUNT: Final = _HANDLER + "GetInboundUsersCount"
ADD_OUTBOUND: Final = _HANDLER + "AddOutbound"
LIST_OUTBOUNDS: Final = _HANDLER + "ListOutbounds"
GET_SYS_STATS: Final = _STATS + "GetSysStats"
QUERY_STATS: Final = _STATS + "QueryStats"
GET_ONLINE_ADDRESSES: Final = _STATS + "GetStatsOnlineIpList"
GET_ONLINE_USERS: Final = _STATS + "GetUsersStats"
ADD_RULE: Final = _ROUTING + "AddRule"
REMOVE_RULE: Final = _ROUTING + "RemoveRule"
LIST_RULES: Final = _ROUTING + "ListRule"

#: Begins the names of the rules that keep removed users out; no rule of an operator is touched.
_RULE: Final = "turnpike.off."

#: Begins the names of those that keep a user out from an address.
_KEPT_OUT: Final = "turnpike.device."

#: Begins the name of the outbound that marks a run of a node; nothing is ever routed to it.
_EPOCH: Final = "turnpike.run."

_ADD_USER: Final = "xray.app.proxyman.command.AddUserOperation"
_REMOVE_USER: Final = "xray.app.proxyman.command.RemoveUserOperation"
_VLESS_ACCOUNT: Final = "xray.proxy.vless.Account"
_BLACKHOLE: Final = "xray.proxy.blackhole.Config"
_ROUTER: Final = "xray.app.router.Config"


def add_user(tag: str, user: NodeUser) -> bytes:
    """Request for `ALTER_INBOUND`: add this user. Raises `BadUser` for one that the node would mishandle."""
    user.check()
    account = encode("Account", id=str(user.uuid), flow=user.flow)
    envelope = {"type": _VLESS_ACCOUNT, "value": account}
    operation = encode(
        "AddUserOperation", user={"level": user.level, "email": user.email, "account": envelope}
    )
    return _alter_inbound(tag, _ADD_USER, operation)


def remove_user(tag: str, email: str) -> bytes:
    """Request for `ALTER_INBOUND`: remove the user of this name."""
    return _alter_inbound(tag, _REMOVE_USER, encode("RemoveUserOperation", email=email))


def inbound_users(tag: str, email: str = "") -> bytes:
    """Request for `GET_INBOUND_USERS` (one user, or all without a name) and for `GET_INBOUND_USERS_COUNT`."""
    return encode("GetInboundUserRequest", tag=tag, email=email)


def online_addresses(email: str) -> bytes:
    """Request for `GET_ONLINE_ADDRESSES` of one user."""
    return encode("GetStatsRequest", name=f"user>>>{email}>>>online")


def traffic() -> bytes:
    """Request for `QUERY_STATS`: what every user has moved; it never sets a counter back."""
    return encode("QueryStatsRequest", pattern="user>>>")


def mark_epoch(name: str) -> bytes:
    """Request for `ADD_OUTBOUND`: name this run of the node."""
    assert name, "a run of a node has a name"
    return encode(
        "AddOutboundRequest", outbound={"tag": _EPOCH + name, "proxy_settings": {"type": _BLACKHOLE}}
    )


def block_user(email: str) -> bytes:
    """Request for `ADD_RULE`: refuse whatever this name asks for from now on.

    A rule without a user would be one for everybody, and one that is not appended puts all others aside.
    """
    NodeUser(email, UUID(int=0)).check()
    rules = encode("Rules", rule=[{"tag": BLOCK, "user_email": [email], "rule_tag": _RULE + email}])
    return encode("AddRuleRequest", config={"type": _ROUTER, "value": rules}, append=True)


def unblock_user(email: str) -> bytes:
    """Request for `REMOVE_RULE`: take back what `block_user` did. Raises `BadUser` for no name at all."""
    if not email:
        raise BadUser("a user without a name is not blocked")
    return encode("RemoveRuleRequest", rule_tag=_RULE + email)


def keep_out(email: str, address: str) -> bytes:
    """Request for `ADD_RULE`: refuse whatever this name asks for from this one address from now on.

    Raises `BadUser` for what is no name or no address: a rule without either would be one for many.
    """
    NodeUser(email, UUID(int=0)).check()
    try:
        ip = ip_address(address)
    except ValueError:
        raise BadUser(f"{address!r} is no address that somebody can be kept out from") from None
    source = {"custom": {"cidr": {"ip": ip.packed, "prefix": ip.max_prefixlen}}}
    rule = {"tag": BLOCK, "user_email": [email], "source_ip": [source], "rule_tag": _kept_out(email, address)}
    rules = encode("Rules", rule=[rule])
    return encode("AddRuleRequest", config={"type": _ROUTER, "value": rules}, append=True)


def let_in(email: str, address: str) -> bytes:
    """Request for `REMOVE_RULE`: take back what `keep_out` did."""
    return encode("RemoveRuleRequest", rule_tag=_kept_out(email, address))


def _kept_out(email: str, address: str) -> str:
    return f"{_KEPT_OUT}{email}@{address}"


def read_kept_out(answer: bytes) -> set[tuple[str, str]]:
    """Names and addresses that `keep_out` refuses, in an answer to `LIST_RULES`. Raises `BadAnswer`."""
    tags = [rule.rule_tag for rule in decode("ListRuleResponse", answer).rules]
    pairs = [tag.removeprefix(_KEPT_OUT).partition("@") for tag in tags if tag.startswith(_KEPT_OUT)]
    return {(email, address) for email, _, address in pairs}


def read_users(answer: bytes) -> Iterator[NodeUser]:
    """Users in an answer to `GET_INBOUND_USERS`, one by one, so the reader can pause in a list of 100,000.

    A name that the node does not know is answered with one empty user: it is left out. Raises `BadAnswer`.
    """
    for piece in pieces("GetInboundUserResponse", answer):
        for user in piece.users:
            if user.email:
                yield _read_user(user)


def read_count(answer: bytes) -> int:
    """The number in an answer to `GET_INBOUND_USERS_COUNT`. Raises `BadAnswer`."""
    return int(decode("GetInboundUsersCountResponse", answer).count)


def read_uptime(answer: bytes) -> int:
    """Whole seconds since the node's start in an answer to `GET_SYS_STATS`. Raises `BadAnswer`."""
    return int(decode("SysStatsResponse", answer).uptime)


def read_epoch(answer: bytes) -> str | None:
    """The name of the node's run in an answer to `LIST_OUTBOUNDS`; None if nobody named it. Raises `BadAnswer`."""
    tags = [outbound.tag for outbound in decode("ListOutboundsResponse", answer).outbounds]
    return next((tag.removeprefix(_EPOCH) for tag in tags if tag.startswith(_EPOCH)), None)


def read_blocked(answer: bytes) -> set[str]:
    """Names that `block_user` keeps out, in an answer to `LIST_RULES`. Raises `BadAnswer`."""
    tags = [rule.rule_tag for rule in decode("ListRuleResponse", answer).rules]
    return {tag.removeprefix(_RULE) for tag in tags if tag.startswith(_RULE)}


def read_traffic(answer: bytes) -> Iterator[tuple[str, Traffic]]:
    """Each direction of each user on its own, in an answer to `QUERY_STATS`: add up by name. Raises `BadAnswer`."""
    for piece in pieces("QueryStatsResponse", answer):
        for counter in piece.stat:
            _, _, rest = counter.name.partition(">>>")
            email, _, direction = rest.partition(">>>")
            if direction == "traffic>>>uplink":
                yield email, Traffic(up=int(counter.value))
            elif direction == "traffic>>>downlink":
                yield email, Traffic(down=int(counter.value))


def read_online_addresses(answer: bytes) -> frozenset[str]:
    """Addresses in an answer to `GET_ONLINE_ADDRESSES`. Raises `BadAnswer`."""
    return frozenset(address.ip for address in decode("GetStatsOnlineIpListResponse", answer).ips)


def read_online_users(answer: bytes) -> Iterator[tuple[str, frozenset[str]]]:
    """Who is connected and from where, in an answer to `GET_ONLINE_USERS`. Raises `BadAnswer`."""
    for piece in pieces("GetUsersStatsResponse", answer):
        for user in piece.users:
            yield user.email, frozenset(address.ip for address in user.ips)


def _alter_inbound(tag: str, operation_type: str, operation: bytes) -> bytes:
    # A node dies of an operation without content, so pair the check with the one that made the content.
    assert tag, "a change names its inbound"
    assert operation, "a change of an inbound has content"
    return encode("AlterInboundRequest", tag=tag, operation={"type": operation_type, "value": operation})


def _read_user(user: Any) -> NodeUser:
    if user.account.type != _VLESS_ACCOUNT:
        raise BadAnswer(f"user {user.email!r} has an account of type {user.account.type!r}, expected VLESS")
    account = decode("Account", user.account.value)
    try:
        return NodeUser(user.email, UUID(account.id), account.flow, user.level)
    except ValueError:
        raise BadAnswer(f"user {user.email!r} has an identifier that is not a UUID") from None
