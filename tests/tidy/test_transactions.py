"""A transaction is opened in one place only, the one that sees what it waits for (D1)."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.tidy.sources import PRODUCT, Source, assert_tidy, modules

_INSTEAD: Final = (
    "have storage.transactions.transact do it, which sees that nothing else is awaited meanwhile"
)

#: Files that may, and why.
OPEN: Final = {
    "storage/transactions.py": "it is that place",
    "integrations/sandbox_store.py": "the store of a sandbox, in SQLite",
}

_BEGINS: Final = re.compile(r"^\s*(BEGIN|START\s+TRANSACTION|SAVEPOINT)\b")


def opens_a_transaction(source: Source) -> Iterator[str]:
    """A transaction of a connection, by psycopg's ways or by SQL; and an await within one of any other store."""
    for node in ast.walk(source.tree):
        match node:
            case ast.AsyncWith(items=items) if any(is_transaction(item.context_expr) for item in items):
                yield source.at(node, f"a transaction is opened here: {_INSTEAD}")
            case ast.Call(func=ast.Attribute(attr="set_autocommit")):
                yield source.at(node, f"a transaction is opened here: {_INSTEAD}")
            case ast.Call(func=ast.Attribute(attr="enter_async_context"), args=[opened]) if is_transaction(
                opened
            ):
                yield source.at(node, f"a transaction is opened here: {_INSTEAD}")
            case ast.keyword(arg="autocommit", value=ast.Constant(value=False)):
                yield source.at(node.value, f"every statement opens a transaction here: {_INSTEAD}")
            case ast.Constant(value=str(text)) if _BEGINS.match(text):
                yield source.at(node, f"SQL opens a transaction here: {_INSTEAD}")
            case ast.With(items=items) if any(is_transaction(item.context_expr) for item in items):
                if any(isinstance(each, ast.Await | ast.AsyncWith | ast.AsyncFor) for each in ast.walk(node)):
                    yield source.at(node, "something is awaited in a transaction: await it before or after")


def is_transaction(node: ast.expr) -> bool:
    """`anything.transaction(...)`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "transaction"
    )


@pytest.mark.requirement("D1")
def test_transactions_are_opened_where_their_waits_are_seen() -> None:
    assert_tidy(opens_a_transaction, [source for source in modules(*PRODUCT) if source.path not in OPEN])


def test_every_exception_is_still_needed() -> None:
    assert set(OPEN) == {source.path for source in modules(*PRODUCT) if any(opens_a_transaction(source))}


@pytest.mark.parametrize(
    "text",
    [
        "async with connection.transaction():\n        await trio.sleep(1)",
        "async with connection.pipeline(), connection.transaction():\n        pass",
        "await stack.enter_async_context(connection.transaction())",
        "await connection.set_autocommit(False)",
        "await AsyncConnection.connect(conninfo, autocommit=False)",
        'await connection.execute("BEGIN")',
        'await connection.execute("START TRANSACTION READ ONLY")',
        "with store.transaction():\n        await trio.sleep(1)",
    ],
)
def test_a_transaction_that_is_opened_elsewhere_is_found(text: str) -> None:
    source = Source("actors/a.py", f"async def work():\n    {text}")
    assert len(list(opens_a_transaction(source))) == 1


@pytest.mark.parametrize(
    "text", ["await transact(connection, work)", "with store.transaction():\n        store.put(1)"]
)
def test_what_waits_for_nothing_is_fine(text: str) -> None:
    assert not list(opens_a_transaction(Source("actors/a.py", f"async def work():\n    {text}")))
