"""How much of Telegram's allowed rate the sender uses, how often it is refused, and how long a person waits meanwhile.

    python -m bench.sender [--messages 20000] [--seconds 30]

First on virtual time: so many messages (a broadcast, answers, reminders, groups, dead chats, failures) to each of
three models of Telegram's limit over each of three networks. Then for real, so many seconds of it: the actors on a
PostgreSQL of their own, over HTTP to a server in another process that counts by sliding window and adds up to 10 ms to
each direction.
`--messages 0` or `--seconds 0` leaves one of them out.
"""

import argparse
import logging
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import quantiles

import httpx
import structlog
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from trio.testing import MockClock

from actors.messages import LookAgain
from domain import messages
from integrations.http_server import serve
from integrations.telegram.pacing import OVERALL_LIMIT
from storage.embedded.server import open_embedded
from storage.migrate import migrate
from tests.actors.post import Outbox, open_sender
from tests.fixtures.postgres import Database
from tests.integrations.telegram.flood import JITTERS, MODELS, PROMPT, SlidingWindow, Town, a_day

_ANSWERS_A_SECOND = 3


def on_virtual_time(number: int) -> None:
    """A line for each network and model."""
    print(f"{number} messages on virtual time")
    print(
        f"{'network':22} {'Telegram counts by':18} {'of 30/s':>8} {'429s':>5} {'order':>7} "
        f"{'longest wait of a person':>25}"
    )
    for network, jitter in JITTERS.items():
        for model in MODELS:
            town, run = a_day(number, model(), jitter)
            trio.run(run, clock=MockClock(autojump_threshold=0))
            print(_line(network, model.__name__, town), flush=True)


def _line(network: str, model: str, town: Town) -> str:
    share, wait = f"{town.share_of_the_rate:.1%}", f"{town.longest_wait(PROMPT) * 1000:.0f} ms"
    order = "kept" if town.in_order() else "broken"
    return f"{network:22} {model:18} {share:>8} {town.refused:>5} {order:>7} {wait:>25}"


class Counting:
    """A Bot API that only takes messages and counts them."""

    def __init__(self) -> None:
        self._control = SlidingWindow()
        self._chance = random.Random(1)
        self._numbers = count(1)
        self.refused = 0
        self.arrived: list[tuple[float, int]] = []

    async def take(self, request: Request) -> Response:
        form = dict(httpx.QueryParams((await request.body()).decode()))
        chat = int(form["chat_id"])
        await trio.sleep(self._chance.uniform(0, 0.010))
        if not self._control.passes(chat, time.time()):
            self.refused += 1
            return JSONResponse({"ok": False, "error_code": 429, "parameters": {"retry_after": 1}}, 429)
        self.arrived.append((time.time(), chat))
        await trio.sleep(self._chance.uniform(0, 0.010))
        chat_of = {"id": chat, "type": "private", "first_name": "x"}
        message = {"message_id": next(self._numbers), "date": int(time.time()), "chat": chat_of, "text": "x"}
        return JSONResponse({"ok": True, "result": message})

    async def report(self, _: Request) -> Response:
        return JSONResponse({"refused": self.refused, "arrived": self.arrived})


async def serve_counting() -> None:
    counting = Counting()
    routes = [
        Route("/bot{token}/{method}", counting.take, methods=["POST"]),
        Route("/report", counting.report),
    ]
    async with trio.open_nursery() as nursery:
        port = await nursery.start(
            partial(serve, Starlette(routes=routes), host="127.0.0.1", port=0, name="the counting server")
        )
        print(port, flush=True)


@asynccontextmanager
async def database_in(folder: Path) -> AsyncIterator[Database]:
    async with open_embedded(folder) as server:
        await migrate(server.conninfo())
        roles = [server.conninfo(user=role) for role in ("turnpike_writer", "turnpike_reader")]
        yield Database("turnpike", server.conninfo(), *roles)


async def for_real(seconds: int, address: str, folder: Path) -> None:
    """Broadcast at full speed while people ask things."""
    async with database_in(folder / "data") as database:
        outbox, asked = Outbox(database), dict[int, float]()
        for chat in range(1, seconds * OVERALL_LIMIT + 1):
            outbox.write(chat, messages.Announcement(text="News"))
        async with open_sender(database, folder, address) as here:
            for chat in range(10**6, 10**6 + seconds * _ANSWERS_A_SECOND):
                outbox.write(chat, messages.Help())
                here.system.ref("sender").cast(LookAgain())
                asked[chat] = time.time()
                await trio.sleep(1 / _ANSWERS_A_SECOND)
            async with httpx.AsyncClient(trust_env=False) as http:
                report = (await http.get(f"{address}/report")).json()
    arrived = {chat: at for at, chat in report["arrived"]}
    waits = quantiles([arrived[chat] - at for chat, at in asked.items() if chat in arrived], n=100)
    times = sorted(arrived.values())
    rate = (len(times) - 1) / (times[-1] - times[0])
    print(f"\n{seconds} s for real, sliding window, up to 10 ms each way")
    print(f"  {rate / OVERALL_LIMIT:.1%} of 30/s, {report['refused']} answers 429 in {len(times)} messages")
    median, slow = (f"{waits[percent - 1] * 1000:.0f} ms (p{percent})" for percent in (50, 99))
    print(f"  a person's answer has arrived {median}, {slow} after it was written")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=30)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if arguments.messages:
        on_virtual_time(arguments.messages)
    if arguments.seconds:
        command = [sys.executable, "-m", "bench.sender", "serve"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                address = f"http://127.0.0.1:{int(server.stdout.readline())}"
                with tempfile.TemporaryDirectory() as name:
                    Path(name).chmod(0o711)  # as root, PostgreSQL runs as somebody else
                    trio.run(for_real, arguments.seconds, address, Path(name))
            finally:
                server.terminate()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        trio.run(serve_counting)
    else:
        main()
