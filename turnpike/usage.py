"""`turnpike usage` and `turnpike traffic`: what somebody moved through the nodes, and more of it by hand."""

from pathlib import Path

import click

from turnpike.options import of_a_system, of_an_order


@click.command()
@click.argument("user", type=int)
@of_a_system
def usage(user: int, data: Path | None, as_json: bool) -> None:
    """What a user moved on each node and in all."""
    from turnpike import operating, traffic

    operating.run(traffic.show_usage, data, as_json, user)


@click.command()
@click.argument("user", type=int)
@click.argument("amount")
@click.option("--reason", required=True, help="Why; it is kept, and the person reads it.")
@of_an_order
def traffic(user: int, amount: str, reason: str, data: Path | None, as_json: bool) -> None:
    """Add traffic to a user's plan, such as '50 GB'; whose traffic was used up is connected again."""
    from actors.offers import traffic_of
    from turnpike import asking, operating

    try:
        count = traffic_of("AMOUNT", amount)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    fields = {"user_id": user, "traffic": count, "reason": reason}
    operating.run(asking.order, data, as_json, f"user {user} has {amount} more", "GiveTraffic", fields)
