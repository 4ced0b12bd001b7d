"""Linux's way to end another process's TCP connections: SOCK_DESTROY over netlink, what `ss -K` does.

For an Xray that an operator runs: its sockets are not ours to close. It needs the capability CAP_NET_ADMIN and a kernel
with INET_DIAG_DESTROY; whether this process may is found out by asking for a connection that does not exist.
"""

import errno
import os
import socket
import struct
from collections import Counter
from collections.abc import Collection, Iterator
from ipaddress import IPv6Address, ip_address
from typing import Final

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_SOCK_DESTROY: Final = 21
_REQUEST: Final = 0x1
_ACKNOWLEDGE: Final = 0x4
_DUMP: Final = 0x300
_ERROR: Final = 2
_DONE: Final = 3

#: Every state but listening (10): a connection that is being opened or closed is one too.
_STATES: Final = 0xFFF & ~(1 << 10)

#: Length, kind, flags, sequence, sender.
_HEADER: Final = struct.Struct("=IHHII")
#: Family, protocol, extensions, padding, states; the socket's identity follows.
_ASKED: Final = struct.Struct("=BBBBI")
#: Ports, addresses, interface, cookie.
_IDENTITY: Final = struct.Struct(">HH16s16s4s8s")
#: In an answer, family, state and two more bytes stand before the identity.
_BEFORE_IDENTITY: Final = 4

_ANY_COOKIE: Final = b"\xff" * 8
_RECEIVE_BYTES: Final = 1 << 18


def may_destroy() -> bool:
    """Whether this process may end connections of others here."""
    nobody = _IDENTITY.pack(0, 0, b"", b"", b"", _ANY_COOKIE)
    with _connected() as netlink:
        return _destroy(netlink, socket.AF_INET, nobody) == errno.ENOENT


def destroy(port: int, addresses: Collection[str]) -> Counter[str]:
    """End the TCP connections from these addresses to a local port; return how many from each.

    Raises PermissionError.
    """
    wanted: dict[object, str] = {ip_address(address): address for address in addresses}
    ended: Counter[str] = Counter()
    with _connected() as netlink:
        for family in (socket.AF_INET, socket.AF_INET6):
            # The whole list first: an answer to another request must not come between.
            for identity in list(_identities(netlink, family, port)):
                address = wanted.get(_peer(family, identity))
                if address is None:
                    continue
                status = _destroy(netlink, family, identity)
                if status in (errno.EPERM, errno.EACCES):
                    raise PermissionError(status, os.strerror(status))
                ended[address] += status == 0
    return ended


def _connected() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)


def _identities(netlink: socket.socket, family: int, port: int) -> Iterator[bytes]:
    """The connections of a local port, each as the kernel names it."""
    pattern = _IDENTITY.pack(port, 0, b"", b"", b"", _ANY_COOKIE)
    netlink.send(_message(_SOCK_DIAG_BY_FAMILY, _REQUEST | _DUMP, family, pattern))
    while True:
        for kind, body in _answers(netlink):
            if kind in (_DONE, _ERROR):
                return
            yield body[_BEFORE_IDENTITY : _BEFORE_IDENTITY + _IDENTITY.size]


def _destroy(netlink: socket.socket, family: int, identity: bytes) -> int:
    """Ask to end one connection; return the kernel's error number, 0 if it is done."""
    netlink.send(_message(_SOCK_DESTROY, _REQUEST | _ACKNOWLEDGE, family, identity))
    _, body = next(_answers(netlink))
    (status,) = struct.unpack_from("=i", body)
    return -int(status)


def _message(kind: int, flags: int, family: int, identity: bytes) -> bytes:
    body = _ASKED.pack(family, socket.IPPROTO_TCP, 0, 0, _STATES) + identity
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body


def _answers(netlink: socket.socket) -> Iterator[tuple[int, bytes]]:
    data = netlink.recv(_RECEIVE_BYTES)
    while data:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[(length + 3) & ~3 :]


def _peer(family: int, identity: bytes) -> object:
    """The address at the other end; an IPv4 one that came to an IPv6 socket is IPv4."""
    raw = _IDENTITY.unpack(identity)[3]
    if family == socket.AF_INET:
        return ip_address(raw[:4])
    return IPv6Address(raw).ipv4_mapped or IPv6Address(raw)
