"""Reading the code and the languages' files for `test_languages.py`: which words are asked for, and which there are."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from babel import Locale
from fluent.syntax import FluentParser
from fluent.syntax import ast as fluent
from fluent.syntax.visitor import Visitor

from tests.tidy.sources import Source

#: Whole numbers on which every plural form of every language appears.
_NUMBERS = range(201)


@dataclass(frozen=True)
class Use:
    """A place in the code that asks for words: their name (None if it is not written out), and the values given."""

    source: Source
    place: ast.Call
    name: str | None
    values: frozenset[str]
    plain: bool


def uses(source: Source) -> Iterator[Use]:
    """Every `words("name", ...)` and `words.plain("name", ...)`, whatever the words hang on."""
    for call in ast.walk(source.tree):
        if not isinstance(call, ast.Call):
            continue
        plain = isinstance(call.func, ast.Attribute) and call.func.attr == "plain"
        asked = call.func.value if isinstance(call.func, ast.Attribute) and plain else call.func
        if ast.unparse(asked).rpartition(".")[2].strip("_") == "words":
            first = call.args[0] if len(call.args) == 1 else None
            name = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
            values = frozenset(keyword.arg or "**" for keyword in call.keywords)
            yield Use(source, call, name, values, plain)


@dataclass(frozen=True)
class Language:
    """One language's file."""

    source: Source

    @property
    def code(self) -> str:
        """What the file is named after."""
        return self.source.path.rpartition("/")[2].removesuffix(".ftl")

    @cached_property
    def resource(self) -> fluent.Resource:
        """The parsed file; what cannot be parsed is in it as `Junk`."""
        return FluentParser().parse(self.source.text)

    @property
    def messages(self) -> list[fluent.Message]:
        """Everything that can be asked for, in order."""
        return [entry for entry in self.resource.body if isinstance(entry, fluent.Message)]

    @cached_property
    def plurals(self) -> frozenset[str]:
        """The plural forms that whole numbers have."""
        rule = Locale.parse(self.code, sep="-").plural_form
        return frozenset(rule(number) for number in _NUMBERS)

    def at(self, node: fluent.BaseNode, message: str) -> str:
        """A finding at a part of the file."""
        span = getattr(node, "span", None)
        line = self.source.text.count("\n", 0, span.start) + 1 if span else 1
        return self.source.at(line, message)


@dataclass
class Parts(Visitor):
    """What a message is made of."""

    variables: set[str] = field(default_factory=set)
    selects: list[fluent.SelectExpression] = field(default_factory=list)
    patterns: list[fluent.Pattern] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def visit_VariableReference(self, node: fluent.VariableReference) -> None:  # noqa: N802 - Fluent's name
        self.variables.add(node.id.name)

    def visit_SelectExpression(self, node: fluent.SelectExpression) -> None:  # noqa: N802
        self.selects.append(node)
        self.generic_visit(node)

    def visit_Pattern(self, node: fluent.Pattern) -> None:  # noqa: N802
        self.patterns.append(node)
        self.generic_visit(node)

    def visit_MessageReference(self, node: fluent.MessageReference) -> None:  # noqa: N802
        self.others.append(node.id.name)

    def visit_TermReference(self, node: fluent.TermReference) -> None:  # noqa: N802
        self.others.append(f"-{node.id.name}")

    def visit_FunctionReference(self, node: fluent.FunctionReference) -> None:  # noqa: N802
        self.others.append(f"{node.id.name}()")

    def visit_Attribute(self, node: fluent.Attribute) -> None:  # noqa: N802
        self.others.append(f".{node.id.name}")


def parts(message: fluent.Message) -> Parts:
    """What a message is made of."""
    found = Parts()
    found.visit(message)
    return found


def keys(select: fluent.SelectExpression) -> set[str]:
    """The names of a choice's branches."""
    return {
        variant.key.name if isinstance(variant.key, fluent.Identifier) else variant.key.value
        for variant in select.variants
    }


def literal(pattern: fluent.Pattern) -> str:
    """The text of a pattern with a letter where a value goes."""
    return "".join(part.value if isinstance(part, fluent.TextElement) else "x" for part in pattern.elements)
