"""turnpike with a mistake planted: its health page computes for a while on the event loop, as no handler may."""

import time

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from actors.gateway import Gateway
from turnpike.__main__ import main

HELD_SECONDS = 0.4


async def compute_too_much(_: Gateway, __: Request) -> Response:
    end = time.perf_counter() + HELD_SECONDS
    while time.perf_counter() < end:
        pass
    return PlainTextResponse("ok\n")


if __name__ == "__main__":
    Gateway._health = compute_too_much  # type: ignore[method-assign, assignment]
    main(prog_name="turnpike")
