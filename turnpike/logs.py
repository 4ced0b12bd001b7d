"""Logs: lines for people on a terminal, JSON for everything else, and no secret in either."""

import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import Processor

from actors.secrecy import without_tokens
from runtime import current_trace
from turnpike.log_writer import LogWriter


def set_up_logs(file: Path | None = None) -> None:
    """Log to standard error, or to a file; pretty on a terminal, one JSON object a line elsewhere."""
    stream: TextIO = sys.stderr
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a", encoding="utf-8", buffering=1)
    writer = LogWriter(stream)
    structlog.configure(
        processors=processors(pretty=stream.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(writer),  # type: ignore[arg-type]  # it writes and flushes
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=writer, level=logging.WARNING, force=True)
    # On the way out of a pipeline psycopg warns of what it has raised already, once for each level.
    logging.getLogger("psycopg").setLevel(logging.ERROR)


def processors(*, pretty: bool) -> list[Processor]:
    """What every line goes through, from what was said to its text."""
    return [
        structlog.contextvars.merge_contextvars,
        _with_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([] if pretty else [structlog.processors.format_exc_info]),
        _without_tokens,
        structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def _with_trace(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """The causal id of the work in hand on every line, so that one id finds all that followed from one beginning."""
    if "trace" not in event and (trace := current_trace()) is not None:
        event["trace"] = trace
    return event


def _without_tokens(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = without_tokens(value)
    return event
