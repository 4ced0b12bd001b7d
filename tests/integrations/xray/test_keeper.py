"""Who is behind a socket, as far as Xray's log tells."""

import json
import os
import socket
from pathlib import Path

import pytest
import trio

from integrations.xray.driver import open_driver
from integrations.xray.keeper import SUFFIX, Trail
from integrations.xray.node import Node
from tests.fixtures.downloads import open_client, open_endless_site
from tests.fixtures.xray import new_user, plain_node, running

LINE = b"2026/11/25 03:38:47.247787 from %s accepted tcp:192.0.2.9:443 [vless >> direct] email: %s\n"


def test_the_last_user_of_a_peer_is_its_owner_in_whatever_pieces_the_log_comes() -> None:
    trail = Trail()
    for byte in LINE % (b"192.0.2.1:5000", b"s1") + LINE % (b"[2001:db8::1]:5000", b"S2"):
        trail.feed(bytes([byte]))
    assert trail.whose("192.0.2.1:5000") == "s1"
    assert trail.whose("[2001:db8::1]:5000") == "s2"
    assert trail.whose("192.0.2.1:5001") is None
    trail.feed(LINE % (b"192.0.2.1:5000", b"s3"))
    assert trail.whose("192.0.2.1:5000") == "s3"


def test_only_who_is_still_connected_is_remembered() -> None:
    trail = Trail()
    for port in (b"1", b"2"):
        trail.feed(LINE % (b"192.0.2.1:" + port, b"s1"))
    trail.keep({"192.0.2.1:2", "192.0.2.1:3"})
    assert len(trail) == 1
    assert trail.whose("192.0.2.1:2") == "s1"


@pytest.mark.parametrize(
    "line",
    [
        b"2026/11/25 03:38:47 from 192.0.2.1:5 rejected  proxy/vless/encoding: invalid request user id\n",
        b"2026/11/25 03:38:47 from DNS accepted udp:192.0.2.9:53 [direct]\n",
        b"\xff\xfe\n",
        b"\n",
    ],
)
def test_other_lines_tell_of_nobody(line: bytes) -> None:
    trail = Trail()
    trail.feed(line)
    assert len(trail) == 0


async def test_a_user_cannot_write_lines_of_their_own_into_the_log(tmp_path: Path) -> None:
    """The name of a destination is theirs to choose: with a line break in it, another user would take the blame."""
    node = plain_node(tmp_path)
    forged = (LINE % (b"127.0.0.1:1", b"bob")).strip()
    async with running(node, tmp_path) as xray, open_driver(node) as driver, open_endless_site() as site:
        ann, bob = new_user(node, "ann"), new_user(node, "bob")
        await driver.ensure(ann)
        await driver.ensure(bob)
        host = b"x\n" + forged + b"\n"
        request = b"\0" + ann.uuid.bytes + b"\0\x01" + (443).to_bytes(2) + b"\x02" + bytes([len(host)]) + host
        async with await trio.open_tcp_stream("127.0.0.1", node.port) as stream:
            await stream.send_all(request)
            with trio.fail_after(10):
                assert await stream.receive_some() == b"", "the node should refuse such a name"
        assert xray.returncode() is None
        async with open_client(node, bob.uuid, site, tmp_path) as bobs:
            goes_on = await bobs.download()
            assert await driver.drop("ann")
            await goes_on.goes_on()


async def test_whoever_misbehaves_on_its_socket_disturbs_nobody(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    async with running(node, tmp_path), open_driver(node) as driver, open_endless_site() as site:
        ann = new_user(node, "ann")
        await driver.ensure(ann)
        async with open_client(node, ann.uuid, site, tmp_path) as anns:
            download = await anns.download()
            for nonsense in (b"", b"{}\n", b"[[1]]\n", b"[\n", b'[["ann",7]]\n'):
                await say(node, nonsense)
            await download.goes_on()
            answer = json.loads(await say(node, b'[["ann", []]]\n'))
            assert answer == [1]
            await download.ends()


async def say(node: Node, request: bytes) -> bytes:
    """Send to the keeper and read what it says."""
    async with await trio.open_unix_socket(f"{node.api_socket}{SUFFIX}") as stream:
        await stream.send_all(request)
        await stream.send_eof()
        return b"".join([part async for part in stream])


async def test_looking_at_all_descriptors_leaves_none_behind(tmp_path: Path) -> None:
    """A node that runs for months is asked a million times."""
    node = plain_node(tmp_path)
    async with running(node, tmp_path) as xray:
        counts = []
        for _ in range(30):
            await say(node, b'[["ann", ["127.0.0.2"]]]\n')
            counts.append(len(os.listdir(f"/proc/{xray.pid}/fd")))
        assert max(counts) - counts[5] <= 2, counts


async def test_only_the_owner_may_ask(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    async with running(node, tmp_path):
        assert os.stat(f"{node.api_socket}{SUFFIX}").st_mode & 0o777 == 0o600


async def test_what_is_open_for_others_and_for_the_node_itself_is_left_alone(tmp_path: Path) -> None:
    """The keeper looks at every descriptor of its process, of which Xray's are many."""
    node = plain_node(tmp_path)
    async with running(node, tmp_path), open_driver(node) as driver:
        with socket.create_connection(("127.0.0.1", node.port), source_address=("127.0.0.5", 0)) as stranger:
            everybody = [["nobody", ["127.0.0.6"]], ["ann", []]]
            assert json.loads(await say(node, json.dumps(everybody).encode() + b"\n")) == [0, 0]
            assert await driver.count() == 0
            # Without an owner, an address decides.
            assert json.loads(await say(node, b'[["ann", ["127.0.0.5"]]]\n')) == [1]
            stranger.settimeout(10)
            assert stranger.recv(1) == b""
