"""Asking an agent as somebody who need not be welcome."""

import ssl
from collections.abc import Awaitable
from pathlib import Path

import trio

from integrations.xray.agent.authority import Identity, server_name
from tests.fixtures.downloads import Client


async def ask_as(identity: Identity | None, host: str, port: int, node: str, authority: Path) -> bytes:
    """What somebody with that certificate, or none, gets from the agent for a polite question.

    They trust the agent's `authority`, so only the agent can refuse. Raises `trio.BrokenResourceError` if it does.
    """
    context = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if identity is None else identity.tls(ssl.PROTOCOL_TLS_CLIENT)
    )
    context.load_verify_locations(authority)
    async with await trio.open_tcp_stream(host, port) as raw:
        stream = trio.SSLStream(raw, context, server_hostname=server_name(node))
        await stream.do_handshake()
        await stream.send_all(b'{"what":"health"}\n')
        return bytes(await stream.receive_some())


async def answers(question: Awaitable[bytes]) -> bool:
    """Whether the agent says how the node is."""
    try:
        return b'"health"' in await question
    except trio.BrokenResourceError:
        return False


async def hears_nothing(client: Client, host: str, port: int) -> bool:
    """Whether a customer who greets whoever is there, through the node, is not even greeted."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with await client.connect(host, port) as raw:
        with trio.move_on_after(1) as waited:
            await trio.SSLStream(raw, context).do_handshake()
    return waited.cancelled_caught
