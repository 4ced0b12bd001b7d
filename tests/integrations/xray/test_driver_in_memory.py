"""The driver against a node in memory that answers when the test says so: silence, lateness, long lists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from integrations.xray import messages
from integrations.xray.cutting import KernelCutter
from integrations.xray.driver import XrayDriver
from integrations.xray.interface import NodeRefused, NodeUnavailable
from integrations.xray.node import Node, NodeUser
from integrations.xray.transport import VISION, Reality
from tests.integrations.xray.peer import Network, Peer, open_channel

NODE = Node(
    name="far",
    host="192.0.2.1",
    port=443,
    api_socket=Path("/nowhere/api.sock"),
    flow=VISION,
    security=Reality("www.example.test", "public", "00"),
)
USER = NodeUser("s1.1", UUID("6f9619ff-8b86-4011-b42d-00c04fc964ff"))
NOBODY = b"\x0a\x00"


def listed(*users: NodeUser) -> bytes:
    """A node's list: each user as the operation that would add it holds it."""
    answers = []
    for user in users:
        request = messages.add_user("vless", user)
        answers.append(request[request.index(b"AddUserOperation") + len(b"AddUserOperation") + 2 :])
    return b"".join(answers)


@asynccontextmanager
async def driving(timeout: float = 5.0) -> AsyncIterator[tuple[XrayDriver, Network, trio.Nursery]]:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        yield XrayDriver(NODE, channel, KernelCutter(NODE.port), timeout), network, nursery


async def answer_method(peer: Peer, method: str, message: bytes) -> None:
    """Expect a request for this method next, and answer it."""
    number = await peer.request()
    assert peer.methods[number].rpartition("/")[2] == method
    await peer.answer(number, message)


async def test_a_change_that_is_answered_well_is_trusted(autojump_clock: MockClock) -> None:
    async with driving() as (driver, network, nursery):
        nursery.start_soon(driver.ensure, USER)
        peer = await network.peer()
        await answer_method(peer, "AlterInbound", b"")
        await wait_all_tasks_blocked()
        assert len(peer.methods) == 1


async def test_after_a_change_without_answer_removing_looks_before_it_trusts(
    autojump_clock: MockClock,
) -> None:
    """The change may come into effect late; a round trip lets it, then what the node has decides."""
    async with driving() as (driver, network, nursery):
        with pytest.raises(NodeUnavailable):
            await driver.ensure(USER)
        nursery.start_soon(driver.absent, USER.email)
        await wait_all_tasks_blocked()
        peer = network.peers[-1]
        await answer_method(peer, "GetSysStats", b"")
        await answer_method(peer, "GetInboundUsers", listed(USER))
        await answer_method(peer, "AlterInbound", b"")
        await answer_method(peer, "GetInboundUsers", NOBODY)
        await is_trusted_again(driver, peer, nursery)


async def test_after_a_change_without_answer_adding_looks_before_it_trusts(autojump_clock: MockClock) -> None:
    async with driving() as (driver, network, nursery):
        with pytest.raises(NodeUnavailable):
            await driver.absent(USER.email)
        nursery.start_soon(driver.ensure, USER)
        await wait_all_tasks_blocked()
        peer = network.peers[-1]
        await answer_method(peer, "GetSysStats", b"")
        await answer_method(peer, "GetInboundUsers", NOBODY)
        await answer_method(peer, "AlterInbound", b"")
        await answer_method(peer, "GetInboundUsers", listed(USER))
        await is_trusted_again(driver, peer, nursery)


async def is_trusted_again(driver: XrayDriver, peer: Peer, nursery: trio.Nursery) -> None:
    before = len(peer.methods)
    nursery.start_soon(driver.ensure, USER)
    await answer_method(peer, "AlterInbound", b"")
    await wait_all_tasks_blocked()
    assert len(peer.methods) == before + 1


async def test_two_spellings_of_a_name_wait_for_each_other_because_the_node_knows_no_case(
    autojump_clock: MockClock,
) -> None:
    async with driving() as (driver, network, nursery):
        nursery.start_soon(driver.ensure, USER)
        peer = await network.peer()
        number = await peer.request()
        nursery.start_soon(driver.absent, USER.email.upper())
        with trio.move_on_after(1) as waited:
            await peer.request()
        assert waited.cancelled_caught
        await peer.answer(number, b"")
        await answer_method(peer, "AlterInbound", b"")


async def test_silence_ends_the_call_at_its_deadline_and_the_next_call_connects_anew(
    autojump_clock: MockClock,
) -> None:
    async with driving(timeout=2) as (driver, network, nursery):
        began = trio.current_time()
        with pytest.raises(NodeUnavailable, match=r"^node 'far' did not answer within 2 s$"):
            await driver.uptime()
        assert trio.current_time() - began == pytest.approx(2)
        nursery.start_soon(driver.uptime)
        await wait_all_tasks_blocked()
        assert len(network.peers) == 2
        await answer_method(network.peers[1], "GetSysStats", b"")


async def test_a_node_that_takes_nobody_is_given_up(autojump_clock: MockClock) -> None:
    async with driving() as (driver, network, nursery):

        async def play() -> None:
            peer = await network.peer()
            while True:
                number = await peer.request()
                if peer.methods[number] == messages.ALTER_INBOUND:
                    await peer.refuse(
                        number, [(":status", "200"), ("grpc-status", "2"), ("grpc-message", "no room")]
                    )
                else:
                    await peer.answer(number, NOBODY)

        nursery.start_soon(play)
        with pytest.raises(
            NodeRefused, match=r"^node 'far' does not take user 's1\.1': no room \(gRPC status 2\)$"
        ):
            await driver.ensure(USER)


async def test_an_answer_that_makes_no_sense_is_refused_in_one_sentence(autojump_clock: MockClock) -> None:
    async with driving() as (driver, network, nursery):

        async def play() -> None:
            peer = await network.peer()
            await peer.answer(await peer.request(), b"\xff")

        nursery.start_soon(play)
        with pytest.raises(
            NodeRefused, match=r"^node 'far' refuses: 1 bytes are not a GetInboundUsersCountResponse$"
        ):
            await driver.count()


async def test_a_long_list_does_not_hold_up_the_others() -> None:
    users = [NodeUser(f"s{index}", UUID(int=index << 80)) for index in range(10_000)]
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    class Canned:
        async def call(self, method: str, request: bytes) -> bytes:
            return answer

    answer = listed(*users)
    driver = XrayDriver(NODE, Canned(), KernelCutter(NODE.port), 5.0)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns)
        assert list((await driver.users()).values()) == users
        nursery.cancel_scope.cancel()
    assert turns >= 10


def test_the_bytes_of_these_tests_are_a_node_s_list() -> None:
    assert list(messages.read_users(listed(USER, USER))) == [USER, USER]


async def test_changes_that_are_asked_for_together_are_written_together() -> None:
    """A lock that all of them take, and few need, would have each go on, and be written, alone."""
    network, writes = Network(), 0

    def counted_pair() -> tuple[trio.abc.Stream, trio.abc.Stream]:
        ours, theirs = memory_stream_pair()
        deliver = ours.send_stream.send_all_hook
        assert deliver is not None

        async def count_and_deliver() -> None:
            nonlocal writes
            writes += 1
            await deliver()

        ours.send_stream.send_all_hook = count_and_deliver
        return ours, theirs

    network.make_pair = counted_pair
    multiplexed = replace(NODE, flow="", security=None)
    async with open_channel(network) as (channel, nursery):
        driver = XrayDriver(multiplexed, channel, KernelCutter(NODE.port), 5.0)
        nursery.start_soon(driver.ensure, NodeUser("s1", UUID(int=1 << 80)))
        peer = await network.peer()
        await answer_method(peer, "ListRule", b"")
        await answer_method(peer, "AlterInbound", b"")
        await wait_all_tasks_blocked()
        writes = 0
        for number in range(2, 42):
            nursery.start_soon(driver.ensure, NodeUser(f"s{number}", UUID(int=number << 80)))
        await wait_all_tasks_blocked()
        assert 1 <= writes <= 4
