"""`xray`: the Xray processes of the nodes that turnpike runs itself, on this machine.

Each lives in a process of its own. If one ends, this actor crashes with its reason and the supervisor starts all again;
the `vpn` actor notices that the users are gone and gives them back.
"""

from actors.environment import Environment
from actors.nodes import NodeEntry, listen_of, node_folder, private_of
from integrations.xray.node import Node, server_config
from integrations.xray.process import XrayProcess, open_xray
from runtime import Actor, Context


class XrayEnded(RuntimeError):
    """An Xray process ended although it should run."""


class Xray(Actor):
    """Keeps one Xray running for each node without an `api` of its own."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._environment = environment

    async def started(self) -> None:
        """Start them all; raises `XrayStartFailed` naming the node."""
        nodes = {node.name: node for node in self._environment.nodes}
        for entry in self._environment.configuration.settings.nodes:
            if entry.api is None:
                await self._start(entry, nodes[entry.name])

    async def _start(self, entry: NodeEntry, node: Node) -> None:
        folder = node_folder(self._environment.data_folder, entry.name)
        listen, port = listen_of(entry)
        config = server_config(
            node,
            private_of(entry, self._environment.data_folder),
            listen=listen,
            listen_port=port,
            users=(),
            allow_private_targets=self._environment.sandbox,
        )
        process = await self.context.open(open_xray(config, name=entry.name, folder=folder))
        self.context.nursery.start_soon(self._watch, process)

    async def _watch(self, process: XrayProcess) -> None:
        raise XrayEnded(await process.wait_dead())
