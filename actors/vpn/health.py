"""How a node is, for an operator who asks: a child of the node's actor, so that asking waits for nothing else."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import trio

from actors.messages import Examine, NodeState
from actors.vpn.errors import NodeAway, asking_a_node
from integrations.xray.agent.client import AgentClient, AgentUnavailable
from integrations.xray.agent.protocol import Health
from integrations.xray.interface import NodeDriver
from integrations.xray.version import xray_version
from runtime import Actor, Context, Message

#: Seconds for an agent to say how it is.
_AGENT_SECONDS: Final = 5.0


@dataclass(slots=True)
class Contact:
    """When the node's actor last reached the node, None if it never has."""

    reached_at: datetime | None = None


class NodeHealth(Actor):
    """Asks the node, and its agent if it has one."""

    def __init__(
        self,
        context: Context,
        driver: NodeDriver,
        agent: AgentClient | None,
        contact: Contact,
        *,
        is_ours: bool,
    ) -> None:
        """`is_ours`: turnpike runs this node's Xray on this machine."""
        super().__init__(context)
        self._driver = driver
        self._agent = agent
        self._contact = contact
        self._version = xray_version() if is_ours else ""
        #: What the agent said last, which need not be now.
        self._health: Health | None = None

    async def receive(self, message: Message) -> object:
        """Say how the node is; a node that does not answer is an answer, too."""
        match message:
            case Examine():
                return await self._examine()
            case _:
                return await super().receive(message)

    async def _examine(self) -> NodeState:
        problems: list[str] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ask_agent, problems)
            users = up = None
            try:
                with asking_a_node():
                    up, users = await self._driver.uptime(), await self._driver.count()
                self._contact.reached_at = self.context.clock.now()
            except NodeAway as error:
                problems.append(str(error))
        health = self._health
        return NodeState(
            problem="; ".join(problems),
            reached_at=self._contact.reached_at,
            up=up,
            users=users,
            restarts=None if health is None else health.restarts,
            version=self._version if health is None else health.version,
        )

    async def _ask_agent(self, problems: list[str]) -> None:
        if self._agent is None:
            return
        try:
            with trio.fail_after(_AGENT_SECONDS):
                self._health = await self._agent.health()
        except (AgentUnavailable, trio.TooSlowError) as error:
            problems.append(str(error) or "its agent does not answer")
            return
        if not self._health.running:
            problems.append(self._health.problem)
