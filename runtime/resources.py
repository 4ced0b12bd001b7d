"""Resources of an incarnation: opened in `started`, used by its tasks, closed in reverse order after these have ended.

A context manager that holds a nursery or a cancel scope must be left in the task and at the depth where it was
entered. An actor cannot promise that: it opens things under its start deadline and closes them at its end. So each such
resource is entered and left by a task of its own, which sleeps in between.
"""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TypeVar

import trio

T = TypeVar("T")


async def hold(manager: AbstractAsyncContextManager[T], shelf: trio.Nursery, stack: AsyncExitStack) -> T:
    """Enter the manager in a task of `shelf`, and have `stack` leave it. Raises what entering raises.

    Once entered it is beyond the reach of a cancellation of `shelf`, because its users may still need it:
    only closing `stack` ends it, and if that is cancelled the resource is, too.
    """
    closing, closed = trio.Event(), trio.Event()
    scope = trio.CancelScope()

    async def stay(*, task_status: trio.TaskStatus[T]) -> None:
        try:
            with scope:
                async with manager as value:
                    scope.shield = True
                    task_status.started(value)
                    await closing.wait()
        finally:
            closed.set()

    async def leave() -> None:
        closing.set()
        try:
            await closed.wait()
        finally:
            scope.shield = False
            scope.cancel()

    value: T = await shelf.start(stay)
    stack.push_async_callback(leave)
    return value
