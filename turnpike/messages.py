"""`turnpike messages`: what the bot told somebody, and what became of each message."""

from pathlib import Path

import click

from turnpike.options import of_a_system


@click.command()
@click.argument("user", type=int)
@click.option("--before", type=int, help="Only older ones than the message with this number.")
@click.option("--all", "everything", is_flag=True, help="All of them, and not only the newest.")
@of_a_system
def messages(user: int, before: int | None, everything: bool, data: Path | None, as_json: bool) -> None:
    """The messages to a user, the newest first: sent, waiting, failed, perhaps sent, or dropped."""
    from turnpike import letters, operating

    operating.run(letters.show_messages, data, as_json, user, before, everything)
