"""Every transport that a node may have carries real traffic, with nothing but the share link on the other side."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import trio

from integrations.xray.certificate import BadCertificate, pin_of
from integrations.xray.link import share_link
from integrations.xray.node import Node, NodeUser, server_config
from integrations.xray.probe import ProbeFailure, ProbeResult, probe
from integrations.xray.process import open_xray
from integrations.xray.stream import Private, RealityPrivate, TlsFiles, TlsInFront, reality_keys
from integrations.xray.transport import (
    RAW,
    VISION,
    Grpc,
    Raw,
    Reality,
    Security,
    Tls,
    Transport,
    WebSocket,
    Xhttp,
    XhttpMode,
)
from tests.fixtures.xray import (
    EXIT_ADDRESS,
    SITE,
    free_port,
    open_site,
    open_tls_site,
    plain_node,
    write_certificate,
)

USER = UUID("6f9619ff-8b86-4011-b42d-00c04fc964ff")

#: Paths and names with everything that a careless encoder would lose.
WEBSOCKET = WebSocket("/a=b&c?ed=2048%20+é", SITE)
GRPC = Grpc("ser=vice & more")
XHTTP = Xhttp("/x=y&z?q", SITE)


@asynccontextmanager
async def serving(
    folder: Path, transport: Transport, security: Security, private: Private
) -> AsyncIterator[tuple[Node, str]]:
    """A running node of that kind with one user, and the address of a site to reach through it."""
    flow = VISION if isinstance(transport, Raw) and security is not None else ""
    node = replace(plain_node(folder), transport=transport, security=security, flow=flow)
    config = server_config(
        node, private, users=[NodeUser("s1", USER, flow)], listen="127.0.0.1", allow_private_targets=True
    )
    async with open_xray(config, name=node.name, folder=folder), open_site() as url:
        yield node, url


async def assert_only_the_link_passes(
    folder: Path, transport: Transport, security: Security, private: Private
) -> None:
    async with serving(folder, transport, security, private) as (node, url):
        result = await probe(share_link(node, USER), url)
        assert isinstance(result, ProbeResult), result
        assert (result.status, result.exit_address) == (200, EXIT_ADDRESS)
        assert isinstance(await probe(share_link(node, uuid4()), url), ProbeFailure)


@pytest.mark.parametrize("transport", [RAW, WEBSOCKET, GRPC, XHTTP], ids=lambda each: type(each).__name__)
async def test_traffic_passes_without_protection(transport: Transport, tmp_path: Path) -> None:
    await assert_only_the_link_passes(tmp_path, transport, None, None)


@pytest.mark.parametrize("transport", [RAW, WEBSOCKET, GRPC, XHTTP], ids=lambda each: type(each).__name__)
async def test_traffic_passes_under_tls_with_certificate_files(transport: Transport, tmp_path: Path) -> None:
    files = write_certificate(tmp_path)
    security = Tls(SITE, pinned_sha256=pin_of(files.certificate, files.key, SITE))
    await assert_only_the_link_passes(tmp_path, transport, security, files)


@pytest.mark.parametrize("transport", [RAW, GRPC, XHTTP], ids=lambda each: type(each).__name__)
async def test_traffic_passes_under_reality(transport: Transport, tmp_path: Path) -> None:
    keys = reality_keys()
    async with open_tls_site() as target:
        private = RealityPrivate(keys.private, f"127.0.0.1:{target}")
        security = Reality(SITE, keys.public, "0123456789abcdef")
        await assert_only_the_link_passes(tmp_path, transport, security, private)


async def test_reality_refuses_a_client_whose_greeting_lacks_the_key_exchange_that_it_wants(
    tmp_path: Path,
) -> None:
    """Which is why links say `chrome`, and why docs/nodes.md says what it says of sing-box."""
    keys = reality_keys()
    async with open_tls_site() as target:
        private = RealityPrivate(keys.private, f"127.0.0.1:{target}")
        security = Reality(SITE, keys.public, "0123456789abcdef", fingerprint="edge")
        async with serving(tmp_path, RAW, security, private) as (node, url):
            refused = await probe(share_link(node, USER), url)
            assert isinstance(refused, ProbeFailure)
            assert "x509" in refused.reason, "it is shown the site, as any stranger is"
            passed = await probe(
                share_link(replace(node, security=replace(security, fingerprint="chrome")), USER), url
            )
            assert isinstance(passed, ProbeResult)


@pytest.mark.parametrize("mode", ["packet-up", "stream-up", "stream-one"])
async def test_a_node_takes_every_mode_of_xhttp(mode: XhttpMode, tmp_path: Path) -> None:
    files = write_certificate(tmp_path)
    security = Tls(SITE, pinned_sha256=pin_of(files.certificate, files.key, SITE))
    await assert_only_the_link_passes(tmp_path, replace(XHTTP, mode=mode), security, files)


async def test_traffic_passes_where_tls_ends_in_a_proxy_in_front(tmp_path: Path) -> None:
    """The link speaks of the proxy; the node listens without TLS on a port of its own."""
    files = write_certificate(tmp_path)
    security = Tls(SITE, pinned_sha256=pin_of(files.certificate, files.key, SITE))
    node = replace(plain_node(tmp_path), transport=WEBSOCKET, security=security)
    inner = free_port()
    config = server_config(
        node,
        TlsInFront(),
        users=[NodeUser("s1", USER)],
        listen="127.0.0.1",
        listen_port=inner,
        allow_private_targets=True,
    )
    async with (
        open_xray(config, name=node.name, folder=tmp_path),
        open_site() as url,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(serve_tls_proxy, files, node.port, inner)
        assert isinstance(await probe(share_link(node, USER), url), ProbeResult)
        nursery.cancel_scope.cancel()


async def serve_tls_proxy(
    files: TlsFiles, port: int, inner: int, *, task_status: trio.TaskStatus[object]
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)

    async def serve(outside: trio.SSLStream[trio.SocketStream]) -> None:
        inside = await trio.open_tcp_stream("127.0.0.1", inner)
        async with outside, inside, trio.open_nursery() as nursery:
            nursery.start_soon(pass_on, outside, inside)
            await pass_on(inside, outside)
            nursery.cancel_scope.cancel()

    await trio.serve_ssl_over_tcp(
        serve, port, context, host="127.0.0.1", https_compatible=True, task_status=task_status
    )


async def pass_on(source: trio.abc.ReceiveStream, sink: trio.abc.SendStream) -> None:
    try:
        async for part in source:
            await sink.send_all(part)
    except trio.BrokenResourceError:
        return


async def test_a_client_refuses_a_node_with_another_certificate(tmp_path: Path) -> None:
    files, other = write_certificate(tmp_path), write_certificate(tmp_path, "other.example")
    security = Tls(SITE, pinned_sha256=pin_of(other.certificate, other.key, "other.example"))
    async with serving(tmp_path, RAW, security, files) as (node, url):
        refused = await probe(share_link(node, USER), url)
    assert isinstance(refused, ProbeFailure)
    assert "peer cert is unrecognized" in refused.reason


def test_a_certificate_of_an_authority_is_not_pinned(tmp_path: Path) -> None:
    """It is renewed every few weeks, and links must go on working."""
    own = write_certificate(tmp_path)
    assert pin_of(own.certificate, own.key, SITE)
    signed = write_certificate(tmp_path, issuer="Some Authority")
    assert pin_of(signed.certificate, signed.key, SITE) == ""


def test_files_that_customers_could_not_use_are_refused_with_the_reason_that_xray_does_not_give(
    tmp_path: Path,
) -> None:
    files, other = write_certificate(tmp_path), write_certificate(tmp_path, "other.example")
    wild = write_certificate(tmp_path, "*.example.test")
    assert pin_of(wild.certificate, wild.key, SITE)
    for certificate, key, name, reason in (
        (files.certificate, other.key, SITE, "are not a certificate and its key"),
        (files.certificate, tmp_path / "missing", SITE, "No such file"),
        (files.key, files.key, SITE, "are not a certificate and its key"),
        (files.certificate, files.key, "other.example", "is not for 'other.example'"),
        (wild.certificate, wild.key, "a.b.example.test", "is not for 'a.b.example.test'"),
    ):
        with pytest.raises(BadCertificate, match=reason) as caught:
            pin_of(certificate, key, name)
        assert "\n" not in str(caught.value)
