"""The agents that run nodes on other machines, as the configuration names them."""

from pathlib import Path

from actors.environment import Environment
from actors.nodes import NodeEntry, agent_of
from integrations.xray.agent.authority import Authority
from integrations.xray.agent.client import AgentClient
from integrations.xray.node import Node
from integrations.xray.way import Way
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


def way_to(node: Node, environment: Environment) -> Way | None:
    """How a node is reached, None if by its own socket on this machine."""
    for entry in environment.configuration.settings.nodes:
        if entry.name == node.name and (agent := agent_client(entry, environment.data_folder)) is not None:
            return agent.way()
    return None
