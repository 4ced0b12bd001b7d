"""A sandbox whose process is killed goes on where it was: nobody's messages, money or updates are lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integrations.http_client import open_http
from integrations.sandbox_store import Store
from tests.integrations.telegram.sandbox.conftest import Clock, Running, running
from tests.integrations.telegram.sandbox.paying import INVOICE, YES, pay
from tests.integrations.telegram.sandbox.test_messages import PNG

_SERVER = """
import sys, trio
from pathlib import Path
from integrations.sandbox_store import Store
from tests.integrations.telegram.sandbox.conftest import Clock, run_sandbox

async def main() -> None:
    async with trio.open_nursery() as nursery:
        print(await run_sandbox(nursery, Store(Path(sys.argv[1])), Clock()), flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@contextmanager
def server_process(path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A sandbox in a process of its own; gives the process and its port, kills it at the end."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(path)], env=environment, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGKILL)


async def test_everything_is_there_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with server_process(path) as (_, port):
        async with open_http(base_url=f"http://127.0.0.1:{port}") as http:
            before = Running(http, port, Clock())
            await before.start()
            await before.call("setMyCommands", commands=[{"command": "start", "description": "Plans"}])
            photo = await before.send_file("sendPhoto", "photo", "p.png", PNG, chat_id="1001")
            invoice = await before.call("sendInvoice", chat_id=1001, **INVOICE)
            paid = await pay(before, {"message_id": invoice["message_id"]}, YES)
            waiting = await before.call("getUpdates")
            chat = await before.get("people/1001/messages")

    async with running(Store(path), Clock()) as after:
        assert await after.call("getUpdates") == waiting
        assert await after.get("people/1001/messages") == chat
        assert (await after.call("getMyCommands"))[0]["command"] == "start"
        assert (await after.call("getFile", file_id=photo["photo"][0]["file_id"]))["file_size"] == len(PNG)
        transactions = (await after.call("getStarTransactions"))["transactions"]
        assert [transaction["id"] for transaction in transactions] == [paid["charge_id"]]
        next_message = await after.call("sendMessage", chat_id=1001, text="still here")
        assert next_message["message_id"] == chat["messages"][-1]["message_id"] + 1
        again = await after.post("people/1001/messages", text="hello")
        assert again["update_id"] == waiting[-1]["update_id"] + 1
