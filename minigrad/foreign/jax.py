"""`from_jax`: a JAX function enters, a `Graph` of what it computes leaves.

The function is traced to a jaxpr, and that is read equation by equation: primitives of `jax_rows.py` become ops of
minigrad, calls are scopes, and all else is a foreign op that has JAX evaluate the primitive.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Array
from minigrad.core.errors import NUMPYS_OWN
from minigrad.core.modes import Place
from minigrad.core.op import Op
from minigrad.core.structure import leaves
from minigrad.core.tensor import Tensor
from minigrad.foreign.jax_rows import BROADCASTING, SAME, Value
from minigrad.foreign.jax_window_rows import ROWS
from minigrad.foreign.op import compose, compute_values, make_results, name_extra, refuse
from minigrad.graph import Graph
from minigrad.graph.arguments import holds_dictionary
from minigrad.graph.made import make_leaf, make_operation

CALLS = frozenset({
    "checkpoint", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "jit",
    "pjit", "remat", "remat2",
})  # fmt: skip
"""Primitives that run a program on their operands, once."""
NARROW = {"complex128": np.complex64, "float64": np.float32, "int64": np.int32, "uint64": np.uint32}
"""What JAX makes of arrays of these types, unless it is told to keep 64 bits."""
DRAWS = frozenset({"random_bits", "rng_bit_generator", "rng_uniform", "threefry2x32"})


def from_jax(function: Callable[..., Any], *args: Any, values: bool = False) -> Graph:
    """The graph of the JAX program that `function(*args)` runs; nothing is computed, unless values are asked for.

    Args:
        function: of arrays in any structure, jitted or not; `jax.value_and_grad(loss)` is one, and so is a whole step.
        args: what it is called with. Arrays and numbers become inputs, called by their paths; a
            `jax.ShapeDtypeStruct` will do for one. Everything else is a part of the program, True and False too.
        values: keep the value of every node.

    Named scopes, and functions that are jitted inside, are scopes; what `transpose` made of the program is of the next
    order of derivative. `graph.run` takes the arguments again, in the same structure or one by one in JAX's order.

    Raises:
        CaptureError: JAX cannot trace the function; the message has the first line of its own.
        ModuleNotFoundError: JAX is missing.

    >>> import jax, minigrad as mg, numpy as np
    >>> print(mg.from_jax(jax.value_and_grad(lambda x: jax.numpy.sin(x)), np.float32(1.0)))
    %0 = input              ()  float32  x
    %1 = sin(%0)            ()  float32  result/0
    %2 = cos(%0)            ()  float32
    %3 = multiply(1.0, %2)  ()  float32  result/1
    return %1, %3
    """
    jax = import_jax()
    arguments = _Arguments(jax, args)
    given = [x for _, x in arguments.arrays]
    if values and any(isinstance(x, jax.ShapeDtypeStruct) for x in given):
        raise TypeError("from_jax: values=True needs arrays, and got a jax.ShapeDtypeStruct, which has no values")
    try:
        program, shapes = jax.make_jaxpr(arguments.taken_by(function), return_shape=True)(*given)
    except Exception as error:
        raise refuse("from_jax", "JAX", function, error) from error
    reader = _Reader(jax)
    inputs = [
        reader.make_leaf("input", variable.aval, name, reader.to_numpy(x) if values else None)
        for variable, name, x in zip(program.jaxpr.invars, arguments.name(function), given, strict=True)
    ]
    results = reader.read(program, inputs, [True] * len(program.jaxpr.outvars), "", 0)
    outputs = [reader.fill(x, v.aval, "", 0) for x, v in zip(results, program.jaxpr.outvars, strict=True)]
    for output, (path, _) in zip(outputs, jax.tree_util.tree_flatten_with_path(shapes)[0], strict=True):
        if path and output.name is None:
            output.name = _join("result", jax.tree_util.keystr(path, simple=True, separator="/"))
    if values:
        compute_values(reader.nodes)
    reader.place([x for x, (path, _) in zip(inputs, arguments.arrays, strict=True) if len(path) > 1])
    returned = jax.tree.unflatten(jax.tree.structure(shapes), outputs)
    walked = [id(x) for x in leaves(returned) if isinstance(x, Tensor)]
    if walked != [id(x) for x in outputs]:  # a structure that minigrad does not walk
        returned = tuple(outputs)
    wide, example = bool(jax.config.jax_enable_x64), jax.tree.structure(_strip(jax, args))
    return Graph.of(reader.nodes, returned, leaves=lambda given: _enter(jax, wide, example, given))


def import_jax() -> Any:
    try:
        import jax
        import jax.extend.core
    except ModuleNotFoundError as error:
        raise name_extra("from_jax", "jax", error) from error
    return jax


class _Arguments:
    """The arguments of a function: which of their leaves are arrays, and what they are called."""

    def __init__(self, jax: Any, args: tuple[Any, ...]) -> None:
        self._jax, self._count = jax, len(args)
        self._leaves, self._structure = jax.tree_util.tree_flatten_with_path(args)
        self.arrays = [(path, x) for path, x in self._leaves if _is_array(x)]

    def taken_by(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function of the arrays alone, one by one."""

        def take(*arrays: Any) -> Any:
            following = iter(arrays)
            given = [next(following) if _is_array(x) else x for _, x in self._leaves]
            return function(*self._jax.tree.unflatten(self._structure, given))

        return take

    def name(self, function: Callable[..., Any]) -> list[str]:
        """What each array is called: the path to it, from the name of the parameter on."""
        names = {number: str(number) for number in range(self._count)}
        try:
            bound = inspect.signature(function).bind(*names).arguments
        except (TypeError, ValueError):
            bound = {}
        for name, numbers in bound.items():
            several = isinstance(numbers, tuple)
            names |= {n: f"{name}/{i}" for i, n in enumerate(numbers)} if several else {numbers: name}
        write = self._jax.tree_util.keystr
        return [_join(names[path[0].idx], write(path[1:], simple=True, separator="/")) for path, _ in self.arrays]


class _Reader:
    """The nodes of a program, made as it is read."""

    def __init__(self, jax: Any) -> None:
        self.jax = jax
        self.nodes: list[Tensor] = []
        self._constants: dict[int, Tensor] = {}

    def read(self, program: Any, values: Sequence[Value], used: Sequence[bool], scope: str, order: int) -> list[Value]:
        """What a jaxpr makes of `values`; where `used` says that nobody asks for a result, anything.

        Args:
            scope: where it is called.
            order: of derivative, likewise.
        """
        core = self.jax.extend.core
        jaxpr = getattr(program, "jaxpr", program)
        known: dict[Any, Value] = dict(zip(jaxpr.invars, values, strict=True))
        for variable, array in zip(jaxpr.constvars, getattr(program, "consts", ()), strict=True):
            known[variable] = self._read_constant(array, variable.aval)

        def value_of(x: Any) -> Value:
            return _number(x) if isinstance(x, core.Literal) else known[x]

        wanted = {x for x, is_used in zip(jaxpr.outvars, used, strict=True) if is_used and isinstance(x, core.Var)}
        equations = []
        for equation in reversed(jaxpr.eqns):
            if not wanted.isdisjoint(equation.outvars):
                wanted.update(x for x in equation.invars if isinstance(x, core.Var))
                equations.append(equation)
        for equation in reversed(equations):
            operands = [value_of(x) for x in equation.invars]
            asked = [x in wanted for x in equation.outvars]
            results = _Equation(self, equation, scope, order).read(operands, asked)
            known.update((x, result) for x, result in zip(equation.outvars, results, strict=True) if x in wanted)
        return [value_of(x) if is_used else 0 for x, is_used in zip(jaxpr.outvars, used, strict=True)]

    def make(self, op: Op, inputs: Sequence[Value], params: dict[str, Any], scope: str, order: int) -> Tensor:
        """The result of an op of minigrad."""
        absent = (None,) * (len(op.arguments) - len(inputs))
        shaped = op.infer((*inputs, *absent), op.defaults | params)
        node = make_operation(op, inputs, shaped.shape, shaped.dtype, params, scope=scope, order=order)
        self.nodes.append(node)
        return node

    def make_leaf(self, role: str, aval: Any, name: str | None = None, value: Array | None = None) -> Tensor:
        node = make_leaf(role, *self.shaped(aval), name=name, value=value)
        self.nodes.append(node)
        return node

    def fill(self, value: Value, aval: Any, scope: str, order: int) -> Tensor:
        """An array of the shape and type that JAX says, of what broadcasts to it."""
        shape, dtype = self.shaped(aval)
        if not isinstance(value, Tensor) and dtype.kind not in "biuf":  # types that ops of minigrad do not have
            return self.make_leaf("constant", aval, value=np.full(shape, value, dtype))
        if not isinstance(value, Tensor) and np.asarray(value).dtype != dtype:
            value = self.make(ops.astype, [value], {"dtype": dtype}, scope, order)
        if isinstance(value, Tensor) and value.shape == shape:
            return value
        return self.make(ops.broadcast_to, [value], {"shape": shape}, scope, order)

    def place(self, leaves: Collection[Tensor]) -> None:
        """Put leaves where their first users are: the weights in a structure belong to layers, as parameters do."""
        waiting = {leaf.id: leaf for leaf in leaves}
        for node in self.nodes:
            for x in node.inputs:
                if isinstance(x, Tensor) and x.id in waiting:
                    waiting.pop(x.id).place = Place(node.scope)

    def shaped(self, aval: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """The shape and type of what stands for an array of JAX: itself, or for keys of random draws their data."""
        if self.is_key(aval):
            aval = self.jax.eval_shape(self.jax.random.key_data, aval)
        return tuple(aval.shape), np.dtype(aval.dtype)

    def is_key(self, x: Any) -> bool:
        return bool(self.jax.dtypes.issubdtype(x.dtype, self.jax.dtypes.prng_key))

    def to_numpy(self, x: Any) -> Array:
        return _to_numpy(self.jax, self.jax.numpy.asarray(x))

    def _read_constant(self, array: Any, aval: Any) -> Tensor:
        if id(array) not in self._constants:
            self._constants[id(array)] = self.make_leaf("constant", aval, value=_to_numpy(self.jax, array))
        return self._constants[id(array)]


class _Equation:
    """One line of a jaxpr; for rows, what makes nodes where it stands."""

    def __init__(self, reader: _Reader, equation: Any, scope: str, order: int) -> None:
        self.reader, self.equation = reader, equation
        self.params = {name: _make_plain(value) for name, value in equation.params.items()}
        stack = equation.source_info.name_stack.stack
        names = [entry.name for entry in stack if type(entry).__name__ == "Scope"]
        self.scope = _join(scope, *names)
        self.order = order + sum(type(entry).__name__ == "Transform" and entry.name == "transpose" for entry in stack)
        self.shape: tuple[int, ...] = getattr(equation.outvars[0].aval, "shape", ())
        self.dtype: Any = getattr(equation.outvars[0].aval, "dtype", None)

    def __call__(self, op: Op, *inputs: Value, **params: Any) -> Value:
        if op.elementwise and all(type(x) is float for x in inputs):  # of numbers another one
            with np.errstate(all="ignore"):
                number: float = op.forward(*inputs, **params).item()
            return number
        return self.reader.make(op, inputs, params, self.scope, self.order)

    def constant(self, array: Array) -> Tensor:
        node = make_leaf("constant", array.shape, array.dtype, value=array)
        self.reader.nodes.append(node)
        return node

    def compose(self, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        return compose(function, inputs, self, self.constant)

    def read(self, operands: list[Value], used: Sequence[bool]) -> Sequence[Value]:
        name, params = self.equation.primitive.name, self.params
        if name in CALLS:
            program = next(params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params)
            return self.reader.read(program, operands, used, self._scope_of_call(params.get("name")), self.order)
        if name in SAME:
            return operands
        if name == "name":  # `jax.ad_checkpoint.checkpoint_name`
            for x in operands:
                if isinstance(x, Tensor) and x.op is not None:
                    x.name = params["name"]
            return operands
        return self._translate(name, params, operands) or self._evaluate(name, operands, used)

    def _scope_of_call(self, name: str | None) -> str:
        """A scope for a function with a name, but for JAX's private helpers; one that calls its like is the same."""
        if not name or name.startswith(("_", "<")) or self.scope.rpartition("/")[2] == name:
            return self.scope
        return _join(self.scope, name)

    def _translate(self, name: str, params: dict[str, Any], operands: list[Value]) -> list[Value] | None:
        """What the row makes of the operands as they are, or in their shapes, where that is what JAX says."""
        variables = (*self.equation.invars, *self.equation.outvars)
        if any(getattr(getattr(x.aval, "dtype", None), "kind", "V") not in "biuf" for x in variables):
            return None
        broadcasts = name in BROADCASTING
        row = BROADCASTING[name] if broadcasts else ROWS.get(name)
        for fill in (False, True) if broadcasts else (True,) if row else ():
            try:
                made = row(self, *(self._fill(operands) if fill else operands), **params) if row else None
                results = made if isinstance(made, (list, tuple)) else [made]
                if made is not None:
                    outputs = zip(results, self.equation.outvars, strict=True)
                    return [self._settle(x, v.aval, broadcasts) for x, v in outputs]
            except NUMPYS_OWN:  # it does not take these
                continue
        return None

    def _settle(self, result: Value, aval: Any, broadcasts: bool) -> Value:
        if not isinstance(result, Tensor):
            return result
        shape, dtype = self.reader.shaped(aval)
        if np.broadcast_shapes(result.shape, shape) != shape or (result.shape != shape and not broadcasts):
            raise ValueError(f"{result.shape} where JAX has {shape}")
        if result.dtype != dtype and not {result.dtype.kind, dtype.kind} <= {"i", "u"}:
            raise TypeError(f"{result.dtype} where JAX has {dtype}")
        return result if result.dtype == dtype else self(ops.astype, result, dtype=dtype)

    def _fill(self, operands: Sequence[Value]) -> list[Value]:
        return [
            self.reader.fill(x, v.aval, self.scope, self.order)
            for x, v in zip(operands, self.equation.invars, strict=True)
        ]

    def _evaluate(self, name: str, operands: list[Value], used: Sequence[bool]) -> list[Value]:
        """A foreign node for each result that is used, where JAX evaluates the equation."""
        jax, equation = self.reader.jax, self.equation
        avals = [x.aval for x in equation.invars]
        keys = [x.dtype._impl.name if self.reader.is_key(x) else None for x in avals]
        params = equation.primitive.get_bind_params(equation.params)

        def evaluate(*arrays: Any) -> Any:
            with jax.enable_x64(True), equation.ctx.manager:  # types are those of the program, whatever is set here
                operands = [
                    jax.numpy.asarray(x, aval.dtype) if key is None else jax.random.wrap_key_data(x, impl=key)
                    for x, aval, key in zip(arrays, avals, keys, strict=True)
                ]
                made = equation.primitive.bind(*operands, **params)
            results = made if equation.primitive.multiple_results else [made]
            return [_to_numpy(jax, x) if is_used else None for x, is_used in zip(results, used, strict=True)]

        given = [
            x if isinstance(v, jax.extend.core.Literal) and isinstance(x, (bool, int, float)) else filled
            for x, v, filled in zip(operands, equation.invars, self._fill(operands), strict=True)
        ]
        results = make_results(
            f"jax.{name}", evaluate if len(used) > 1 else lambda *arrays: evaluate(*arrays)[0], given,
            [self.reader.shaped(x.aval) for x in equation.outvars], self.params,
            used=[n for n, is_used in enumerate(used) if is_used],
            scope=self.scope, order=self.order, effect=name in DRAWS,
        )  # fmt: skip
        self.reader.nodes += [x for x in results if x is not None]
        return [0 if x is None else x for x in results]


def _strip(jax: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments that hold arrays, with None for what is none, and so no leaf."""
    holding = [x for x in args if any(map(_is_array, jax.tree.leaves(x)))]
    return tuple(jax.tree.map(lambda x: x if _is_array(x) else None, holding))


def _enter(jax: Any, wide: bool, example: Any, args: tuple[Any, ...]) -> Iterator[Any]:
    """The arrays of arguments, in JAX's order and in the types that they have where JAX is `wide`.

    Those in lists and tuples may be nested in any way; all others only as in `example`, whose keys JAX has sorted.
    """
    given = _strip(jax, args)
    found = jax.tree.structure(given)
    is_list = jax.tree_util.all_leaves(x for x in leaves(given) if x is not None) and not holds_dictionary(given)
    if found != example and not is_list:
        raise ValueError(f"expected arguments nested as {example}, or their arrays one by one, got {found}")
    for x in jax.tree.leaves(given):
        if isinstance(x, (int, float, jax.core.Tracer)):
            yield x
        else:
            array = _to_numpy(jax, x)
            yield array if wide else array.astype(NARROW.get(array.dtype.name, array.dtype), copy=False)


def _is_array(x: Any) -> bool:
    number = isinstance(x, (int, float, complex)) and not isinstance(x, bool)  # one of these is a flag
    return number or (hasattr(x, "shape") and hasattr(x, "dtype"))


def _make_plain(value: Any) -> Any:
    """Integers of NumPy, which some rules of JAX leave in params, as Python has them."""
    if type(value) is tuple:
        return tuple(map(_make_plain, value))
    return value.item() if isinstance(value, np.integer) else value


def _join(*names: str) -> str:
    return "/".join(filter(None, names))


def _number(literal: Any) -> Any:
    return np.asarray(literal.val).item()


def _to_numpy(jax: Any, x: Any) -> Array:
    """An array as NumPy has it, its own; of a key its data."""
    is_key = isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)
    return np.array(jax.random.key_data(x) if is_key else x)
