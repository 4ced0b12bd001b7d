"""`xray`: the Xray processes of the nodes that turnpike runs itself, on this machine.

Each lives in a process of its own. If one ends, this actor crashes with its reason and the supervisor starts all again;
the `vpn` actor notices that the users are gone and gives them back.
"""

from pathlib import Path

import msgspec

from actors.environment import Environment
from actors.settings import NodeEntry
from integrations.xray.node import Node, server_config
from integrations.xray.process import XrayProcess, open_xray
from integrations.xray.stream import RealityPrivate, reality_keys
from integrations.xray.transport import VISION, Reality
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
        config = server_config(
            node,
            _private(entry, folder),
            listen=entry.listen,
            users=(),
            allow_private_targets=self._environment.sandbox,
        )
        process = await self.context.open(open_xray(config, name=entry.name, folder=folder))
        self.context.nursery.start_soon(self._watch, process)

    async def _watch(self, process: XrayProcess) -> None:
        raise XrayEnded(await process.wait_dead())


def node_folder(data_folder: Path, name: str) -> Path:
    """Where the configuration, log and keys of a node lie that turnpike runs itself."""
    return data_folder / "nodes" / name


class _Keys(msgspec.Struct, frozen=True):
    public: str
    private: str
    short_id: str


def node_of(entry: NodeEntry, data_folder: Path, entropy_hex: str) -> Node:
    """The public description of a node; makes and keeps the REALITY keys of a node of ours at its first start.

    `entropy_hex` is sixteen random hexadecimal digits for a new short id.
    """
    label = entry.label or entry.name
    folder = node_folder(data_folder, entry.name)
    socket = folder / "api.sock" if entry.api is None else Path(entry.api)
    if entry.reality is None:
        return Node(name=entry.name, host=entry.host, port=entry.port, api_socket=socket, label=label)
    public, short = entry.reality.public_key, entry.reality.short_id
    if entry.api is None:
        keys = _own_keys(folder, entropy_hex)
        public, short = keys.public, keys.short_id
    reality = Reality(server_name=entry.reality.server_name, public_key=public, short_id=short)
    return Node(
        name=entry.name,
        host=entry.host,
        port=entry.port,
        api_socket=socket,
        flow=VISION,
        security=reality,
        label=label,
    )


def _own_keys(folder: Path, entropy_hex: str) -> _Keys:
    path = folder / "reality.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        pair = reality_keys()
        fresh = folder / "reality.json.new"
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.json.encode(_Keys(pair.public, pair.private, entropy_hex)))
        fresh.replace(path)
    return msgspec.json.decode(path.read_bytes(), type=_Keys)


def _private(entry: NodeEntry, folder: Path) -> RealityPrivate | None:
    if entry.reality is None:
        return None
    keys = msgspec.json.decode((folder / "reality.json").read_bytes(), type=_Keys)
    return RealityPrivate(keys.private, entry.reality.target or f"{entry.reality.server_name}:443")
