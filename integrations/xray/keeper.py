"""Who is behind each socket of an Xray, and how to end them: a thread in the very process of that Xray.

Xray's API removes a user and leaves open what they have open. The process itself may close its own sockets: that needs
no privilege, and touches nobody else. Which socket is whose, Xray writes into its access log, which comes here through
a pipe and is kept nowhere: name and source are remembered, where somebody went is not.

Xray drops lines of its log in a rush, so not every socket has an owner here. Those without are ended if they come from
an address where the node has seen the user, those that belong to somebody else never. Behind a proxy, a user's sockets
are those that the proxy has to here; where it shares one among users, the last one to use it is the owner.

This runs in the process of every node: only light modules.
"""

import contextlib
import fcntl
import json
import os
import re
import selectors
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Final

#: What the configuration calls the pipe of the access log; the number is the descriptor's.
TRAIL_DESCRIPTOR: Final = 99
TRAIL_PATH: Final = f"/proc/self/fd/{TRAIL_DESCRIPTOR}"

#: Added to the path of the API socket.
SUFFIX: Final = ".cut"

_REQUEST_SECONDS: Final = 1.0
_REQUEST_BYTES_MAX: Final = 16 << 20
_PIPE_BYTES: Final = 1 << 20
_READ_BYTES: Final = 1 << 16
_REMEMBERED_MIN: Final = 10_000

_ACCEPTED: Final = re.compile(rb" from (?:tcp:|udp:)?(\S+) accepted .* email: (\S+)$")

Request = tuple[str, list[str]]
"""A user's name, and addresses where they were seen."""


class Trail:
    """Which peer belongs to whom, as far as the log told."""

    def __init__(self) -> None:
        self._owner: dict[str, str] = {}
        self._rest = b""

    def __len__(self) -> int:
        """How many peers have an owner."""
        return len(self._owner)

    def feed(self, data: bytes) -> None:
        """Take up lines of the access log; a line may come in parts."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if found := _ACCEPTED.search(line):
                self._owner[found[1].decode(errors="replace")] = found[2].decode(errors="replace").lower()

    def whose(self, peer: str) -> str | None:
        """The name of a peer's user in lower case, None if it is not known."""
        return self._owner.get(peer)

    def keep(self, peers: set[str]) -> None:
        """Forget whoever is not connected any more."""
        self._owner = {peer: owner for peer, owner in self._owner.items() if peer in peers}


class Keeper:
    """Answers on the socket next to the API's."""

    def __init__(self, listener: socket.socket, trail: int, ports: Iterable[int]) -> None:
        """`trail` is the readable end of the log's pipe, `ports` are those of the inbounds."""
        self._listener = listener
        self._pipe = trail
        self._ports = frozenset(ports)
        self._trail = Trail()
        self._remembered_max = _REMEMBERED_MIN

    def run(self) -> None:
        """Follow the log and answer until the process ends."""
        os.set_blocking(self._pipe, False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                self._follow()
                if self._listener in ready:
                    self._serve()

    def _follow(self) -> None:
        while data := self._read():
            self._trail.feed(data)
        if len(self._trail) > self._remembered_max:
            self._cut([])
            self._remembered_max = max(_REMEMBERED_MIN, 2 * len(self._trail))

    def _read(self) -> bytes:
        try:
            return os.read(self._pipe, _READ_BYTES)
        except BlockingIOError:
            return b""

    def _serve(self) -> None:
        """Take one request and answer it; whoever does not behave is left."""
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(_REQUEST_SECONDS)
            try:
                requests = requests_in(_line(connection))
                connection.sendall(json.dumps(self._cut(requests)).encode() + b"\n")
            except (OSError, ValueError):
                return

    def _cut(self, requests: list[Request]) -> list[int]:
        """End the sockets of these users; return how many of each."""
        by_name = {name.lower(): at for at, (name, _) in enumerate(requests)}
        by_address = {address: at for at, (_, addresses) in enumerate(requests) for address in addresses}
        ended = [0] * len(requests)
        seen = set()
        for address, port, connection in _connections(self._ports):
            peer = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            seen.add(peer)
            owner = self._trail.whose(peer)
            at = by_address.get(address) if owner is None else by_name.get(owner)
            if at is not None and _end(connection):
                ended[at] += 1
        self._trail.keep(seen)
        return ended


def _connections(ports: frozenset[int]) -> Iterator[tuple[str, int, socket.socket]]:
    """Every connection that people have to these ports of this process: address, port, and a handle on it.

    The handle is a duplicate, so it stays the same connection even if Xray closes its own meanwhile.
    """
    for name in os.listdir("/proc/self/fd"):
        handle = _handle(int(name))
        if handle is None:
            continue
        with handle as connection:
            try:
                if connection.type != socket.SOCK_STREAM or connection.getsockname()[1] not in ports:
                    continue
                address, port = connection.getpeername()[:2]
            except (OSError, IndexError):
                continue  # one that listens, or a unix socket
            yield address.removeprefix("::ffff:"), port, connection


def _handle(descriptor: int) -> socket.socket | None:
    """Another descriptor of a socket, None for whatever is none or is gone by now."""
    try:
        duplicate = os.dup(descriptor)
    except OSError:
        return None
    try:
        return socket.socket(fileno=duplicate)
    except OSError:
        os.close(duplicate)
        return None


def _end(connection: socket.socket) -> bool:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False
    return True


def requests_in(line: bytes) -> list[Request]:
    """What was asked for; raises ValueError if it is not a list of requests."""
    requests = json.loads(line)
    match requests:
        case [*each] if all(_is_request(request) for request in each):
            return [(name, addresses) for name, addresses in each]
        case _:
            raise ValueError("expected pairs of a name and addresses")


def _is_request(value: object) -> bool:
    match value:
        case [str(), [*addresses]]:
            return all(isinstance(address, str) for address in addresses)
        case _:
            return False


def _line(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) < _REQUEST_BYTES_MAX:
        part = connection.recv(_READ_BYTES)
        if not part:
            break
        data += part
    return data


def keep(api_socket: str, ports: Iterable[int]) -> None:
    """Put the pipe for the log in its place and answer on a thread, before Xray starts. Raises OSError."""
    path = api_socket + SUFFIX
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen()
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    os.dup2(writing, TRAIL_DESCRIPTOR, inheritable=False)
    os.close(writing)
    threading.Thread(target=Keeper(listener, reading, ports).run, daemon=True).start()
