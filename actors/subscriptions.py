"""Subscription addresses: what the gateway answers to whoever has one.

An address is a secret, so one that nobody has costs what one costs whose time is over: the same query, form and
headers; only status and words differ. How often anybody may ask is limited before anything is read.
"""

import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from ipaddress import ip_network
from typing import Final
from uuid import UUID

import trio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from actors.environment import Environment
from actors.reading import DatabaseAway
from actors.screens import Shop, address_of
from actors.subscription_words import expired, page_words, stopped, unknown
from actors.words import Recipient, Words
from integrations.rate_limit import RateLimit, client_address
from integrations.subscription import (
    Form,
    PageWords,
    Rendered,
    Subscription,
    Traffic,
    Visitor,
    app_named,
    form_for,
    headers_for,
    opening,
    platform_of,
    render,
)
from integrations.xray.profile import profile_of
from runtime import Context

#: Requests of one address at once and afterwards: a household that adds its devices, behind one router.
_BURST: Final = 60
_PER_SECOND: Final = 1.0

#: Addresses that are remembered, at about 200 bytes each.
_ADDRESSES: Final = 20_000

#: Pages are drawn on threads, so many at once.
_DRAWN_AT_ONCE: Final = 2

_AWAY_SECONDS: Final = 30

#: States of a subscription whose traffic is used up while there is time left: without grace, and in it.
_STOPPED: Final = ("stopped", "stopped_in_grace")

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")

_HOLDER: Final = """
    SELECT uuid, status, expires_at, coalesce(chosen_language, language) AS language, time_zone, traffic, traffic_from,
        stopped, coalesce(up, 0) AS up, coalesce(down, 0) AS down
    FROM subscriptions JOIN users ON users.id = user_id LEFT JOIN usage ON subscription_id = subscriptions.id
    WHERE token = %s
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """What a subscription address stands for."""

    uuid: UUID
    status: str
    expires_at: datetime
    language: str | None
    time_zone: str | None
    traffic: int | None
    traffic_from: int
    stopped: str | None
    up: int
    down: int

    @property
    def used(self) -> Traffic:
        """What was moved of the allowance, which does not tell directions apart: their shares are those of all time."""
        together = self.up + self.down
        moved = together - self.traffic_from
        up = moved * self.up // together if together else 0
        return Traffic(up, moved - up, self.traffic or 0)


class Subscriptions:
    """The routes below `/s`."""

    def __init__(self, context: Context, environment: Environment, shop: Shop) -> None:
        self._context = context
        self._environment = environment
        self._shop = shop
        gateway = environment.configuration.settings.gateway
        self._proxies = [ip_network(each) for each in gateway.trusted_proxies]
        self._limit = RateLimit(burst=_BURST, per_second=_PER_SECOND, addresses=_ADDRESSES)
        self._threads = trio.CapacityLimiter(_DRAWN_AT_ONCE)

    def routes(self) -> list[Route]:
        """The address itself, the address with a form at its end, and the pages that send on into an app."""
        return [
            Route("/s/{token}", self._guarded(self._subscription)),
            Route("/s/{token}/{form}", self._guarded(self._subscription)),
            Route("/s/{token}/open/{app}", self._guarded(self._open)),
        ]

    def _guarded(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """An answer for those who do not ask too often, and a sentence while the database is away."""

        async def guarded(request: Request) -> Response:
            peer = request.client.host if request.client else ""
            forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
            address = client_address(peer, forwarded, self._proxies)
            wait = self._limit.take(address, trio.current_time())
            if wait:
                self._count("none", "limited")
                return _later(HTTPStatus.TOO_MANY_REQUESTS, "You ask too often.", math.ceil(wait))
            try:
                return await answer(request)
            except DatabaseAway:
                self._count("none", "away")
                return _later(HTTPStatus.SERVICE_UNAVAILABLE, "This takes a moment.", _AWAY_SECONDS)

        return guarded

    async def _subscription(self, request: Request) -> Response:
        agent, accept = request.headers.get("user-agent", ""), request.headers.get("accept", "")
        form: Form | None = form_for(agent, accept)
        if "form" in request.path_params:
            form = next((each for each in Form if each == request.path_params["form"]), None)
        if form is None:
            return _nothing(f"There is no such form, expected one of {', '.join(Form)}.")
        holder, subscription, words = await self._read(request)
        write = partial(render, subscription, form, words, Visitor(platform_of(agent)))
        return await self._answer(holder, subscription, form, write)

    async def _open(self, request: Request) -> Response:
        app = app_named(request.path_params["app"])
        if app is None:
            return _nothing("There is no such app.")
        holder, subscription, words = await self._read(request)
        write = partial(render, subscription, Form.PAGE, words, Visitor())
        if subscription.profiles:
            write = partial(opening, subscription, words, app)
        return await self._answer(holder, subscription, Form.PAGE, write)

    async def _read(self, request: Request) -> tuple[Holder | None, Subscription, PageWords]:
        """Who holds the address, and what it has to say; one query, whatever the token looks like."""
        token = request.path_params["token"]
        asked = token if _TOKEN.fullmatch(token) else ""
        holder = await self._environment.readers.fetch_one(
            Holder, _HOLDER, (asked,), reader=self._context.name
        )
        words = self._shop.words_for(_reader(holder, request))
        subscription = self._subscription_of(holder, asked, words)
        runs = self._state(holder) in ("active", *_STOPPED)
        return holder, subscription, page_words(words, subscription, runs=runs)

    def _subscription_of(self, holder: Holder | None, token: str, words: Words) -> Subscription:
        username = self._environment.bot_username
        bot = f"@{username}" if username else ""
        state = self._state(holder)
        in_grace = [each for each in self._shop.nodes if each.grace]
        nodes = {"active": self._shop.nodes, "grace": in_grace, _STOPPED[True]: in_grace}.get(state, ())
        if holder is None:
            notice = unknown(words, bot)
        elif state in _STOPPED:
            notice = stopped(words, bot)
        elif state != "active":
            notice = expired(words, bot)
        else:
            notice = "" if nodes else words.plain("entry-no-servers")
        return Subscription(
            title=self._shop.name,
            address=address_of(token, self._shop),
            profiles=tuple(profile_of(node, holder.uuid) for node in nodes) if holder else (),
            notice=notice,
            other_app=words.plain("entry-other-app"),
            expires_at=None if holder is None else holder.expires_at,
            traffic=Traffic() if holder is None else holder.used,
            bot_url=f"https://t.me/{username}" if username else "",
            support_url=_support_url(self._shop.support),
        )

    def _count(self, form: str, outcome: str) -> None:
        self._environment.metrics.subscriptions.labels(form, outcome).inc()

    def _state(self, holder: Holder | None) -> str:
        """In grace the key still leads to where one can pay, so it stays in the app, with a notice."""
        if holder is None:
            return "unknown"
        if holder.status == "active" and holder.expires_at <= self._context.clock.now():
            return "expired"
        if holder.stopped is not None:
            return _STOPPED[holder.stopped == "grace"]
        return holder.status

    async def _answer(
        self, holder: Holder | None, subscription: Subscription, form: Form, write: Callable[[], Rendered]
    ) -> Response:
        self._count(form, self._state(holder))
        rendered = await trio.to_thread.run_sync(write, limiter=self._threads)
        return Response(
            rendered.text,
            status_code=HTTPStatus.NOT_FOUND if holder is None else HTTPStatus.OK,
            headers=headers_for(subscription, form),
            media_type=rendered.media_type,
        )


def _reader(holder: Holder | None, request: Request) -> Recipient:
    """Who reads: the holder, or somebody of whom we know what the browser says."""
    if holder is not None:
        return Recipient(holder.language, holder.time_zone)
    return Recipient(re.split("[,;]", request.headers.get("accept-language", ""))[0].strip())


def _nothing(why: str) -> Response:
    headers = {"cache-control": "no-store"}
    return PlainTextResponse(f"{why}\n", status_code=HTTPStatus.NOT_FOUND, headers=headers)


def _later(status: HTTPStatus, why: str, seconds: int) -> Response:
    headers = {"retry-after": str(seconds), "cache-control": "no-store"}
    return PlainTextResponse(f"{why} Try again in {seconds} s.\n", status_code=status, headers=headers)


def _support_url(support: str) -> str:
    """Where the shop's support is, as an address; empty if it is something else."""
    if not support.isascii():
        return ""
    if support.startswith("@"):
        return f"https://t.me/{support[1:]}"
    return support if support.startswith(("https://", "mailto:")) else ""
