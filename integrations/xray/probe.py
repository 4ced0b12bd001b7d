"""Does this link pass traffic? A real Xray client answers, as a customer's app would.

An operator's tool and the tests' proof: nothing short of a request that came through says that a key works.
"""

import re
import socket
import ssl
import tempfile
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import httpx
import trio

from integrations.xray.link import BadLink, parse_link
from integrations.xray.process import XrayStartFailed, open_xray
from integrations.xray.profile import Profile, client_config

#: Bytes of an answer that are read; enough for the exit address and a fair time.
BODY_BYTES_MAX: Final = 1 << 20

#: Xray's reason for not reaching the node at all, for people to read; the decision does not depend on it.
_TUNNEL_FAILED: Final = re.compile(r"failed to process outbound traffic > .*: \[(.*)\] > ")

_ADDRESS_IN_BODY: Final = re.compile(r'^ip=(\S+)$|"(?:ip|origin|query)"\s*:\s*"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The address was fetched through the link."""

    status: int
    #: Address that the fetched site saw, if it tells.
    exit_address: str | None
    first_byte_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class ProbeFailure:
    """The link passed nothing; the reason is one sentence."""

    reason: str


async def probe(link: str, url: str, *, timeout: float = 15.0) -> ProbeResult | ProbeFailure:
    """Fetch `url` through a real Xray client with this link; never raises for what a link or a network can do.

    `timeout` is in seconds for everything together. The client and its files are gone when this returns. The
    status may be any: a site's own error came through the link too.
    """
    try:
        parsed = parse_link(link)
        _check_address(url)
    except BadLink as error:
        return ProbeFailure(f"bad link: {error}")
    except httpx.InvalidURL as error:
        return ProbeFailure(f"bad address: {error}")
    with trio.move_on_after(timeout):
        try:
            return await _unreachable(parsed) or await _through(parsed, url)
        except XrayStartFailed as error:
            return ProbeFailure(f"no client: {error}")
    return ProbeFailure(f"timeout: nothing came back within {timeout:g} s")


def _check_address(url: str) -> None:
    parsed = httpx.URL(url)
    good_host = parsed.host and "%" not in parsed.host
    if parsed.scheme not in ("http", "https") or not good_host or (parsed.port or 0) > 65535:
        raise httpx.InvalidURL(f"{url!r} is not an address like https://example.com/")


async def _unreachable(link: Profile) -> ProbeFailure | None:
    """Connect to the node itself first: it tells a dead node from a node that does not want us."""
    try:
        stream = await trio.open_tcp_stream(link.host, link.port)
    except socket.gaierror:
        return ProbeFailure(f"unknown host: {link.host} has no address")
    except OSError:
        return ProbeFailure(f"refused: nothing accepts connections at {link.host} port {link.port}")
    await trio.aclose_forcefully(stream)
    return None


async def _through(link: Profile, url: str) -> ProbeResult | ProbeFailure:
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="turnpike-probe-") as folder:
        async with open_xray(client_config(link, port), name="client", folder=Path(folder)) as client:
            try:
                return await _fetch(f"http://127.0.0.1:{port}", url)
            except httpx.HTTPError as error:
                return ProbeFailure(_why(error, url, client.log.read_text()))


async def _fetch(proxy: str, url: str) -> ProbeResult:
    def make_client() -> httpx.AsyncClient:
        return httpx.AsyncClient(proxy=proxy, trust_env=False, timeout=None)

    # Reads a certificate bundle: tens of milliseconds that belong off the loop.
    async with await trio.to_thread.run_sync(make_client) as http:
        began = trio.current_time()
        async with http.stream("GET", url) as response:
            first_byte_ms = (trio.current_time() - began) * 1000
            body = await _read(response)
        total_ms = (trio.current_time() - began) * 1000
    if _is_from_client(response):
        raise httpx.ProxyError("the tunnel gave no answer")
    return ProbeResult(response.status_code, exit_address(body), first_byte_ms, total_ms)


async def _read(response: httpx.Response) -> str:
    """Read to the announced length, at most `BODY_BYTES_MAX`: a tunnelled connection ends seconds later."""
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) >= BODY_BYTES_MAX:
            break
    return body.decode(errors="replace")


def _is_from_client(response: httpx.Response) -> bool:
    """Tell the client's own "no answer" from a site's error: what came from a site with a length is kept alive."""
    headers = response.headers
    return (response.status_code, headers.get("proxy-connection"), headers.get("content-length")) == (
        503,
        "close",
        "0",
    )


def _why(error: httpx.HTTPError, url: str, client_log: str) -> str:
    if isinstance(_root(error), ssl.SSLCertVerificationError):
        return f"untrusted site: the link works, but the certificate of {url} is not valid: {_root(error)}"
    tunnel = _TUNNEL_FAILED.search(client_log)
    if tunnel is not None:
        return f"no tunnel: the node is not what the link says, Xray says: {tunnel[1]}"
    return f"rejected: the node closed the connection, it does not know this key or cannot reach {url}"


def _root(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def exit_address(body: str) -> str | None:
    """The address that a "what is my IP" page names: alone, as JSON, or as Cloudflare's `ip=` line; else None."""
    match = _ADDRESS_IN_BODY.search(body)
    text = (match[1] or match[2]) if match else body.strip()
    try:
        return str(ip_address(text))
    except ValueError:
        return None
