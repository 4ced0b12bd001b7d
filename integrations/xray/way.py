"""How a node is reached: the stream to Xray's API, and what ends connections there."""

from dataclasses import dataclass
from functools import partial

import trio

from integrations.xray.cutting import Cutter, LocalCutter
from integrations.xray.grpc import Connect
from integrations.xray.node import Node


@dataclass(frozen=True, slots=True)
class Way:
    """The way to one node."""

    #: Opens a stream to the API or raises OSError.
    api: Connect
    cutter: Cutter


def way_on_this_machine(node: Node) -> Way:
    """Through the unix sockets of a node that runs here."""
    return Way(partial(trio.open_unix_socket, node.api_socket), LocalCutter(node.api_socket, node.port))
