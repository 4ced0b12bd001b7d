"""`turnpike usage`: what somebody moved through the nodes."""

from pathlib import Path

import click

from turnpike.options import of_a_system


@click.command()
@click.argument("user", type=int)
@of_a_system
def usage(user: int, data: Path | None, as_json: bool) -> None:
    """What a user moved on each node and in all."""
    from turnpike import operating, traffic

    operating.run(traffic.show_usage, data, as_json, user)
