"""Does a key work? Real clients, real nodes, real requests; and a failure says where to look."""

import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from uuid import UUID, uuid4

import pytest
import trio

from integrations.xray.driver import XrayDriver, open_driver
from integrations.xray.link import share_link
from integrations.xray.node import Node, NodeUser
from integrations.xray.probe import ProbeFailure, ProbeResult, exit_address, probe
from integrations.xray.stream import reality_keys
from integrations.xray.transport import Reality
from tests.fixtures.xray import (
    EXIT_ADDRESS,
    new_user,
    open_site,
    open_tls_site,
    plain_node,
    reality_node,
    running,
)


@asynccontextmanager
async def plain(folder: Path) -> AsyncIterator[tuple[XrayDriver, Node]]:
    """A running node without REALITY, and its driver."""
    node = plain_node(folder)
    async with running(node, folder), open_driver(node) as driver:
        yield driver, node


async def passes(node: Node, uuid: UUID, url: str) -> bool:
    match await probe(share_link(node, uuid), url):
        case ProbeResult(status, exit_address, first_byte_ms, total_ms):
            assert (status, exit_address) == (200, EXIT_ADDRESS)
            assert 0 < first_byte_ms <= total_ms
            return True
        case ProbeFailure(reason):
            assert reason.startswith(("rejected: ", "no tunnel: ")), reason
            return False


async def test_a_user_passes_traffic_from_ensure_to_absent_and_a_made_up_one_never(tmp_path: Path) -> None:
    async with plain(tmp_path) as (driver, node), open_site() as url:
        user = new_user(node)
        assert not await passes(node, user.uuid, url)
        await driver.ensure(user)
        assert await passes(node, user.uuid, url)
        assert not await passes(node, uuid4(), url)
        await driver.absent(user.email)
        assert not await passes(node, user.uuid, url)


async def test_reality_with_vision_passes_traffic_end_to_end(tmp_path: Path) -> None:
    async with open_tls_site() as target, open_site() as url:
        node, private = reality_node(tmp_path, target)
        async with running(node, tmp_path, private), open_driver(node) as driver:
            user = new_user(node)
            await driver.ensure(user)
            assert await passes(node, user.uuid, url)
            assert not await passes(node, uuid4(), url)
            assert not await passes(replace(node, flow=""), user.uuid, url)
            assert isinstance(node.security, Reality)
            stranger = replace(node, security=replace(node.security, public_key=reality_keys().public))
            failure = await probe(share_link(stranger, user.uuid), url)
            assert isinstance(failure, ProbeFailure)
            assert failure.reason.startswith("no tunnel: the node is not what the link says, Xray says: x509")
            await driver.absent(user.email)
            assert not await passes(node, user.uuid, url)


async def test_a_changed_uuid_works_and_the_old_one_does_not(tmp_path: Path) -> None:
    async with plain(tmp_path) as (driver, node), open_site() as url:
        old = new_user(node)
        new = replace(old, uuid=uuid4())
        await driver.ensure(old)
        await driver.ensure(new)
        assert not await passes(node, old.uuid, url)
        assert await passes(node, new.uuid, url)


async def test_what_we_call_one_credential_is_one_to_the_node(tmp_path: Path) -> None:
    """Xray ignores two bytes of a UUID, so uniqueness must be checked on `NodeUser.credential`."""
    async with plain(tmp_path) as (driver, node), open_site() as url:
        user = new_user(node)
        look_alike = NodeUser("other", UUID(int=user.uuid.int ^ (0xFFFF << 64)))
        assert look_alike.credential == user.credential
        await driver.ensure(user)
        assert await passes(node, look_alike.uuid, url)


async def test_a_customer_cannot_reach_private_addresses_of_the_node(tmp_path: Path) -> None:
    """The node's own services would be among them."""
    node = plain_node(tmp_path)
    async with (
        running(node, tmp_path, allow_private_targets=False),
        open_driver(node) as driver,
        open_site() as url,
    ):
        user = new_user(node)
        await driver.ensure(user)
        failure = await probe(share_link(node, user.uuid), url, timeout=1)
        assert failure == ProbeFailure("timeout: nothing came back within 1 s")


async def test_a_site_s_own_error_came_through_the_link(tmp_path: Path) -> None:
    async with plain(tmp_path) as (driver, node), open_site("503 Service Unavailable", b"") as url:
        user = new_user(node)
        await driver.ensure(user)
        result = await probe(share_link(node, user.uuid), url)
        assert isinstance(result, ProbeResult)
        assert (result.status, result.exit_address) == (503, None)


async def test_a_site_whose_certificate_is_not_trusted_is_told_from_a_bad_key(tmp_path: Path) -> None:
    async with plain(tmp_path) as (driver, node), open_tls_site() as port:
        user = new_user(node)
        url = f"https://localhost:{port}/"
        await driver.ensure(user)
        failure = await probe(share_link(node, user.uuid), url)
        assert isinstance(failure, ProbeFailure)
        assert failure.reason.startswith(
            f"untrusted site: the link works, but the certificate of {url} is not valid"
        )
        failure = await probe(share_link(node, uuid4()), url)
        assert isinstance(failure, ProbeFailure)
        assert failure.reason.startswith("rejected: ")


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://example.com/", "http://", "http://[", "http://a:99999/"]
)
async def test_a_bad_address_is_named(tmp_path: Path, url: str) -> None:
    failure = await probe(share_link(plain_node(tmp_path), uuid4()), url)
    assert isinstance(failure, ProbeFailure)
    assert failure.reason.startswith("bad address: ")


async def test_a_dead_node_is_named(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    failure = await probe(share_link(node, uuid4()), "http://example.com/")
    assert failure == ProbeFailure(f"refused: nothing accepts connections at 127.0.0.1 port {node.port}")


class NoSuchName(trio.abc.HostnameResolver):
    """A name server that knows nobody."""

    async def getaddrinfo(self, *_: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(self, *_: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def test_a_node_without_an_address_is_named(tmp_path: Path) -> None:
    trio.socket.set_custom_hostname_resolver(NoSuchName())
    node = replace(plain_node(tmp_path), host="nowhere.invalid")
    failure = await probe(share_link(node, uuid4()), "http://example.com/")
    assert failure == ProbeFailure("unknown host: nowhere.invalid has no address")


async def test_a_bad_link_is_named_and_not_repeated() -> None:
    failure = await probe("vless://secret@h:1", "http://example.com/")
    assert isinstance(failure, ProbeFailure)
    assert failure.reason.startswith("bad link: the link has no valid UUID")
    assert "secret" not in failure.reason


async def test_a_node_that_says_nothing_is_a_timeout_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def listen_only(stream: trio.SocketStream) -> None:
        async for _ in stream:
            pass

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, listen_only, 0)
        node = replace(plain_node(tmp_path), port=listeners[0].socket.getsockname()[1])
        with trio.fail_after(5):
            failure = await probe(share_link(node, uuid4()), "http://example.com/", timeout=0.5)
        nursery.cancel_scope.cancel()
    assert failure == ProbeFailure("timeout: nothing came back within 0.5 s")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "address"),
    [
        ("192.0.2.77", "192.0.2.77"),
        (" 2001:db8::1\n", "2001:db8::1"),
        ('{"country": "NL", "ip": "192.0.2.77"}', "192.0.2.77"),
        ('{"origin":"2001:DB8::1"}', "2001:db8::1"),
        ("fl=1f\nh=example.com\nip=192.0.2.77\nts=1\n", "192.0.2.77"),
        ('{"ip": "somewhere"}', None),
        ("<html>192.0.2.77</html>", None),
        ("", None),
    ],
)
def test_the_exit_address_is_found_where_such_pages_put_it(body: str, address: str | None) -> None:
    assert exit_address(body) == address
