"""What panel and agent say to each other inside TLS: a line that says what for, then whatever that needs.

    api      the agent answers with a line; from then on it is the connection to Xray's API
    cut      one request to the keeper and its answer
    start    the node's configuration in a line, a line for each user, and an empty line; a line when it runs
    health   a line that says how the node is

A line with a problem may stand in the place of any answer.
"""

from typing import Final, Literal

import msgspec
import trio

#: Seconds for the handshake and the first line.
GREETING_SECONDS: Final = 10.0

#: A configuration has a few kilobytes, a request to cut a thousand users some more.
LINE_BYTES_MAX: Final = 1 << 20


class Ask(msgspec.Struct, frozen=True):
    """The first line."""

    what: Literal["api", "cut", "start", "health"]


class Health(msgspec.Struct, frozen=True):
    """How a node is."""

    running: bool
    #: Seconds since its Xray was started, 0 if it does not run.
    up: int
    #: How often Xray had to be started again since the agent began.
    restarts: int
    #: Why it does not run, or ended last; one sentence or nothing.
    problem: str = ""
    #: The version of the package that its Xray comes in; an older agent does not say.
    version: str = ""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The agent's line: a problem in one sentence, or none; and the health where it was asked for."""

    problem: str = ""
    health: Health | None = None


class LineTooLong(Exception):
    """The other side sends something else than lines of ours."""


class Lines:
    """A stream that is read line by line."""

    def __init__(self, stream: trio.abc.Stream, at_once: int = 1 << 16) -> None:
        """Read `at_once` bytes; if it is one, whatever follows a line is left to whoever reads on."""
        self.stream = stream
        self._at_once = at_once
        self._read = bytearray()

    async def next(self) -> bytes:
        """The next line without its end. Raises `trio.BrokenResourceError` at the end, `LineTooLong`."""
        searched = 0
        while (end := self._read.find(b"\n", searched)) < 0:
            searched = len(self._read)
            if searched > LINE_BYTES_MAX:
                raise LineTooLong("a line is longer than any of ours")
            part = await self.stream.receive_some(self._at_once)
            if not part:
                raise trio.BrokenResourceError("the other side ended in the middle of a line")
            self._read += part
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        return line


def line_of(value: msgspec.Struct) -> bytes:
    """A line to send."""
    return msgspec.json.encode(value) + b"\n"
