"""A value that other tasks change is not read, then awaited for, then written: what they added meanwhile is lost."""

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.sources import PRODUCT, Source, assert_tidy, modules

_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def adds_across_an_await(source: Source) -> Iterator[str]:
    """`x += await y` reads `x` before it waits; on a local variable nobody else can tell."""
    for function in (node for node in ast.walk(source.tree) if isinstance(node, ast.AsyncFunctionDef)):
        own = list(own_nodes(function))
        shared = {name for node in own if isinstance(node, ast.Nonlocal | ast.Global) for name in node.names}
        for node in own:
            if not isinstance(node, ast.AugAssign) or not any(
                isinstance(each, ast.Await) for each in ast.walk(node.value)
            ):
                continue
            if not isinstance(node.target, ast.Name) or node.target.id in shared:
                target = ast.unparse(node.target)
                yield source.at(
                    node, f"{target} is read before the await and written after it: await first, then add"
                )


def own_nodes(function: _FUNCTION) -> Iterator[ast.AST]:
    """What a function consists of, without the functions in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _FUNCTION | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def test_nothing_that_tasks_share_is_added_to_across_an_await() -> None:
    assert_tidy(adds_across_an_await, modules(*PRODUCT))


@pytest.mark.parametrize(
    "text", ["    nonlocal n\n    n += await f()", "    self.n += 2 * await f()", "    n[0] |= await f()"]
)
def test_an_update_that_may_be_lost_is_found(text: str) -> None:
    assert len(list(adds_across_an_await(Source("actors/a.py", f"async def one():\n{text}")))) == 1


@pytest.mark.parametrize(
    "text", ["    n += await f()", "    nonlocal n\n    found = await f()\n    n += found"]
)
def test_what_nobody_else_sees_and_what_is_awaited_first_is_fine(text: str) -> None:
    assert not list(adds_across_an_await(Source("actors/a.py", f"async def one():\n{text}")))
