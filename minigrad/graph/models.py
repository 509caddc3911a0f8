"""Several models in one graph: where they would share a scope or a name, the class of each stands before its scopes.

Called by `build.py`. A model is a module that no other one called, as `minigrad.nn` notes it in the place of a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from minigrad.core.tensor import Tensor


def titles_of(tensors: Iterable[Tensor]) -> dict[Any, str]:
    """What stands before the scopes of a model, for those that need it: `Generator`, or `Net` and `Net 2`.

    Args:
        tensors: those of the graph, oldest first.
    """
    tensors = list(tensors)
    models = dict.fromkeys(tensor.place.model for tensor in tensors if tensor.place.model is not None)
    if len(models) < 2:
        return {}
    users: dict[str, dict[Any, None]] = {}
    for address, model in _addresses(tensors):
        users.setdefault(address, {})[model] = None
    alike = {model for sharing in users.values() if len(sharing) > 1 for model in sharing}
    counts: dict[str, int] = {}
    titles = {}
    for model in models:
        if model in alike:
            counts[model.title] = count = counts.get(model.title, 0) + 1
            titles[model] = model.title if count == 1 else f"{model.title} {count}"
    return titles


def _addresses(tensors: Iterable[Tensor]) -> Iterator[tuple[str, Any]]:
    """The scopes of each model, and the paths of its results and parameters that have names."""
    seen: set[int] = set()
    for tensor in tensors:
        scope, _, model = tensor.place
        if model is None:
            continue
        if scope:
            yield scope, model
        leaves = [x for x in tensor.inputs if isinstance(x, Tensor) and x.op is None and x.id not in seen]
        seen.update(x.id for x in leaves)
        for x in (tensor, *(x for x in leaves if x.requires_grad)):
            if x.name:
                yield f"{scope}/{x.name}", model
