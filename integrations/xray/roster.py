"""The users of a node inside its configuration: the fastest way to start a node with 100,000 of them.

They come one by one and go to the file in batches, so the whole list is never in memory. One by one over the API they
would take five times as long.
"""

import os
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
import trio

from integrations.xray.node import BadUser, NodeUser, client_of
from integrations.xray.stream import Config

#: Users written at once: under a millisecond of work.
_BATCH: Final = 500

#: Stands in the configuration where the users go.
_MARK: Final = "the users go here"


async def clients_of(users: AsyncIterable[NodeUser]) -> AsyncIterator[bytes]:
    """Users as JSON objects. Whom the node would mishandle is left out: one of them must not keep it from starting.

    The driver says what is wrong with a user when it is asked to add them.
    """
    names: set[str] = set()
    credentials: set[bytes] = set()
    async for user in users:
        try:
            user.check()
        except BadUser:
            continue
        if user.email not in names and user.credential not in credentials:
            names.add(user.email)
            credentials.add(user.credential)
            yield msgspec.json.encode(client_of(user))


async def write_config(path: Path, config: Config, clients: AsyncIterable[bytes] | None = None) -> int:
    """Write a configuration that only its owner can read; return how many `clients` were put into its first inbound.

    Without `clients` it is written as it is.
    """
    head, tail = (msgspec.json.encode(config), b"") if clients is None else _around_clients(config)
    count = 0
    fresh = path.with_suffix(".new")
    async with await trio.open_file(fresh, "wb", opener=_open_for_owner) as file:
        await file.write(head)
        batch: list[bytes] = []
        async for client in _nobody() if clients is None else clients:
            batch.append(client)
            count += 1
            if len(batch) == _BATCH:
                await file.write((b"" if count == _BATCH else b",") + b",".join(batch))
                batch = []
        if batch:
            await file.write((b"" if count < _BATCH else b",") + b",".join(batch))
        await file.write(tail)
    await trio.to_thread.run_sync(fresh.replace, path)
    return count


def _around_clients(config: Config) -> tuple[bytes, bytes]:
    """The configuration up to the users of its first inbound, and from there on."""
    inbounds = config["inbounds"]
    assert isinstance(inbounds, list), "a node has inbounds"
    first, *others = inbounds
    marked = {**first, "settings": {**first["settings"], "clients": [_MARK]}}
    whole = msgspec.json.encode({**config, "inbounds": [marked, *others]})
    head, mark, tail = whole.partition(msgspec.json.encode(_MARK))
    assert mark, "the mark was written"
    return head, tail


def _open_for_owner(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


async def _nobody() -> AsyncIterator[bytes]:
    none: tuple[bytes, ...] = ()
    for nobody in none:
        yield nobody
