"""Libraries that are extras: each is imported when it is first used, and missed by the name of its extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Library:
    """What stands for a module of an extra, such as `jax.numpy`: its attributes are those of the module.

    Args:
        module: which one, by its whole name.
        extra: what minigrad calls it; the distribution has the name that the module begins with.

    >>> Library("math", extra="numbers").floor(2.5)
    2
    >>> Library("no_such_library", extra="dreams").anything
    Traceback (most recent call last):
    ModuleNotFoundError: this needs the library no_such_library, minigrad's extra `dreams`: python -m pip install \
no_such_library
    """

    def __init__(self, module: str, extra: str) -> None:
        self._module, self._extra = module, extra

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # who looks at all names of a file, as doctest does, does not use the library
            raise AttributeError(name)
        try:
            module = import_module(self._module)
        except ModuleNotFoundError as error:
            library = self._module.partition(".")[0]
            raise ModuleNotFoundError(
                f"this needs the library {library}, minigrad's extra `{self._extra}`: python -m pip install {library}"
            ) from error
        return getattr(module, name)
