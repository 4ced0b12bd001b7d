"""Every statement that actors read with, found in their code: so a new one is there by itself."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

import actors


@cache
def statements() -> Mapping[str, str]:
    """The name of each statement, by its text: that of its module, and of the constant that holds it."""
    found: dict[str, str] = {}
    for module in pkgutil.walk_packages(actors.__path__, "actors."):
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, str) and value.lstrip().startswith(("SELECT", "WITH")) and name.isupper():
                found.setdefault(value, f"{module.name.removeprefix('actors.')} {name.strip('_')}")
    return found
