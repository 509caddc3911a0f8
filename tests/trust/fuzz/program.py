"""A program as data: leaves and steps, written as the Python function that is run, compiled and shown."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad.ops.specimens.draws import Generator

from . import layouts


class Ref(NamedTuple):
    """An earlier value by its number; a `part` of it where it is a list."""

    number: int
    part: int | None = None


class Leaf(NamedTuple):
    """What a program begins with.

    `kind` is where it lives: a "tensor" or an "array" among the arguments, a "scalar" of NumPy or a plain "number"
    there, a "parameter" (state that requires a gradient) or a "buffer" (state that does not), outside the function.
    `values` are those of the calls; state begins with the first. `same_as` is the number of a leaf that is the same
    object. `label` is the name of a Tensor.
    """

    kind: str
    values: tuple[Any, ...]
    layout: str = "plain"
    requires_grad: bool = False
    label: str | None = None
    same_as: int | None = None

    @property
    def is_state(self) -> bool:
        return self.kind in ("parameter", "buffer")


class Step(NamedTuple):
    """One line: `call`, as it is written, on arguments that hold `Ref`s; under `no_grad` where it is `quiet`."""

    call: str
    args: tuple[Any, ...]
    params: dict[str, Any]
    quiet: bool = False


class Program(NamedTuple):
    """Leaves and steps by their numbers; steps run in the order in which they stand.

    `form` is how arguments come in ("flat", "list" or "dict"), `returns` how outputs go out; `in_pieces`: compiled as
    if all arrays were large.
    """

    seed: str
    leaves: dict[int, Leaf]
    steps: dict[int, Step]
    outputs: tuple[Ref, ...]
    form: str = "flat"
    returns: str = "list"
    in_pieces: bool = False

    @property
    def arguments(self) -> dict[int, Leaf]:
        return {number: leaf for number, leaf in self.leaves.items() if not leaf.is_state}

    @property
    def state(self) -> dict[int, Leaf]:
        return {number: leaf for number, leaf in self.leaves.items() if leaf.is_state}

    @property
    def calls(self) -> int:
        return max((len(leaf.values) for leaf in self.leaves.values()), default=1)

    def name(self, number: int) -> str:
        """Of a leaf or a step, in the text. Builtins are among the names of arguments: programs must bear that."""
        if number not in self.leaves:
            return f"v{number}"
        if self.leaves[number].is_state:
            return f"s{number}"
        place = list(self.arguments).index(number)
        return NAMES[place] if place < len(NAMES) else f"x{number}"

    def source(self, after: str = "") -> str:
        """The function as Python; `after` stands around the value of each step."""
        names = [self.name(number) for number in self.arguments]
        lines = [f"def f({', '.join(names) if self.form == 'flat' else 'given'}):"]
        if self.form == "list" and names:
            lines.append(f"    [{', '.join(names)}] = given")
        if self.form == "dict":
            lines += [f"    {name} = given[{key!r}]" for name, key in zip(names, self.keys(), strict=True)]
        if any(step.call == "mg.Tensor.backward" for step in self.steps.values()):
            lines += [f"    {self.name(n)}.grad = None" for n, leaf in self.state.items() if leaf.kind == "parameter"]
        for number, step in self.steps.items():
            line = f"v{number} = {after}({self.call(step)})" if after else f"v{number} = {self.call(step)}"
            lines += ["    with mg.no_grad():", f"        {line}"] if step.quiet else [f"    {line}"]
        return "\n".join([*lines, f"    return {self.returned()}", ""])

    def call(self, step: Step) -> str:
        given = [self.text(x) for x in step.args]
        given += [f"{name}={self.text(value)}" for name, value in step.params.items()]
        return f"{step.call}({', '.join(given)})"

    def returned(self) -> str:
        names = [self.text(ref) for ref in self.outputs]
        if self.returns == "dict":
            return "{" + ", ".join(f"{key!r}: {name}" for key, name in zip(KEYS, names, strict=False)) + "}"
        if self.returns == "nested" and len(names) > 1:
            return f"({names[0]}, [{', '.join(names[1:])}])"
        return names[0] if self.returns == "single" and len(names) == 1 else f"[{', '.join(names)}]"

    def keys(self) -> list[str]:
        return [KEYS[i] if i < len(KEYS) else f"key{i}" for i in range(len(self.arguments))]

    def text(self, value: Any) -> str:
        """A value in the function, as Python."""
        if isinstance(value, Ref):
            name = self.name(value.number)
            return name if value.part is None else f"{name}[{value.part}]"
        if isinstance(value, list):
            return f"[{', '.join(map(self.text, value))}]"
        if isinstance(value, tuple):
            items = ", ".join(map(self.text, value))
            if hasattr(value, "_fields"):
                return f"{type(value).__name__}({items})"
            items = f"({items},)" if len(value) == 1 else f"({items})"
            return items if type(value) is tuple else f"{type(value).__name__}({items})"
        return text_of(value)


NAMES = [
    "x", "y", "range", "min", "memory", "state", "i", "bool", "out", "step", "len", "t0", "max", "constants", "a",
    "float", "tuple", "int", "z",
]  # fmt: skip
KEYS = ["weight", "class", "lambda", "print", "two words", "3", "None", "np", "a'b\"c", "été", "x", "out", "memory"]


def text_of(value: Any) -> str:
    """A literal as Python."""
    if value is ...:
        return "..."
    if isinstance(value, slice):
        return f"slice({value.start}, {value.stop}, {value.step})"
    if isinstance(value, Generator):
        return "rng"
    if isinstance(value, np.ndarray):
        return f"np.array({listed(value)}, {dtype_text(value.dtype)})"
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({text_of(value.item())})"
    if isinstance(value, np.dtype):
        return f"np.dtype({dtype_text(value)})"
    if isinstance(value, type):
        return f"{'np' if issubclass(value, np.generic) else 'builtins'}.{value.__name__}"
    if isinstance(value, float) and not np.isfinite(value):
        return f'float("{value}")'
    return f"builtins.{value!r}" if isinstance(value, range) else repr(value)


def dtype_text(dtype: np.dtype[Any]) -> str:
    return repr(dtype.name if dtype.isnative else dtype.str)


def listed(array: np.ndarray[Any, Any]) -> str:
    """The elements, in nested lists, with as many digits as their type needs."""
    if array.ndim:
        return f"[{', '.join(map(listed, array))}]"
    text = str(array[()])
    return text if np.isfinite(array) else text.replace("nan", "np.nan").replace("inf", "np.inf")


# --- as objects -------------------------------------------------------------------------------------------------------


def objects(program: Program, call: int, memo: dict[int, Any]) -> Any:
    """What a call is given: arguments made anew, each once; state is in `memo` already."""
    memo = dict(memo)
    made = [made_leaf(program, number, call, memo) for number in program.arguments]
    if program.form == "flat":
        return made
    return [made] if program.form == "list" else [dict(zip(program.keys(), made, strict=True))]


def made_leaf(program: Program, number: int, call: int, memo: dict[int, Any]) -> Any:
    leaf = program.leaves[number]
    if number not in memo:
        if leaf.same_as is not None:
            memo[number] = made_leaf(program, leaf.same_as, call, memo)
            return memo[number]
        value = leaf.values[call % len(leaf.values)]
        if isinstance(value, np.ndarray):
            value = layouts.LAYOUTS[leaf.layout](value)
        if leaf.kind in ("tensor", "parameter", "buffer"):
            value = mg.Tensor(value, requires_grad=leaf.requires_grad, name=leaf.label)
        memo[number] = value
    return memo[number]


# --- as a script ------------------------------------------------------------------------------------------------------


def script(program: Program) -> str:
    """The program as Python that runs by itself and shows what eager code and the compiled function give."""
    lines = [
        "import builtins",
        "import operator",
        "import numpy as np",
        "import minigrad as mg",
        *sorted(set(imports(program))),
    ]
    for name in sorted({leaf.layout for leaf in program.leaves.values()} - {"plain"}):
        lines += inspect.getsource(layouts.LAYOUTS[name]).splitlines()
    source = program.source()
    for name, helper in HELPERS.items():
        if f"{name}(" in source:
            lines += inspect.getsource(helper).splitlines()
    body = ["rng = np.random.default_rng(0)"] * ("rng" in source)
    body += [f"{program.name(n)} = {leaf_text(program, n, 0)}" for n in program.state]
    body += source.splitlines()
    body.append("g = wrap(f)" + "  # in pieces" * program.in_pieces)
    shared = sorted({leaf.same_as for leaf in program.arguments.values() if leaf.same_as in program.arguments})
    state = "".join(f", {program.name(n)}" for n in program.state)
    for call in range(program.calls):
        body += [f"shared{n} = {leaf_text(program, n, call)}" for n in shared]
        made = [f"shared{n}" if n in shared else leaf_text(program, n, call) for n in program.arguments]
        given = ", ".join(made)
        if program.form == "list":
            given = f"[{given}]"
        if program.form == "dict":
            given = "{" + ", ".join(f"{k!r}: {v}" for k, v in zip(program.keys(), made, strict=True)) + "}"
        body.append(f"print(g({given}){state})")
    return "\n".join([*lines, "for wrap in (lambda f: f), mg.compile:", *(f"    {line}" for line in body)])


def leaf_text(program: Program, number: int, call: int) -> str:
    leaf = program.leaves[number]
    if leaf.same_as is not None:
        return program.name(leaf.same_as) if leaf.same_as in program.state else f"shared{leaf.same_as}"
    value = leaf.values[call % len(leaf.values)]
    text = text_of(value)
    if leaf.layout != "plain":
        text = f"{leaf.layout}({text})"
    if leaf.kind in ("tensor", "parameter", "buffer"):
        more = ", requires_grad=True" * leaf.requires_grad + (f", name={leaf.label!r}" if leaf.label else "")
        text = f"mg.Tensor({text}{more})"
    return text


def imports(program: Program) -> Iterator[str]:
    for step in program.steps.values():
        for value in walk((step.args, step.params)):
            if isinstance(value, tuple) and type(value) is not tuple and not isinstance(value, Ref):
                yield f"from {type(value).__module__} import {type(value).__name__}"


def walk(value: Any) -> Iterator[Any]:
    """Everything inside, outermost first."""
    yield value
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)) and not isinstance(value, Ref):
        for part in value:
            yield from walk(part)


def map_refs(function: Callable[[Ref], Any], value: Any) -> Any:
    """`value` with `function(ref)` in place of each `Ref` inside."""
    if isinstance(value, Ref):
        return function(value)
    if isinstance(value, dict):
        return {key: map_refs(function, part) for key, part in value.items()}
    if isinstance(value, list):
        return [map_refs(function, part) for part in value]
    if type(value) is tuple:
        return tuple([map_refs(function, part) for part in value])
    return value


def refs(value: Any) -> Iterator[Ref]:
    return (part for part in walk(value) if isinstance(part, Ref))


def grad_of(x):
    return mg.zeros_like(x) if x.grad is None else mg.copy(x.grad)


def read_of(x):
    return mg.copy(mg.read(x))


HELPERS = {"grad_of": grad_of, "read_of": read_of}
