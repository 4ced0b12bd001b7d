"""Calls over HTTP/2: every answer reaches its caller, and every broken connection says so."""

import struct

import h2.events
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from integrations.xray import grpc
from integrations.xray.grpc import CallFailed, ConnectionBroken
from tests.integrations.xray.peer import Caller, Network, open_channel, serve_one


async def test_a_call_sends_one_message_and_returns_the_other() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        peer = await network.peer()
        event = await peer.event(h2.events.RequestReceived)
        assert isinstance(event, h2.events.RequestReceived)
        headers = {str(name): str(value) for name, value in event.headers}
        assert headers[":path"] == "/service/Method"
        assert (headers["te"], headers["content-type"]) == ("trailers", "application/grpc")
        number = await peer.request()
        assert peer.bodies[number] == b"\0\0\0\0\x04ping"
        await peer.answer(number, b"pong")
        await caller.ended.wait()
        assert caller.result == b"pong"


async def test_answers_in_any_order_reach_their_callers_over_one_connection() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        callers = [Caller(channel, nursery, b"%d" % index) for index in range(50)]
        peer = await network.peer()
        numbers = [await peer.request() for _ in callers]
        for number in reversed(numbers):
            await peer.answer(number, bytes(peer.bodies[number][5:]))
        for index, caller in enumerate(callers):
            await caller.ended.wait()
            assert caller.result == b"%d" % index
        assert len(network.peers) == 1


async def test_an_error_of_the_server_is_told_in_its_words() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        peer = await network.peer()
        refusal = [(":status", "200"), ("grpc-status", "5"), ("grpc-message", "no user %C3%A9 here")]
        await peer.refuse(await peer.request(), refusal)
        await caller.ended.wait()
        assert isinstance(caller.result, CallFailed)
        assert caller.result.status == grpc.NOT_FOUND
        assert str(caller.result) == "no user é here (gRPC status 5)"


async def test_words_in_a_foreign_encoding_are_still_told() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        peer = await network.peer()
        refusal = [(b":status", b"200"), (b"grpc-status", b"2"), (b"grpc-message", b"caf\xe9")]
        await peer.refuse(await peer.request(), refusal)
        await caller.ended.wait()
        assert isinstance(caller.result, CallFailed)
        assert str(caller.result).startswith("caf")


@pytest.mark.parametrize(
    "headers", [[(":status", "404")], [(":status", "200")], [(":status", "200"), ("grpc-status", "x")]]
)
async def test_an_answer_of_something_that_is_not_grpc_is_no_answer(headers: list[tuple[str, str]]) -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        peer = await network.peer()
        await peer.refuse(await peer.request(), headers)
        await caller.ended.wait()
        assert isinstance(caller.result, ConnectionBroken)
        assert "not gRPC" in str(caller.result)


async def test_a_message_cut_short_is_no_answer() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        peer = await network.peer()
        number = await peer.request()
        peer.h2.send_headers(number, [(":status", "200")])
        peer.h2.send_data(number, struct.pack(">BI", 0, 4) + b"pon")
        peer.h2.send_headers(number, [("grpc-status", "0")], end_stream=True)
        await peer.flush()
        await caller.ended.wait()
        assert isinstance(caller.result, ConnectionBroken)


async def test_a_server_that_dies_leaves_no_caller_waiting_and_the_next_call_connects_again() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        callers = [Caller(channel, nursery) for _ in range(3)]
        peer = await network.peer()
        await peer.request()
        await trio.aclose_forcefully(peer.stream)
        for caller in callers:
            await caller.ended.wait()
            assert isinstance(caller.result, ConnectionBroken)
        later = Caller(channel, nursery)
        await wait_all_tasks_blocked()
        await serve_one(network.peers[1], b"back")
        await later.ended.wait()
        assert later.result == b"back"


async def test_a_server_that_is_not_there_is_said_so_and_asked_again_by_the_next_call() -> None:
    network = Network()
    network.down = ConnectionRefusedError(111, "Connection refused")
    async with open_channel(network) as (channel, nursery):
        with pytest.raises(ConnectionBroken, match=r"^Connection refused$"):
            await channel.call("/m", b"")
        network.down = None
        caller = Caller(channel, nursery)
        await serve_one(await network.peer(), b"up")
        await caller.ended.wait()
        assert caller.result == b"up"


async def test_a_cancelled_call_is_reset() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        peer = await network.peer()
        number = await peer.request()
        caller.scope.cancel()
        event = await peer.event(h2.events.StreamReset)
        assert isinstance(event, h2.events.StreamReset)
        assert (event.stream_id, event.error_code) == (number, 8)
        assert peer.resets_received == 1


async def test_an_answer_that_crosses_its_cancellation_disturbs_nobody() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        impatient = Caller(channel, nursery, b"impatient")
        patient = Caller(channel, nursery, b"patient")
        peer = await network.peer()
        numbers = {await peer.request(), await peer.request()}
        (given_up,) = [number for number in numbers if peer.bodies[number].endswith(b"impatient")]
        impatient.scope.cancel()
        await impatient.ended.wait()
        await peer.answer(given_up, b"too late")
        await peer.answer((numbers - {given_up}).pop(), b"in time")
        await patient.ended.wait()
        assert (impatient.result, patient.result) == (None, b"in time")


async def test_a_call_that_ended_well_is_not_reset() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        for _ in range(3):
            caller = Caller(channel, nursery)
            await serve_one(await network.peer(), b"fine")
            await caller.ended.wait()
        assert network.peers[0].resets_received == 0


async def test_nonsense_on_the_wire_ends_the_connection_in_one_sentence() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        peer = await network.peer()
        a_data_frame_of_no_stream = b"\0\0\1\0\0\0\0\0\0x"
        await peer.stream.send_all(a_data_frame_of_no_stream)
        await caller.ended.wait()
        assert isinstance(caller.result, ConnectionBroken)
        assert "broke the protocol" in str(caller.result)


async def test_a_server_that_says_goodbye_is_believed() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        peer = await network.peer()
        await peer.request()
        peer.h2.close_connection()
        await peer.flush()
        await caller.ended.wait()
        assert isinstance(caller.result, ConnectionBroken)
        later = Caller(channel, nursery)
        await wait_all_tasks_blocked()
        await serve_one(network.peers[1], b"again")
        await later.ended.wait()
        assert later.result == b"again"


async def test_a_call_that_the_server_resets_has_no_answer() -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        caller = Caller(channel, nursery)
        peer = await network.peer()
        peer.h2.reset_stream(await peer.request(), error_code=7)
        await peer.flush()
        await caller.ended.wait()
        assert isinstance(caller.result, ConnectionBroken)
        assert "HTTP/2 error 7" in str(caller.result)


async def test_a_silent_connection_is_hung_up_and_a_slow_one_is_kept(autojump_clock: MockClock) -> None:
    network = Network()
    async with open_channel(network) as (channel, nursery):
        began = trio.current_time()
        first = Caller(channel, nursery)
        peer = await network.peer()
        await trio.sleep(1)
        await serve_one(peer, b"slow")
        await first.ended.wait()
        channel.hang_up_if_silent_since(began)
        second = Caller(channel, nursery)
        await trio.sleep(5)
        assert not second.ended.is_set()
        channel.hang_up_if_silent_since(trio.current_time() - 4)
        await second.ended.wait()
        assert isinstance(second.result, ConnectionBroken)
        assert str(second.result) == "it fell silent"


async def test_a_channel_that_is_closed_leaves_no_caller_waiting() -> None:
    network = Network()
    async with trio.open_nursery() as callers:
        async with open_channel(network) as (channel, _):
            caller = Caller(channel, callers)
            await (await network.peer()).request()
        await caller.ended.wait()
        assert isinstance(caller.result, ConnectionBroken)
