"""The HTTP server: its address, its stop, and what a bad request or a bad handler may do to it."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import httpx
import pytest
import structlog
import trio
import trio.testing
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from integrations.http_server import CannotListen, PortInUse, serve


async def _echo(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{request.method} {len(body)}")


async def _boom(request: Request) -> Response:
    raise RuntimeError("the handler's own mistake")


async def _half(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("broke in the middle")

    return StreamingResponse(pieces())


async def _endless(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"data: tick\n\n"
            await trio.sleep(0.01)

    return StreamingResponse(pieces(), media_type="text/event-stream")


_slow_began = trio.Event()


async def _slow(request: Request) -> Response:
    _slow_began.set()
    await trio.sleep(0.2)
    return PlainTextResponse("done")


_APP = Starlette(
    routes=[
        Route("/echo", _echo, methods=["GET", "POST"]),
        Route("/boom", _boom),
        Route("/half", _half),
        Route("/endless", _endless),
        Route("/slow", _slow),
    ]
)
_serve = partial(serve, _APP, host="127.0.0.1", name="the test server")


@pytest.fixture
async def address(nursery: trio.Nursery) -> str:
    port: int = await nursery.start(partial(_serve, port=0))
    return f"http://127.0.0.1:{port}"


async def test_a_request_is_answered_at_the_port_that_was_reported(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as http:
        assert (await http.post("/echo", content=b"x" * 1000)).text == "POST 1000"
        assert (await http.get("/echo")).text == "GET 0"


async def test_a_port_in_use_is_one_sentence_and_nothing_is_started(address: str) -> None:
    port = int(address.rpartition(":")[2])
    async with trio.open_nursery() as nursery:
        with pytest.raises(PortInUse) as caught:
            await nursery.start(partial(_serve, port=port))
    message = str(caught.value)
    assert "the test server" in message
    assert f"127.0.0.1:{port}" in message
    assert "choose another port" in message


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("not an address", 0), ("127.0.0.1", 70000)])
async def test_an_address_that_cannot_be_bound_is_one_sentence(host: str, port: int) -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(CannotListen, match="the test server cannot listen on") as caught:
            await nursery.start(partial(_serve, host=host, port=port))
    assert "\n" not in str(caught.value)


async def _send_raw(address: str, *pieces: bytes) -> bytes:
    """Send until the server has had enough, and return the head of what it answers."""
    stream = await trio.open_tcp_stream("127.0.0.1", int(address.rpartition(":")[2]))
    async with stream:
        try:
            for piece in pieces:
                await stream.send_all(piece)
        except trio.BrokenResourceError:
            pass
        return await stream.receive_some()


_HEAD = b"POST /echo HTTP/1.1\r\nhost: x\r\n"
_CHUNK = b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([_HEAD, b"content-length: 2000000\r\n\r\n"], id="declared"),
        pytest.param([_HEAD, b"transfer-encoding: chunked\r\n\r\n", *[_CHUNK] * 11], id="chunked"),
    ],
)
async def test_a_body_above_the_limit_is_413_and_the_server_lives(address: str, pieces: list[bytes]) -> None:
    assert (await _send_raw(address, *pieces)).startswith(b"HTTP/1.1 413")
    async with httpx.AsyncClient(base_url=address) as http:
        assert (await http.post("/echo", content=b"x" * (1 << 20))).text == f"POST {1 << 20}"


async def test_a_client_that_leaves_in_the_middle_of_its_body_reaches_no_handler(address: str) -> None:
    with structlog.testing.capture_logs() as logged:
        stream = await trio.open_tcp_stream("127.0.0.1", int(address.rpartition(":")[2]))
        await stream.send_all(_HEAD + b"content-length: 10\r\n\r\nabc")
        await stream.aclose()
        async with httpx.AsyncClient(base_url=address) as http:
            assert (await http.get("/echo")).status_code == 200
    assert logged == []


async def test_headers_above_the_limit_are_431(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as http:
        assert (await http.get("/echo", headers={"x-long": "x" * 20_000})).status_code == 431


async def test_a_body_that_dribbles_is_408(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        port: int = await nursery.start(partial(_serve, port=0))
        head = await _send_raw(f"http://127.0.0.1:{port}", _HEAD + b"content-length: 10\r\n\r\nabc")
        assert head.startswith(b"HTTP/1.1 408")
        nursery.cancel_scope.cancel()


async def test_a_handlers_exception_is_500_logged_once_and_the_server_lives(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as logged, caplog.at_level(logging.DEBUG):
        async with httpx.AsyncClient(base_url=address) as http:
            assert (await http.get("/boom?token=secret")).status_code == 500
            assert (await http.get("/echo")).status_code == 200
    assert [(entry["event"], entry["server"], entry["endpoint"]) for entry in logged] == [
        ("a handler failed", "the test server", "_boom")
    ]
    assert not [record for record in caplog.records if record.name.startswith("anycorn")]
    assert "secret" not in str(logged)


async def test_a_handler_that_breaks_in_the_middle_of_an_answer_harms_nobody_else(address: str) -> None:
    with structlog.testing.capture_logs() as logged:
        async with httpx.AsyncClient(base_url=address) as http:
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get("/half")
            assert (await http.get("/echo")).status_code == 200
    assert len(logged) == 1


async def _time_to_stop(use: Callable[..., Awaitable[None]] | None, ready: trio.Event | None = None) -> float:
    """How long a server takes to stop while `use` uses it, from the moment that `ready` is set."""
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as servers:
            port: int = await servers.start(partial(_serve, port=0))
            if use is not None:
                await nursery.start(use, f"http://127.0.0.1:{port}")
            if ready is not None:
                await ready.wait()
            started = trio.current_time()
            servers.cancel_scope.cancel()
        took = trio.current_time() - started
        nursery.cancel_scope.cancel()
    with pytest.raises(OSError, match="failed"):
        await trio.open_tcp_stream("127.0.0.1", port)
    return took


async def test_an_idle_server_stops_at_once_when_cancelled() -> None:
    assert await _time_to_stop(None) < 0.5


async def test_an_endless_answer_delays_a_stop_by_the_grace_only() -> None:
    async def listen(address: str, task_status: trio.TaskStatus[None]) -> None:
        stream = await trio.open_tcp_stream("127.0.0.1", int(address.rpartition(":")[2]))
        async with stream:
            await stream.send_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n")
            await stream.receive_some()
            task_status.started()
            while await stream.receive_some():
                pass

    assert await _time_to_stop(listen) < 2


async def test_a_request_in_flight_is_answered_before_a_stop() -> None:
    answers: list[int] = []

    async def ask(address: str, task_status: trio.TaskStatus[None]) -> None:
        async with httpx.AsyncClient(base_url=address) as http:
            task_status.started()
            answers.append((await http.get("/slow")).status_code)

    assert 0.1 < await _time_to_stop(ask, _slow_began) < 1
    assert answers == [200]


async def test_an_idle_keep_alive_connection_does_not_delay_a_stop() -> None:
    async def idle(address: str, task_status: trio.TaskStatus[None]) -> None:
        async with httpx.AsyncClient(base_url=address) as http:
            await http.get("/echo")
            task_status.started()
            await trio.sleep_forever()

    assert await _time_to_stop(idle) < 0.5


async def test_a_connection_that_its_client_has_closed_is_closed() -> None:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, _APP, host="127.0.0.1", port=0, name="a test"))
        idle = _tasks()
        for _ in range(20):
            async with httpx.AsyncClient(trust_env=False) as client:
                await client.get(f"http://127.0.0.1:{port}/echo")
                await client.post(f"http://127.0.0.1:{port}/echo", content=b"x")
        with trio.fail_after(5):
            while _tasks() > idle:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()


def _tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living
