"""The samples of a function as cases to try a law on: each a function of its floating-point arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.arrays import Array
from minigrad.core.autodiff import grad
from minigrad.core.record import Function
from minigrad.core.structure import leaves, map_leaves
from minigrad.core.tensor import Tensor
from minigrad.ops.specimens import specimens_of
from minigrad.ops.specimens.calls import Call
from minigrad.ops.specimens.draws import realise

KINDS_THAT_SELECT = {"index": "b"}  # arrays of this kind, among the arguments, say how many elements the result has


class Case(NamedTuple):
    """One sample of one function. Its arrays are drawn from a generator that only this sample has.

    >>> case = next(cases_of(mg.matmul))
    >>> [x.shape for x in case.floats()], case(*case.floats()).shape
    ([(3,), (3,)], ())
    """

    function: Function
    sample: Call
    number: int

    def arguments(self, dtype: Any = np.float64) -> Any:
        """A pair, the positional and the named arguments, with arrays of its own; `dtype` is that of the floats."""
        drawn = _draw(self, dtype)
        return map_leaves(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, drawn)

    def arrays(self, dtype: Any = np.float64) -> list[Array]:
        return [leaf for leaf in leaves(self.arguments(dtype)) if isinstance(leaf, np.ndarray)]

    def floats(self, dtype: Any = np.float64) -> list[Array]:
        return [array for array in self.arrays(dtype) if array.dtype.kind == "f"]

    def on(self, floats: Sequence[Any], function: Callable[..., Any]) -> Any:
        """What `function` makes of the sample with `floats` in place of its floating-point arrays."""
        given = iter(floats)
        args, params = map_leaves(lambda leaf: next(given) if is_float_array(leaf) else leaf, self.arguments())
        return function(*args, **params)

    def __call__(self, *floats: Any) -> Any:
        return self.on(floats, self.function)

    @property
    def differentiable(self) -> bool:
        return getattr(self.function, "differentiable", True) and bool(self.floats())

    @property
    def shape_depends_on_values(self) -> bool:
        kind = KINDS_THAT_SELECT.get(self.function.name)
        return any(array.dtype.kind == kind for array in self.arrays())


def cases_of(function: Function) -> Iterator[Case]:
    """One case for each sample of `function`."""
    return (Case(function, sample, number) for number, sample in enumerate(specimens_of(function).samples))


def is_float_array(leaf: Any) -> bool:
    """Whether it is an array that one may differentiate for."""
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def results(outputs: Any) -> list[Any]:
    """What a function returned, as a list."""
    return list(leaves(outputs))


def variables(arrays: list[Array]) -> list[Tensor]:
    """Tensors of the arrays, which require a gradient."""
    return [Tensor(array, requires_grad=True) for array in arrays]


def cotangents_for(outputs: list[Any]) -> tuple[Array, ...]:
    """Random ones: with ones, the gradient of softmax is 0 whatever its rule says."""
    rng = np.random.default_rng(7)
    return tuple(np.asarray(rng.standard_normal(y.shape)).astype(y.dtype) for y in outputs)


def gradients(case: Case, arrays: list[Any], cotangents: Any = None, create_graph: bool = False) -> list[Tensor]:
    """The gradients of a case for `arrays`, or for the Tensors given in their place."""
    inputs = arrays if isinstance(arrays[0], Tensor) else variables(arrays)
    outputs = results(case(*inputs))
    cotangents = cotangents_for(outputs) if cotangents is None else cotangents
    return list(grad(tuple(outputs), inputs, cotangents, create_graph=create_graph, unused="zero"))


# --- the same values, laid out in memory in other ways ----------------------------------------------------------------


def _make_strided(array: Array) -> Array:
    """Every second element of a larger array, along every axis."""
    wide = np.full([2 * n for n in array.shape], np.nan)
    wide[(slice(None, None, 2),) * array.ndim] = array
    return wide[(slice(None, None, 2),) * array.ndim]


def _reverse_in_memory(array: Array) -> Array:
    backwards = (slice(None, None, -1),) * array.ndim
    return array[backwards].copy()[backwards]


def one_element(array: Array) -> Array:
    """One element, seen at every place."""
    return np.broadcast_to(array.flat[0], array.shape) if array.size else array


LAYOUTS: tuple[Callable[[Array], Array], ...] = (np.asfortranarray, _make_strided, _reverse_in_memory, one_element)


# --- drawing ----------------------------------------------------------------------------------------------------------


def _draw(case: Case, dtype: Any) -> Any:
    rng = np.random.default_rng([case.number, *case.function.name.encode()])
    args, params = case.sample
    drawn_args = tuple(realise(argument, rng, dtype) for argument in args)
    return drawn_args, {key: realise(value, rng, dtype) for key, value in params.items()}
