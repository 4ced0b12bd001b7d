"""The end of a log: a stream that never makes the event loop wait.

Whoever reads a log may stop reading: a pipe fills, a terminal is held with Ctrl-S, a disk stalls. Then a write waits,
and on the event loop it would make everybody wait. So lines are handed to a thread; if it cannot keep up, lines are
dropped and counted, and the shop goes on.
"""

import atexit
import threading
from queue import SimpleQueue
from typing import Final, TextIO

LINES_MAX: Final = 10_000
"""How many lines may wait to be written."""

CLOSE_SECONDS: Final = 2.0
"""How long the end of the process waits for them."""


class LogWriter:
    """Writes to `stream` from a thread of its own. Safe to use from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._lost = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def write(self, text: str) -> None:
        """Have the text written soon; if too much waits already, it is lost, and that is said later."""
        if self._waiting.qsize() < LINES_MAX:
            self._waiting.put(text)
        else:
            self._lost += 1

    def flush(self) -> None:
        """Nothing to do: each line is on its way."""

    def close(self) -> None:
        """Write what waits, if that is possible at once."""
        self._waiting.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _write(self) -> None:
        while (text := self._waiting.get()) is not None:
            if self._lost and self._waiting.empty():
                text += f'{{"event": "log lines lost", "count": {self._lost}}}\n'
                self._lost = 0
            try:
                self._stream.write(text)
                self._stream.flush()
            except OSError:  # nobody reads any more, or the disk is full; the next line may get through
                self._lost += 1
