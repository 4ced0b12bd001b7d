"""A node that does not answer is somebody who cannot answer, not a crash of whoever asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from integrations.xray.interface import NodeRefused, NodeUnavailable
from runtime import Unavailable

#: The name of the alert that a node does not answer.
NODE_AWAY: Final = "node does not answer"


class NodeAway(Unavailable):
    """The node did not answer, or not as a node does; what was asked of it may have been done or not."""


@contextmanager
def asking_a_node() -> Iterator[None]:
    """Raise `NodeAway` where the driver, or several of its calls side by side, raise what they may."""
    reasons: list[str] = []
    try:
        yield
    except* (NodeUnavailable, NodeRefused) as group:
        reasons.append(_first(group))
    if reasons:
        raise NodeAway(reasons[0])


def _first(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
