"""A process that owns an embedded server, for tests to kill: `python -m tests.storage.embedded_owner FOLDER`.

Writes one JSON line when the server is ready, and stops in good order at the end of its input.
"""

import json
import sys
from pathlib import Path

import trio

from storage.embedded.server import open_embedded


async def main(folder: Path) -> None:
    """Own the server of `folder` until the input ends."""
    async with open_embedded(folder) as server:
        sys.stdout.write(json.dumps({"pid": server.pid, "conninfo": server.conninfo()}) + "\n")
        sys.stdout.flush()
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
