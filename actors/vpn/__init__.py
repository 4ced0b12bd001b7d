"""`vpn`: the one owner of access. Every change of users on Xray nodes goes through here (U11).

One child for each node, so that a dead or slow node holds up nobody but itself (U12).
"""

from functools import partial

from actors.environment import Environment
from actors.messages import LookAgain
from actors.reading import DatabaseAway
from actors.switches import switched_off
from actors.vpn.node import VpnNode
from domain.entities import Function
from runtime import Actor, ActorSpec, Context, Message, Ref, Tick


class Vpn(Actor):
    """Starts a child for each node, and passes hints on to all of them."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._environment = environment
        self._nodes: list[Ref] = []

    async def started(self) -> None:
        """Start the children; a node need not answer for that."""
        off = await self._switched_off()
        for node in self._environment.nodes:
            make = partial(VpnNode, environment=self._environment, node=node)
            is_on = not off & {Function.PROVISIONING, f"{self.context.name}/{node.name}"}
            child = ActorSpec(node.name, make, settings={"switched_on": is_on})
            self._nodes.append(await self.context.start_child(child))

    async def _switched_off(self) -> frozenset[str]:
        try:
            return await switched_off(self._environment.readers, reader=self.context.name)
        except DatabaseAway:  # nobody can read what there is to do either
            return frozenset()

    async def receive(self, message: Message) -> object:
        """Have every node look at its grants."""
        match message:
            case LookAgain():
                for node in self._nodes:
                    node.cast(Tick())
                return None
            case _:
                return await super().receive(message)
