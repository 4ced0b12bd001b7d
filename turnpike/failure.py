"""From an exception to the sentences that a person reads."""

from collections.abc import Iterator

from integrations.http_server import CannotListen
from runtime import ConfigError, StartFailed, TreeFailed
from storage.errors import StorageError


class CannotRun(Exception):
    """Something that an operator can act on; the text is one sentence for them."""


EXPECTED = (ConfigError, StartFailed, TreeFailed, StorageError, CannotListen, CannotRun)


def sentences(error: BaseException) -> Iterator[str]:
    """The sentences of the failures in an exception or group of them; raises it if one is a defect of ours."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from sentences(each)
    elif isinstance(error, StartFailed) and (reason := _reason(error)) is not None:
        yield reason
    elif isinstance(error, EXPECTED):
        yield str(error)
    elif not isinstance(error, KeyboardInterrupt):
        raise error


def _reason(failure: StartFailed) -> str | None:
    """What an actor says itself of why it did not start; None where it is a defect, which the whole text names."""
    cause: BaseException | None = failure
    while isinstance(cause, StartFailed):
        cause = cause.__cause__
    return str(cause) if cause is not None and type(cause).__module__ != "builtins" else None
