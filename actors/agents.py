"""The agents that run nodes on other machines, as the configuration names them."""

from pathlib import Path

from actors.environment import Environment
from actors.nodes import NodeEntry, agent_of
from integrations.xray.agent.authority import Authority
from integrations.xray.agent.client import AgentClient
from integrations.xray.node import Node
from runtime import ConfigError


def authority_of(data_folder: Path) -> Authority:
    """The certificates of the shop's panel and of its nodes."""
    return Authority(data_folder / "agents")


def agent_client(entry: NodeEntry, data_folder: Path) -> AgentClient | None:
    """The agent of a node, None for a node without one; raises `ConfigError` if the node was never enrolled."""
    address = agent_of(entry)
    if address is None:
        return None
    authority = authority_of(data_folder)
    panel, certificate = authority.panel(), authority.node_certificate(entry.name)
    if panel is None or certificate is None:
        raise ConfigError(
            f"nodes.{entry.name}.api: the node is not enrolled; run `./run node enrol {entry.name}` and do what it says"
        )
    return AgentClient(entry.name, *address, panel, certificate)


def agent_for(node: Node, environment: Environment) -> AgentClient | None:
    """The agent of a node, None for one that is reached by its own socket on this machine."""
    entry = entry_of(node, environment)
    return None if entry is None else agent_client(entry, environment.data_folder)


def entry_of(node: Node, environment: Environment) -> NodeEntry | None:
    """What the configuration says of a node, None if it is not from there."""
    entries = environment.configuration.settings.nodes
    return next((entry for entry in entries if entry.name == node.name), None)
