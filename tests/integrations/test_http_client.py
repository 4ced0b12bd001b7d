"""The HTTP client: what a failure says about the request, and that cancellation costs no connection."""

import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

from integrations.http_client import Http, HttpError, NotSent, OutcomeUnknown, open_http

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_SECRET = "/bot123:SECRET/sendMessage"

Peer = Callable[[trio.SocketStream], Awaitable[None]]


async def _serve_raw(peer: Peer, task_status: trio.TaskStatus[str]) -> None:
    """A TCP server that misbehaves exactly as its `peer` says; reports its base address."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]

    async def contained(stream: trio.SocketStream) -> None:
        async with stream:
            with suppress(trio.BrokenResourceError):
                await peer(stream)

    task_status.started(f"http://127.0.0.1:{port}")
    await trio.serve_listeners(contained, listeners)


async def _answer(stream: trio.SocketStream) -> None:
    async for request in stream:
        if request.endswith(b"\r\n\r\n"):
            await stream.send_all(_ANSWER)


async def _never_answer(stream: trio.SocketStream) -> None:
    async for _ in stream:
        pass


async def _hang_up(stream: trio.SocketStream) -> None:
    await stream.receive_some()


async def _half_an_answer(stream: trio.SocketStream) -> None:
    await stream.receive_some()
    await stream.send_all(_ANSWER[:-1])


@pytest.fixture
async def free_address() -> str:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    return f"http://127.0.0.1:{port}"


async def test_an_answer_of_any_status_is_returned(nursery: trio.Nursery) -> None:
    async def teapot(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 418 Teapot\r\ncontent-length: 3\r\n\r\ntea")

    async with open_http(base_url=await nursery.start(_serve_raw, teapot)) as http:
        answer = await http.request("GET", "/")
        assert (answer.status_code, answer.text) == (418, "tea")


async def test_a_refused_connection_was_not_sent(free_address: str) -> None:
    async with open_http(base_url=free_address) as http:
        with pytest.raises(NotSent, match=r"cannot reach 127\.0\.0\.1"):
            await http.request("POST", _SECRET)


async def test_an_unknown_host_was_not_sent() -> None:
    async with open_http(base_url="http://nowhere.invalid") as http:
        with pytest.raises(NotSent, match=r"cannot reach nowhere\.invalid"):
            await http.request("POST", _SECRET)


@pytest.mark.parametrize("peer", [_hang_up, _half_an_answer])
async def test_a_server_that_hangs_up_after_reading_may_have_done_it(
    nursery: trio.Nursery, peer: Peer
) -> None:
    async with open_http(base_url=await nursery.start(_serve_raw, peer)) as http:
        with pytest.raises(OutcomeUnknown, match="broke off"):
            await http.request("POST", _SECRET, json={})


async def test_a_server_that_does_not_answer_in_time_may_have_done_it(nursery: trio.Nursery) -> None:
    async with open_http(base_url=await nursery.start(_serve_raw, _never_answer)) as http:
        with pytest.raises(OutcomeUnknown, match=r"did not answer within 0\.05 s"):
            await http.request("POST", _SECRET, timeout=0.05)


async def test_a_request_that_found_no_free_connection_was_not_sent(nursery: trio.Nursery) -> None:
    address = await nursery.start(_serve_raw, _never_answer)
    async with open_http(base_url=address, max_connections=1) as http, trio.open_nursery() as callers:
        callers.start_soon(partial(http.request, "GET", "/", timeout=60))
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(NotSent, match=r"no connection to 127\.0\.0\.1 was free"):
            await http.request("GET", "/", timeout=0.05)
        callers.cancel_scope.cancel()


async def test_a_token_in_the_path_is_in_no_error_and_no_log(
    nursery: trio.Nursery, free_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for address in [await nursery.start(_serve_raw, _hang_up), free_address]:
            async with open_http(base_url=address) as http:
                with pytest.raises(HttpError) as caught:
                    await http.request("POST", _SECRET)
            said += [str(caught.value), repr(caught.value.__cause__)]
    assert "SECRET" not in " ".join(said) + caplog.text


@pytest.mark.parametrize("address", ["", "api.telegram.org", "ftp://example.org", "http://", "http://a:port"])
async def test_an_address_that_is_none_is_refused_before_anything_opens(address: str) -> None:
    with pytest.raises(ValueError, match=r"is not a server's address"):
        async with open_http(base_url=address):
            pass


async def test_idle_connections_are_reused(nursery: trio.Nursery) -> None:
    connections = 0

    async def counting(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        await _answer(stream)

    async with open_http(base_url=await nursery.start(_serve_raw, counting)) as http:
        for _ in range(5):
            await http.request("GET", "/")
    assert connections == 1


class _Meeting:
    """A server that answers `/meet` only when `size` requests for it wait at the same time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.met = trio.Event()
        self.waiting = 0

    async def __call__(self, stream: trio.SocketStream) -> None:
        async for request in stream:
            if request.startswith(b"GET /meet"):
                self.waiting += 1
                if self.waiting == self.size:
                    self.met.set()
                await self.met.wait()
            await stream.send_all(_ANSWER)

    async def meet(self, http: Http) -> None:
        """Fails if one of the client's connections is lost: then they cannot all wait at the same time."""
        with trio.fail_after(2):
            async with trio.open_nursery() as callers:
                for _ in range(self.size):
                    callers.start_soon(http.request, "GET", "/meet")


async def test_a_cancel_at_any_step_of_the_scheduler_loses_no_connection(nursery: trio.Nursery) -> None:
    """Restart N cancels all callers after N steps: those that wait for a turn, connect, send and read."""

    async def caller(http: Http) -> None:
        while True:
            await http.request("GET", "/")

    server = _Meeting(2)
    async with open_http(base_url=await nursery.start(_serve_raw, server), max_connections=2) as http:
        for steps in range(40):
            async with trio.open_nursery() as callers:
                for _ in range(8):
                    callers.start_soon(caller, http)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                callers.cancel_scope.cancel()
        await server.meet(http)


async def test_a_cancel_in_the_instant_after_connecting_loses_no_connection(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = trio.open_tcp_stream

    async def connect_and_be_cancelled(*args: Any, **named: Any) -> trio.SocketStream:
        stream = await connect(*args, **named)
        scope.cancel()
        return stream

    server = _Meeting(2)
    async with open_http(base_url=await nursery.start(_serve_raw, server), max_connections=2) as http:
        with monkeypatch.context() as patched:
            patched.setattr(trio, "open_tcp_stream", connect_and_be_cancelled)
            for _ in range(3):
                with trio.fail_after(2), trio.CancelScope() as scope:
                    await http.request("GET", "/", timeout=1)
                assert scope.cancelled_caught
        await server.meet(http)


@pytest.fixture
async def silent(nursery: trio.Nursery) -> AsyncIterator[Http]:
    async with open_http(base_url=await nursery.start(_serve_raw, _never_answer)) as http:
        yield http


async def test_a_cancel_is_obeyed_at_once_while_waiting_for_the_answer(silent: Http) -> None:
    with trio.fail_after(1), trio.move_on_after(0.02) as scope:
        await silent.request("GET", "/")
    assert scope.cancelled_caught


async def test_a_cancel_while_the_body_is_sent_leaves_nothing_behind(nursery: trio.Nursery) -> None:
    """An unfinished async generator would be: a warning, and so a failure, of whatever test runs next."""

    async def never_read(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with open_http(base_url=await nursery.start(_serve_raw, never_read)) as http:
        with trio.move_on_after(0.02) as scope:
            await http.request("POST", "/", content=b"x" * 20_000_000)
        assert scope.cancelled_caught
    gc.collect()
