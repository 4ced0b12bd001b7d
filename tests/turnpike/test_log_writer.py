"""A log that nobody reads holds up nobody."""

import json
import os
import threading
from pathlib import Path

import pytest

from turnpike.log_writer import LINES_MAX, LogWriter

LINE = "x" * 99 + "\n"


def say(writer: LogWriter, lines: int) -> None:
    for _ in range(lines):
        writer.write(LINE)


@pytest.mark.requirement("E1")
def test_who_does_not_read_the_log_holds_up_nobody_and_is_told_what_is_missing() -> None:
    inlet, outlet = os.pipe()
    with open(outlet, "w", encoding="utf-8") as stream, open(inlet, encoding="utf-8") as reader:
        writer = LogWriter(stream)
        speaker = threading.Thread(target=say, args=(writer, 3 * LINES_MAX), daemon=True)
        speaker.start()
        speaker.join(20)
        assert not speaker.is_alive(), "the writer waits for the reader"

        came = 0
        while (text := reader.readline()) == LINE:
            came += 1
        missing = json.loads(text)["count"]
        assert missing > LINES_MAX
        assert came + missing == 3 * LINES_MAX
        writer.close()


def test_a_reader_that_has_gone_is_no_failure_of_whoever_logs() -> None:
    inlet, outlet = os.pipe()
    with open(outlet, "w", encoding="utf-8") as stream:
        os.close(inlet)
        writer = LogWriter(stream)
        writer.write(LINE)
        writer.close()
        with pytest.raises(BrokenPipeError):
            stream.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), outlet)


def test_what_was_said_last_is_written_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w", encoding="utf-8") as stream:
        writer = LogWriter(stream)
        for number in range(1000):
            writer.write(f"{number}\n")
        writer.close()
    assert path.read_text().split() == [str(number) for number in range(1000)]
