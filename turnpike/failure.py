"""From an exception to the sentences that a person reads."""

from collections.abc import Iterator

from runtime import ConfigError, StartFailed, TreeFailed
from storage.errors import StorageError


class CannotRun(Exception):
    """Something that an operator can act on; the text is one sentence for them."""


EXPECTED = (ConfigError, StartFailed, TreeFailed, StorageError, CannotRun)


def sentences(error: BaseException) -> Iterator[str]:
    """The sentences of the failures in an exception or group of them; raises it if one is a defect of ours."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from sentences(each)
    elif isinstance(error, EXPECTED):
        yield str(error)
    elif not isinstance(error, KeyboardInterrupt):
        raise error
