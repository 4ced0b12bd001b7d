"""What one message costs: our request object against python-telegram-bot's own, on Trio, in one run.

    python -m bench.telegram_sends

A sandbox Bot API runs in a second process. Both bots send the same messages, 16 at a time, in alternating
rounds; the medians are printed with their ratio. The CPU time of this process is the number to trust, wall
time depends on what else the machine does.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import trio
from telegram.request import HTTPXRequest

from integrations.http_client import open_http
from integrations.http_server import serve
from integrations.sandbox_store import Store
from integrations.telegram.bot import TrioBot, open_bot
from integrations.telegram.outgoing import Button, Delivered, SendText, deliver
from integrations.telegram.sandbox import SANDBOX_TOKEN, TelegramSandbox

ROUNDS = 5
MESSAGES = 300
AT_ONCE = 16
MESSAGE = SendText(
    1001, "<b>Hello</b>, this is a message.", ((Button("One", data="1"), Button("Two", data="2")),)
)


async def serve_sandbox() -> None:
    sandbox = TelegramSandbox(Store(None), lambda: datetime.now(UTC), token=SANDBOX_TOKEN)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, sandbox.app, host="127.0.0.1", port=0, name="the sandbox"))
        print(port, flush=True)


@asynccontextmanager
async def library_bot(address: str) -> AsyncIterator[TrioBot]:
    """The same bot on the library's HTTPXRequest, with its pool as large as ours."""
    requests = [HTTPXRequest(connection_pool_size=AT_ONCE, pool_timeout=30) for _ in range(2)]
    bot = TrioBot(SANDBOX_TOKEN, address, request=requests[0], updates=requests[1])
    for request in requests:
        await request.initialize()
    try:
        await bot.initialize()
        yield bot
    finally:
        for request in requests:
            await request.shutdown()


async def send_all(bot: TrioBot) -> tuple[float, float]:
    """Messages a second, and microseconds of CPU a message."""
    left = MESSAGES

    async def sender() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            outcome = await deliver(bot, MESSAGE)
            assert isinstance(outcome, Delivered), outcome

    wall, cpu = time.perf_counter(), time.process_time()
    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(sender)
    return MESSAGES / (time.perf_counter() - wall), (time.process_time() - cpu) / MESSAGES * 1e6


async def measure(address: str) -> None:
    async with open_bot(SANDBOX_TOKEN, api_base=address) as ours, library_bot(address) as library:
        bots = {"ours": ours, "HTTPXRequest": library}
        rates: dict[str, list[float]] = {name: [] for name in bots}
        costs: dict[str, list[float]] = {name: [] for name in bots}
        for _ in range(ROUNDS):
            for name, bot in bots.items():
                rate, cost = await send_all(bot)
                rates[name].append(rate)
                costs[name].append(cost)
    for name in bots:
        print(
            f"{name:13} {statistics.median(rates[name]):6.0f} msg/s {statistics.median(costs[name]):6.0f} us CPU"
        )
    share = statistics.median(costs["ours"]) / statistics.median(costs["HTTPXRequest"])
    print(f"CPU of ours: {share:.2f} of HTTPXRequest's")


def main() -> None:
    command = [sys.executable, "-m", "bench.telegram_sends", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = f"http://127.0.0.1:{int(server.stdout.readline())}"
            trio.run(start_chat_and_measure, address)
        finally:
            server.terminate()


async def start_chat_and_measure(address: str) -> None:
    async with open_http(base_url=address) as person:
        await person.request("POST", "/sandbox/people/1001/messages", json={"text": "/start"})
    await measure(address)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        trio.run(serve_sandbox)
    else:
        main()
