"""The domain decides and does nothing else: no I/O, no waiting, no clock, and money without floats."""

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.tidy.sources import Source, assert_tidy, modules
from tests.tidy.test_imports import imported

#: What a pure function can need; anything that reaches outside the process or keeps a clock is not here.
PURE: Final = {
    *("__future__", "base64", "collections", "collections.abc", "dataclasses", "datetime", "decimal", "enum"),
    *("functools", "hashlib", "html", "itertools", "math", "re", "string", "typing", "unicodedata", "uuid"),
    "zoneinfo",  # what a clock shows where somebody lives is arithmetic of moments
    "msgspec.structs",  # rows are copied with changes ten times for each purchase, so what copies them has to be fast
    "msgspec",  # replies and messages are values that are stored: what they are as JSON belongs to them
}


def impure(source: Source) -> Iterator[str]:
    """Imports of domain/ that are more than values and pure functions need."""
    for node, name in imported(source):
        if name.partition(".")[0] != "domain" and name not in PURE:
            yield source.at(
                node,
                f"domain/ decides and does nothing else, so it has no {name}: take the value as a parameter and "
                "leave the doing to storage/, integrations/ or actors/",
            )


def floating(source: Source) -> Iterator[str]:
    """Floats, and divisions that make them, where money and time are decided."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield source.at(node, f"{node.value} is a float: write minor units, a Decimal or a timedelta")
        elif isinstance(node, ast.Name) and node.id == "float":
            yield source.at(node, "float loses money: use an integer of minor units or a Decimal")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield source.at(node, "/ makes a float of two integers: use // and say who gets the remainder")


def reaching_out(source: Source) -> Iterator[str]:
    """Builtins of domain/ that touch the world outside."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("open", "print", "input", "eval", "exec", "__import__"):
                yield source.at(node, f"domain/ only decides: return what {node.func.id}() should do")
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield source.at(node, "domain/ waits for nothing: take what is awaited as a parameter")


def test_the_domain_imports_only_what_is_pure() -> None:
    assert_tidy(impure, modules("domain"))


def test_the_domain_has_no_floats() -> None:
    assert_tidy(floating, modules("domain"))


def test_the_domain_reaches_for_nothing() -> None:
    assert_tidy(reaching_out, modules("domain"))


def test_io_in_the_domain_is_found() -> None:
    assert "has no trio" in "".join(impure(Source("domain/plan.py", "import trio")))
    assert "has no os.path" in "".join(impure(Source("domain/plan.py", "from os.path import join")))
    assert not list(impure(Source("domain/plan.py", "from uuid import UUID\nfrom domain.money import Money")))


@pytest.mark.parametrize("text", ["price = 1.99", "price = float('1.99')", "half = price / 2", "price /= 2"])
def test_a_float_is_found(text: str) -> None:
    assert len(list(floating(Source("domain/plan.py", text)))) == 1


@pytest.mark.parametrize("text", ["print('sold')", "open('ledger')", "async def sell(): ..."])
def test_a_domain_that_reaches_out_is_found(text: str) -> None:
    assert len(list(reaching_out(Source("domain/plan.py", text)))) == 1
