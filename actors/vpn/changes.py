"""One user of one node at a time: the calls of the driver that take the node to what is wished."""

from uuid import UUID

from actors.environment import Environment
from actors.vpn.wishes import Wish
from domain.names import name_on_node
from integrations.xray.interface import NodeDriver, NodeRefused
from integrations.xray.node import Node, NodeUser
from runtime import Context


class Changes:
    """What the actor of a node does to its users; whom the node refuses or cannot cut is told by False."""

    def __init__(self, context: Context, environment: Environment, node: Node, driver: NodeDriver) -> None:
        self._log = context.log
        self._step = environment.step
        self._count = environment.metrics.node_users
        self._node = node
        self._driver = driver

    async def carry_out(self, wish: Wish) -> bool:
        """Do everything that a version of a grant takes."""
        steps, done = wish.steps, True
        try:
            for name in steps.before:
                done &= await self.drop(name)
            if steps.wanted is not None:
                await self._ensure(steps.wanted, wish.uuid)
            for name in steps.afterwards:
                done &= await self.drop(name)
        except NodeRefused as error:
            self._log.error("grant refused", subscription=wish.subscription_id, error=str(error))
            return False
        return done

    async def give(self, wish: Wish) -> bool:
        """Give back a user whom the node had and has lost."""
        other = name_on_node(wish.subscription_id, wish.generation, grace=not wish.grace)
        try:
            if self._node.grace:
                # It may have begun with a list from before the other word was given; the UUID is the same.
                await self.drop(other)
            await self._ensure(wish.name, wish.uuid)
        except NodeRefused as error:
            self._log.error("grant refused", subscription=wish.subscription_id, error=str(error))
            return False
        return True

    async def rename(self, name: str, wish: Wish) -> bool:
        """Take away another name under which a user is there as well; their UUID goes with it and comes back."""
        await self.drop(name)
        await self._driver.absent(wish.name)
        return await self.give(wish)

    async def drop(self, name: str) -> bool:
        """Remove a user and cut what they have open."""
        gone = await self._driver.drop(name)
        self._count.labels(self._node.name, "removed").inc()
        self._step("removed")
        if not gone:
            self._log.warning("still connected", node=self._node.name, user=name)
        return gone

    async def _ensure(self, name: str, uuid: UUID) -> None:
        await self._driver.ensure(NodeUser(name, uuid, self._node.flow))
        self._count.labels(self._node.name, "ensured").inc()
        self._step("ensured")
