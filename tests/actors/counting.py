"""Somebody in the place of `vpn`, for workers that ask nodes: one node, on which everybody has moved something."""

from functools import partial
from pathlib import Path
from typing import Final

from actors.environment import Environment
from actors.messages import KeepOut, Meter, Metered
from domain.commands import Reading
from integrations.xray.node import Node
from runtime import Actor, ActorSpec, Context, Message

A_NODE: Final = Node(name="home", host="127.0.0.1", port=443, api_socket=Path("home.sock"))


class Nodes(Actor):
    """In the place of `vpn`: one node, on which every subscription has moved something."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._environment = environment

    async def started(self) -> None:
        node = ActorSpec(A_NODE.name, partial(_Node, environment=self._environment))
        await self.context.start_child(node)


class _Node(Nodes):
    async def started(self) -> None:
        meter = ActorSpec("meter", partial(_Meter, environment=self._environment))
        await self.context.start_child(meter)


class _Meter(Nodes):
    async def started(self) -> None:
        """It has no children."""

    async def receive(self, message: Message) -> object:
        if isinstance(message, KeepOut):
            return True
        assert isinstance(message, Meter)
        query = "SELECT id AS subscription_id, 1::bigint AS up, id AS down FROM subscriptions ORDER BY id LIMIT 100"
        readings = await self._environment.readers.fetch(Reading, query, reader=self.context.name)
        return Metered("a run", tuple(readings), {})
