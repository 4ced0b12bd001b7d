"""`turnpike probe`: does a key really pass traffic?"""

from functools import partial

import click
import trio

from integrations.xray.probe import ProbeResult, probe


def run_probe(link: str, url: str, timeout: float) -> int:
    """Fetch a URL through the link with a real Xray client and print what was seen; 0 if it worked, 1 if not."""
    result = trio.run(partial(probe, link, url, timeout=timeout))
    if not isinstance(result, ProbeResult):
        click.echo(f"no traffic: {result.reason}", err=True)
        return 1
    click.echo(f"status        {result.status}")
    click.echo(f"exit address  {result.exit_address or 'not told by this URL'}")
    click.echo(f"first byte    {result.first_byte_ms:.0f} ms")
    click.echo(f"in all        {result.total_ms:.0f} ms")
    return 0
