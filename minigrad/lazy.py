"""Public names that are imported when they are first used, so that `import minigrad` is quick."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any


def serve(package: str, later: Mapping[str, Sequence[str]]) -> None:
    """Let `package` have the names in `later` as if it had imported them; from then on they are plain attributes.

    Args:
        package: the name of a package that is being imported.
        later: the names that are to be imported from each module; from the package itself, these are modules.
    """
    namespace = sys.modules[package].__dict__
    source = {name: module for module, names in later.items() for name in names}

    def import_name(name: str) -> Any:
        if name not in source:
            from minigrad.wording.habits import refuse_missing_name

            refuse_missing_name(package, name)
        module = source[name]
        value = import_module(f"{module}.{name}") if module == package else getattr(import_module(module), name)
        namespace[name] = value
        return value

    def list_names() -> list[str]:
        return sorted({*namespace, *source})

    namespace.update(__getattr__=import_name, __dir__=list_names)
    namespace["__all__"] = [name for name in list_names() if not name.startswith("_")]  # for `from … import *`
