"""Who should be on the nodes, as the database has it: what a node starts with."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from actors.reading import Reading
from domain.names import name_on_node
from integrations.xray.node import Node, NodeUser

_PAGE: Final = 500

_PRESENT: Final = """
    SELECT subscription_id, uuid, generation, grace FROM grants
    WHERE present AND (NOT grace OR %s) AND subscription_id > %s
    ORDER BY subscription_id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class _Granted:
    subscription_id: int
    uuid: UUID
    generation: int
    grace: bool


async def users_of(node: Node, readers: Reading, reader: str) -> AsyncIterator[NodeUser]:
    """Everybody who should be on the node, a page at a time; `reader` names the actor that asks."""
    last = 0
    while page := await readers.fetch(_Granted, _PRESENT, (bool(node.grace), last, _PAGE), reader=reader):
        for grant in page:
            name = name_on_node(grant.subscription_id, grant.generation, grace=grant.grace)
            yield NodeUser(name, grant.uuid, node.flow)
        last = page[-1].subscription_id
