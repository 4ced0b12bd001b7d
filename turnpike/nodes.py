"""`turnpike nodes`: how each node is."""

from pathlib import Path

import click

from turnpike.options import of_a_system


@click.command()
@of_a_system
def nodes(data: Path | None, as_json: bool) -> None:
    """Whether each node is reached, since when it runs, and how many users it has of those that it should have."""
    from turnpike import node_table, operating

    operating.run(node_table.show_nodes, data, as_json)
