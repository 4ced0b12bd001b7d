"""Driving a running sandbox as its users do: through its HTTP interface only.

async with running_sandbox(folder) as sandbox:
    alice = sandbox.person(1001)
    await alice.say("/start")
    await alice.press("Plans")
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

import httpx
import trio

ROOT: Final = Path(__file__).parents[2]

#: Time for anything that the bot does in answer to a person, on a busy machine.
PATIENCE_SECONDS: Final = 30

#: Time for the first start, which sets up a database.
START_SECONDS: Final = 90

Message = dict[str, Any]


@dataclass(slots=True)
class Person:
    """Somebody who chats with the bot. `seen` is how far the chat was read, `acted` how far it was at the last act."""

    id: int
    http: httpx.AsyncClient
    seen: int = 0
    acted: int = 0
    chat: dict[int, Message] = field(default_factory=dict)

    async def say(self, text: str) -> None:
        """Write to the bot."""
        await self.look()
        self.acted = self.seen
        await self._post("messages", text=text)

    async def press(self, button: str) -> str | None:
        """Press a button that came after the last act, by words of its text; gives the address that it opens."""

        def fresh(message: Message) -> str | None:
            return _button(message, button) if message["revision"] > self.acted else None

        message, text = await self.wait_for(fresh, f"a button {button!r}")
        self.acted = self.seen
        answer = await self._post("press", message_id=message["message_id"], text=text)
        return answer.get("url")

    async def pay_invoice(self) -> dict[str, Any]:
        """Pay the Stars invoice that came after the last act."""

        def fresh(message: Message) -> str | None:
            invoice = message.get("invoice") or {}
            return invoice.get("title") if message["revision"] > self.acted else None

        message, _ = await self.wait_for(fresh, "an invoice")
        self.acted = self.seen
        return await self._post("pay", message_id=message["message_id"])

    async def read(self, pattern: str) -> str:
        """Wait for a message that matches and give what the pattern's group caught (or all of it)."""

        def matching(message: Message) -> str | None:
            found = re.search(pattern, _words(message))
            return found[1 if found.re.groups else 0] if found else None

        _, text = await self.wait_for(matching, f"a message like {pattern!r}")
        return text

    def count(self, pattern: str) -> int:
        """How many of the messages read so far match."""
        return sum(bool(re.search(pattern, _words(each))) for each in self.chat.values())

    async def wait_for(self, wanted: Callable[[Message], str | None], what: str) -> tuple[Message, str]:
        """The newest message for which `wanted` gives something; waits until there is one."""
        with trio.move_on_after(PATIENCE_SECONDS):
            while True:
                for message in sorted(self.chat.values(), key=lambda each: -int(each["revision"])):
                    if message["from"] == "bot" and (found := wanted(message)):
                        return message, found
                await self.look(wait=5)
        raise AssertionError(
            f"{what} did not come; the chat is: {[_words(each) for each in self.chat.values()]}"
        )

    async def look(self, wait: float = 0) -> None:
        """Read what is new in the chat."""
        answer = await self.http.get(
            f"/sandbox/people/{self.id}/messages",
            params={"after": self.seen, "wait": wait},
            timeout=wait + PATIENCE_SECONDS,
        )
        answer.raise_for_status()
        body = answer.json()
        self.seen = body["revision"]
        for message in body["messages"]:
            self.chat[message["message_id"]] = message

    async def _post(self, what: str, **body: object) -> dict[str, Any]:
        answer = await self.http.post(
            f"/sandbox/people/{self.id}/{what}", json=body, timeout=PATIENCE_SECONDS
        )
        assert answer.is_success, answer.text
        result: dict[str, Any] = answer.json()
        return result


def _button(message: Message, words: str) -> str | None:
    return next(
        (
            button["text"]
            for row in message.get("buttons") or []
            for button in row
            if words in _read(button["text"])
        ),
        None,
    )


def _words(message: Message) -> str:
    return _read(message.get("text") or message.get("caption") or "")


def _read(text: str) -> str:
    """A text as a reader sees it: a space that keeps a number with its currency is a space."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@dataclass(slots=True)
class Sandbox:
    """A `turnpike sandbox` in a process of its own."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    http: httpx.AsyncClient
    crypto: httpx.AsyncClient

    def person(self, number: int) -> Person:
        """One of the people of the sandbox."""
        return Person(number, self.http)

    @property
    def trace_url(self) -> str:
        """An address that tells where a request came from."""
        return f"http://127.0.0.1:{self.port}/trace"

    async def pay_crypto(self, url: str) -> None:
        """Pay the Crypto Pay invoice behind an address."""
        answer = await self.crypto.post("/sandbox/pay", json={"hash": url.rpartition("/")[2]})
        assert answer.is_success, answer.text

    async def advance(self, days: float) -> None:
        """Move the sandbox's clock forward."""
        answer = await self.http.post("/sandbox/advance", json={"seconds": round(days * 86400)})
        assert answer.is_success, answer.text

    async def probe(self, link: str) -> subprocess.CompletedProcess[bytes]:
        """Run `turnpike probe` with a link."""
        command = [sys.executable, "-m", "turnpike", "probe", link, self.trace_url, "--timeout", "10"]
        with trio.fail_after(60):
            return await trio.run_process(
                command, cwd=ROOT, check=False, capture_stdout=True, capture_stderr=True
            )

    async def turnpike(self, *words: str) -> str:
        """What a command that an operator gives to this sandbox says; it must succeed."""
        command = [sys.executable, "-m", "turnpike", *words, "--data", str(self.folder)]
        with trio.fail_after(60):
            done = await trio.run_process(command, cwd=ROOT, capture_stdout=True)
        return done.stdout.decode()

    async def stop(self, with_signal: signal.Signals = signal.SIGINT, seconds: float = 20) -> int:
        """End the process and give its exit status."""
        self.process.send_signal(with_signal)
        with trio.fail_after(seconds):
            return await trio.to_thread.run_sync(self.process.wait, abandon_on_cancel=True)


@asynccontextmanager
async def running_sandbox(
    folder: Path, port: int, *options: str, module: str = "turnpike"
) -> AsyncIterator[Sandbox]:
    """Start a sandbox, wait until it says that it is ready, and stop it at the end if it still runs."""
    command = [
        sys.executable,
        "-m",
        module,
        "sandbox",
        "--port",
        str(port),
        "--data",
        str(folder),
        *options,
    ]
    output = folder.parent / f"{folder.name}.output"
    with output.open("ab") as sink:
        start = sink.tell()
        process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink)  # noqa: ASYNC220 - from the main thread
    base = f"http://127.0.0.1:{port}"
    async with (
        httpx.AsyncClient(base_url=base, trust_env=False) as http,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port + 1}", trust_env=False) as crypto,
    ):
        try:
            with trio.fail_after(START_SECONDS):
                while b"Open  http" not in output.read_bytes()[start:]:
                    assert process.poll() is None, output.read_text()
                    await trio.sleep(0.1)
            yield Sandbox(process, folder, port, http, crypto)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                with trio.CancelScope(shield=True), trio.move_on_after(20):
                    await trio.to_thread.run_sync(process.wait, abandon_on_cancel=True)
            if process.poll() is None:
                process.kill()


#: Where to look for five free ports next: below those that the system gives to connections by itself, any of which may
#: take one before the sandbox does, and elsewhere than other test runs.
_places = count(os.getpid())


def free_ports() -> int:
    """The first of five ports in a row that are free now."""
    for place in islice(_places, 1000):
        base = 12_000 + place * 5 % 20_000
        if all(_is_free(base + n) for n in range(5)):
            return base
    raise AssertionError("there are no five free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
