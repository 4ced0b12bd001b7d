"""Calls whose bytes do not fit: long answers, long requests, a network that takes nothing, nothing half sent."""

import h2.events
import pytest
import trio
from trio.testing import lockstep_stream_one_way_pair, memory_stream_one_way_pair, wait_all_tasks_blocked

from integrations.xray import grpc
from integrations.xray.grpc import CallFailed, ConnectionBroken
from tests.integrations.xray.peer import Caller, Network, open_channel, serve_one


def pair_that_takes_nothing_unread() -> tuple[trio.abc.Stream, trio.abc.Stream]:
    """A connection on which a byte that the server does not read is a byte that the client has not sent."""
    to_server, from_client = lockstep_stream_one_way_pair()
    to_client, from_server = memory_stream_one_way_pair()
    return trio.StapledStream(to_server, from_server), trio.StapledStream(to_client, from_client)


async def test_a_call_cancelled_while_the_network_takes_nothing_leaves_no_half_frame() -> None:
    network = Network()
    network.make_pair = pair_that_takes_nothing_unread
    async with open_channel(network) as (channel, nursery):
        stuck = Caller(channel, nursery, b"x" * 5000)
        peer = await network.peer()
        await wait_all_tasks_blocked()
        stuck.scope.cancel()
        await stuck.ended.wait()
        later = Caller(channel, nursery, b"later")
        number = await peer.request()
        while not peer.bodies[number].endswith(b"later"):
            number = await peer.request()
        await peer.answer(number, b"understood")
        await later.ended.wait()
        assert later.result == b"understood"


async def test_a_long_answer_flows_through_a_window_that_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc, "_WINDOW_BYTES", 128 << 10)
    network = Network()
    long = bytes(1 << 20)
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        await serve_one(await network.peer(), long)
        await caller.ended.wait()
        assert caller.result == long


async def test_an_answer_beyond_all_measure_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc, "ANSWER_BYTES_MAX", 1 << 20)
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        await serve_one(await network.peer(), bytes(2 << 20))
        await caller.ended.wait()
        assert isinstance(caller.result, ConnectionBroken)
        assert str(caller.result) == "the answer is longer than 1 MiB"


async def test_a_long_request_waits_for_room() -> None:
    network = Network()
    request = bytes(range(256)) * 1024
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery, request)
        peer = await network.peer()
        while not peer.bodies or len(peer.bodies[1]) < len(request) + 5:
            event = await peer.event(h2.events.DataReceived)
            assert isinstance(event, h2.events.DataReceived)
            await wait_all_tasks_blocked()
            peer.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        await peer.answer(1, b"all of it")
        await caller.ended.wait()
        assert caller.result == b"all of it"
        assert peer.bodies[1][5:] == request


async def test_an_answer_that_comes_before_the_request_is_complete_ends_the_call() -> None:
    """A server answers a message that is too long for it at once, and reads no further."""
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery, bytes(1 << 20))
        peer = await network.peer()
        await peer.event(h2.events.RequestReceived)
        await peer.refuse(1, [(":status", "200"), ("grpc-status", "8"), ("grpc-message", "too long")])
        await caller.ended.wait()
        assert isinstance(caller.result, CallFailed)
        later = Caller(channel, nursery, b"")
        await peer.event(h2.events.StreamReset)
        peer.h2.increment_flow_control_window(1 << 20)
        await serve_one(peer, b"goes on")
        await later.ended.wait()
        assert later.result == b"goes on"
