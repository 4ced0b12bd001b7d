"""What a node was told last, in files: its configuration, its users, and who was removed since.

So the node comes back with it after a crash, a restart of the agent or a boot of the machine, also while the panel is
away; and whoever was removed stays removed.
"""

import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

import msgspec
import trio

from integrations.xray.agent.protocol import Lines
from integrations.xray.stream import Config

#: Bytes of the list of users that are handled at once: under a millisecond.
_PIECE_BYTES: Final = 64 << 10


class _Client(msgspec.Struct):
    email: str


class Store:
    """The files of one node."""

    def __init__(self, folder: Path) -> None:
        """`folder` belongs to the agent alone."""
        self._base = trio.Path(folder / "base.json")
        self._users = trio.Path(folder / "users")
        self._removed = trio.Path(folder / "removed")

    async def take(self, lines: Lines, config: bytes) -> bool:
        """Replace the configuration, and the users by those who follow in lines; say if the former differs."""
        fresh = self._users.with_name("users.new")
        async with await trio.open_file(fresh, "wb", opener=_for_owner) as file:
            piece: list[bytes] = []
            size = 0
            while line := await lines.next():
                piece.append(line + b"\n")
                size += len(line)
                if size >= _PIECE_BYTES:
                    await file.write(b"".join(piece))
                    piece, size = [], 0
            await file.write(b"".join(piece))
        differs = not await self._base.exists() or await self._base.read_bytes() != config
        await fresh.replace(self._users)
        await self._removed.unlink(missing_ok=True)
        if differs:
            fresh = self._base.with_name("base.new")
            async with await trio.open_file(fresh, "wb", opener=_for_owner) as file:
                await file.write(config)
            await fresh.replace(self._base)
        return differs

    async def note_removed(self, emails: Iterable[str]) -> None:
        """Keep these users from coming back with the next start."""
        async with await trio.open_file(self._removed, "a", opener=_for_owner) as file:
            await file.write("".join(f"{email}\n" for email in emails))

    async def config(self) -> Config | None:
        """The configuration, None if there was none yet."""
        if not await self._base.exists():
            return None
        config: Config = msgspec.json.decode(await self._base.read_bytes())
        return config

    async def clients(self) -> AsyncIterator[bytes]:
        """The users, for a configuration."""
        removed: set[str] = set()
        if await self._removed.exists():
            removed.update((await self._removed.read_text()).split())
        async with await trio.open_file(self._users, "rb") as file:
            while piece := await file.readlines(_PIECE_BYTES):
                for line in piece:
                    if msgspec.json.decode(line, type=_Client).email not in removed:
                        yield line.rstrip()


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
