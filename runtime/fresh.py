"""A fresh generation of an actor's code, beside the one that runs.

`importlib.reload` changes a module under the feet of whoever uses it: names that were removed stay, classes of
before and after are not each other's instances, and an error half way leaves half of each. So the module's source
is executed anew as a module of its own, `actors.vpn__g2` beside `actors.vpn`, and only a factory made from it is
handed over; nothing that runs is touched, and what nobody refers to any more is collected like any other garbage.

Message types must not be in such a module: what is queued was made from the old class, and would match nothing in
the new code. That is checked, not hoped for.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import partial
from itertools import count
from types import CodeType, ModuleType

import trio

from .actor import Actor
from .ending import describe
from .errors import ReloadFailed
from .messages import Message
from .specs import Factory

GENERATION = re.compile(r"__g\d+$")

_generations = count(2)


async def fresh_factory(factory: Factory) -> Factory:
    """The same factory, with the actor's class taken from its module's source as it is now.

    `factory` is the actor's class, or a `functools.partial` of it. Raises ReloadFailed, and then nothing has changed.
    """
    actor_class = factory.func if isinstance(factory, partial) else factory
    if not (isinstance(actor_class, type) and issubclass(actor_class, Actor)):
        raise ReloadFailed(
            "its factory is neither an actor's class nor a partial of one, so its source is unknown"
        )
    name = GENERATION.sub("", actor_class.__module__)
    module = await _fresh_module(name)
    try:
        fresh = _class_of(module, actor_class.__name__)
    except ReloadFailed:
        forget(module.__name__)
        raise
    return partial(fresh, *factory.args, **factory.keywords) if isinstance(factory, partial) else fresh


def lost_messages(old: Factory, new: Factory) -> set[type[Message]]:
    """The types of messages that the old module of an actor names and the new one does not."""
    return _messages_of(old) - _messages_of(new)


def _messages_of(factory: Factory) -> set[type[Message]]:
    names = vars(sys.modules[module_of(factory)]).values()
    return {value for value in names if isinstance(value, type) and issubclass(value, Message)}


def forget(name: str) -> None:
    """A generation that is not used any more; a module that was imported in the ordinary way is left alone."""
    if GENERATION.search(name):
        sys.modules.pop(name, None)


def module_of(factory: Factory) -> str:
    """The name of the module that a factory's class is from."""
    return str((factory.func if isinstance(factory, partial) else factory).__module__)


async def _fresh_module(name: str) -> ModuleType:
    original = sys.modules.get(name)
    path = getattr(original, "__file__", None)
    if original is None or path is None:
        raise ReloadFailed(f"the source of {name} is not to be found")
    code = await trio.to_thread.run_sync(_compiled, path)
    spec = importlib.util.spec_from_file_location(f"{name}__g{next(_generations)}", path)
    assert spec is not None, "a module with a file has a spec"
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and typing look their module up by name while its classes are made.
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)
    except Exception as error:
        forget(module.__name__)
        raise ReloadFailed(f"the new code does not import: {describe(error)}") from error
    return module


def _compiled(path: str) -> CodeType:
    try:
        with open(path, "rb") as file:
            return compile(file.read(), path, "exec")
    except (OSError, SyntaxError, ValueError) as error:
        raise ReloadFailed(f"the new code does not compile: {describe(error)}") from error


def _class_of(module: ModuleType, name: str) -> type[Actor]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Message) and value.__module__ == module.__name__:
            raise ReloadFailed(
                f"the new code defines the message {value.__name__}, which would not match what is queued: "
                "messages belong in a module that no actor is in"
            )
    found = vars(module).get(name)
    if not (isinstance(found, type) and issubclass(found, Actor)):
        raise ReloadFailed(f"the new code has no actor {name}")
    return found
