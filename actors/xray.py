"""`xray`: the Xray processes of the nodes that turnpike runs itself, on this machine or by an agent on another one.

Each has from its first moment the users whom the database says it should have. If one on this machine ends, this actor
crashes with its reason and the supervisor starts all again; an agent does the same by itself, and is only told from
time to time what to do it with. Whatever has changed meanwhile, the `vpn` actor notices and puts right.
"""

from collections.abc import AsyncIterator
from typing import Final

import trio

from actors.agents import agent_client
from actors.environment import Environment
from actors.nodes import NodeEntry, listen_of, node_folder, private_of
from actors.reading import DatabaseAway
from actors.roster import users_of
from integrations.xray.agent.client import AgentClient, AgentUnavailable
from integrations.xray.agent.portable import without_files
from integrations.xray.node import Node, NodeUser, server_config
from integrations.xray.process import XrayProcess, open_xray
from integrations.xray.roster import clients_of
from integrations.xray.stream import Config
from runtime import Actor, Context

#: Seconds after which an agent is told the users again; what its node would come back with is not older.
_REFRESH_SECONDS: Final = 600.0

#: Seconds before an agent that was not reached is tried again.
_RETRY_SECONDS: Final = 5.0


#: The name of this actor's alert.
_UNTOLD: Final = "agent does not do as told"


class XrayEnded(RuntimeError):
    """An Xray process ended although it should run."""


class Xray(Actor):
    """Keeps one Xray running for each node whose configuration is ours."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._environment = environment
        #: Why an agent could not be told what to run, by its node.
        self._untold: dict[str, str] = {}

    async def started(self) -> None:
        """Start those of this machine; raises `XrayStartFailed` naming the node. An agent may be away now."""
        nodes = {node.name: node for node in self._environment.nodes}
        for entry in self._environment.configuration.settings.nodes:
            agent = await trio.to_thread.run_sync(agent_client, entry, self._environment.data_folder)
            if agent is not None:
                self.context.nursery.start_soon(self._keep_told, agent, entry, nodes[entry.name])
            elif entry.api is None:
                await self._start(entry, nodes[entry.name])

    async def _start(self, entry: NodeEntry, node: Node) -> None:
        folder = node_folder(self._environment.data_folder, entry.name)
        clients = clients_of(self._users_while_the_database_answers(node))
        config = self._config(entry, node)
        process = await self.context.open(open_xray(config, name=entry.name, folder=folder, clients=clients))
        self.context.nursery.start_soon(self._watch, process)

    async def _watch(self, process: XrayProcess) -> None:
        raise XrayEnded(await process.wait_dead())

    async def _keep_told(self, agent: AgentClient, entry: NodeEntry, node: Node) -> None:
        """Tell the agent what to run, now and again and again."""
        while True:
            problem = await self._tell(agent, entry, node)
            self._untold.pop(node.name, None)
            if problem:
                self._untold[node.name] = problem
            if self._untold:
                self.context.alert(_UNTOLD, "; ".join(self._untold.values()))
            else:
                self.context.end_alert(_UNTOLD)
            await self.context.clock.sleep(_RETRY_SECONDS if problem else _REFRESH_SECONDS)

    async def _tell(self, agent: AgentClient, entry: NodeEntry, node: Node) -> str:
        """Tell the agent once; return why that was not possible, or nothing."""
        try:
            config = await trio.to_thread.run_sync(without_files, self._config(entry, node))
            users = users_of(node, self._environment.readers, self.context.name)
            await agent.start(config, clients_of(users))
        except (AgentUnavailable, DatabaseAway) as error:
            return str(error)
        except OSError as error:
            return f"nodes.{node.name}.tls: cannot read {error.filename}: {error.strerror}"
        return ""

    def _config(self, entry: NodeEntry, node: Node) -> Config:
        listen, port = listen_of(entry)
        return server_config(
            node,
            private_of(entry, self._environment.data_folder),
            listen=listen,
            listen_port=port,
            allow_private_targets=self._environment.sandbox,
        )

    async def _users_while_the_database_answers(self, node: Node) -> AsyncIterator[NodeUser]:
        """Everybody who should be there, or as many as were read: a node does not wait for the database."""
        try:
            async for user in users_of(node, self._environment.readers, self.context.name):
                yield user
        except DatabaseAway as error:
            self.context.log.warning("node starts without its users", node=node.name, error=str(error))
