"""Drawing a program from a seed: calls of all functions on record, by their samples, on one another's results.

While it is drawn, a program is computed in eager code on the values of its first call; a step that raises, or whose
result is large, is mostly drawn again. What is drawn depends on the seed and the registry alone.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad.ops.specimens import specimens_of
from minigrad.ops.specimens.draws import Draw, Generator

from .layouts import LAYOUTS
from .program import HELPERS, Leaf, Program, Ref, Step, made_leaf, map_refs, refs, walk

DTYPES = {
    "f": ["float64", "float32", "float64", "float32", "float16", ">f8", ">f4", ">f2"],
    "i": ["int64", "int32", "int8", "uint8", "int16", "uint16", "uint32", "uint64", ">i8", ">i4", ">i2", "intp"],
    "b": ["bool", "bool", "bool", "int64", "uint8"],
}
THEMES = [["float64"], ["float32"], ["float64"], ["float32"], ["float16"], [">f8", ">f4"], DTYPES["f"]]
SPECIAL = [np.inf, -np.inf, np.nan, 0.0, -0.0, 1e300, -1e300, 1e38, 1e-300, 5e-324, 6e4, 6e-8, 1.0, -1.0]
NUMBERS = [-1.0, -0.0, 0.5, 2, True, 0, 1, -2, 3.0, 1.0, 0.0, -1, False, 1e-3, 2.0]
ENDS = [float("inf"), float("-inf"), float("nan"), 1e300, -1e-300]
SMALL_PARAMS = [-1, 0, 1, None, True, 1.0, 0.0, False, -2, 2, np.int64(1), np.float32(0.5)]
COMPARISONS = ["lt", "le", "gt", "ge", "eq", "ne"]
OPERATORS = {
    2: ["add", "sub", "mul", "truediv", "pow", "matmul", "and_", "or_", "xor", *COMPARISONS],
    1: ["neg", "abs", "invert", "neg"],
}  # fmt: skip
SHAPES = [(2, 3), (3,), (), (3, 4), (2, 3, 4), (1,), (4,), (2, 1), (0,), (2, 0), (3, 3)]
LABELS = ["weight", "class", "range", "np", "x", "lambda", "ü", "a b", "out", "None", "bool", "memory", "v0"]
MOST_ELEMENTS, MOST_AXES, LARGEST = 150, 5, 1e3
NAMESPACE = {"mg": mg, "operator": operator, **HELPERS}


class RejectedError(Exception):
    """A step that is not taken."""


class Value(NamedTuple):
    ref: Ref
    array: np.ndarray[Any, Any]
    value: Any


def draw_program(seed: str) -> Program:
    """The program of a seed."""
    with np.errstate(all="ignore"):
        return Drawing(seed).program()


class Drawing:
    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.rng = np.random.default_rng(self.random.getrandbits(64))
        self.draws = np.random.default_rng(0)  # what random operations draw from, meanwhile
        self.theme = self.random.choice(THEMES)
        self.special = self.chance(0.12)
        self.leaves: dict[int, Leaf] = {}
        self.steps: dict[int, Step] = {}
        self.memo: dict[int, Any] = {}  # leaves as objects
        self.values: list[Value] = []
        self.results: dict[int, Any] = {}
        self.new: dict[int, Leaf] = {}  # leaves of the step that is being drawn
        self.number = 0

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # --- the whole ----------------------------------------------------------------------------------------------------

    def program(self) -> Program:
        if self.chance(0.4):
            self.new_state(self.random.choice(SHAPES))
        for _ in range(self.random.randint(3, 14)):
            if not self.take_one_of(self.kinds()):
                return self.finished(self.number - 1)
        if self.chance(0.55):
            self.attempt(self.gradient)
            if self.chance(0.4):
                self.attempt(self.gradient)
            elif self.chance(0.3):
                self.take_one_of([self.by_sample])
        return self.finished()

    def kinds(self) -> list[Any]:
        weighted = [(self.by_sample, 14), (self.by_operator, 3), (self.joined, 3), (self.gradient, 2)]
        weighted += [(self.random_draw, 1), (self.twin, 1)]
        if any(leaf.is_state for leaf in self.leaves.values()):
            weighted += [(self.assignment, 2), (self.reading, 1)]
        kinds = [kind for kind, weight in weighted for _ in range(weight)]
        return self.random.sample(kinds, len(kinds))

    def take_one_of(self, kinds: list[Any]) -> bool:
        """Whether the program goes on: a step that raises is kept now and then, and is the last."""
        for kind in kinds[:12]:
            if self.attempt(kind):
                return True
            if self.steps and self.failed is not None and self.chance(0.03):
                self.keep(self.failed)
                return False
        if self.chance(0.04):
            self.failed = self.by_refusal()
            self.keep(self.failed)
            return False
        return True

    def attempt(self, kind: Any) -> bool:
        """Draw a step and take it, if it can be computed and its result is of use."""
        self.failed: Step | None = None
        self.new = {}
        try:
            step = kind()
        except RejectedError:
            return False
        if step.call not in ("mg.assign", "mg.Tensor.backward") and self.chance(0.02):
            step = step._replace(quiet=True)
        try:
            result = self.computed(step)
            self.require_useful(result, step)
            self.require_tensor(result, step)
        except RejectedError:
            return False
        except Exception:
            self.failed = step
            return False
        number = self.keep(step)
        self.results[number] = result
        self.offer(number, result)
        if step.call == "mg.assign":
            self.forget_views(step.args[0].number)
        return True

    def keep(self, step: Step) -> int:
        """Make the step and its leaves part of the program, numbered on: leaves have even smaller numbers."""
        for number, leaf in self.new.items():
            self.leaves[number] = leaf
            self.offer(number, self.memo[number])
        number = self.number
        self.number += 1
        self.steps[number] = step
        return number

    def finished(self, failing: int | None = None) -> Program:
        used = {ref for step in self.steps.values() for ref in refs((step.args, step.params))}
        wholes = {ref.number for ref in used}
        results = [v for v in self.values if v.ref.number in self.steps]
        ends = [v.ref for v in results if v.ref not in used]
        self.random.shuffle(ends)
        ends = ends[:6]
        ends += [v.ref for v in results if v.ref in used and self.chance(0.25)][:3]
        if self.values and (self.chance(0.05) or not ends):
            ends.append(self.random.choice(self.values).ref)
        if ends and self.chance(0.05):
            ends.append(self.random.choice(ends))
        if failing is not None and failing not in wholes:
            ends = [*ends[:2], Ref(failing)]
        order = sorted(self.leaves)
        return Program(
            self.seed, {n: self.leaves[n] for n in order}, dict(sorted(self.steps.items())), tuple(ends),
            self.random.choice(["flat", "flat", "list", "dict"]),
            self.random.choice(["list", "list", "dict", "nested", "single"]), self.chance(0.1),
        )  # fmt: skip

    # --- values -------------------------------------------------------------------------------------------------------

    def offer(self, number: int, result: Any) -> None:
        parts = list(enumerate(result)) if isinstance(result, (list, tuple)) else [(None, result)]
        for part, value in parts:
            if value is not None and not isinstance(value, (str, dict)):
                array = value._held if isinstance(value, mg.Tensor) else np.asarray(value)
                self.values.append(Value(Ref(number, part), array, value))

    def forget_views(self, state: int) -> None:
        """Of a state that was written, so that nothing reads a view afterwards: what it shows then is not promised."""
        memory = self.memo[state]._held
        self.values = [
            v for v in self.values
            if v.ref.number not in self.steps or not np.may_share_memory(v.array, memory)
        ]  # fmt: skip

    def computed(self, step: Step) -> Any:
        def value(ref: Ref) -> Any:
            whole = self.memo[ref.number] if ref.number in self.memo else self.results[ref.number]
            return whole if ref.part is None else whole[ref.part]

        args, params = map_refs(value, step.args), map_refs(value, step.params)
        params = {key: self.draws if isinstance(x, Generator) else x for key, x in params.items()}
        function: Any = NAMESPACE
        first, *rest = step.call.split(".")
        function = NAMESPACE[first]
        for name in rest:
            function = getattr(function, name)
        if step.quiet:
            with mg.no_grad():
                return function(*args, **params)
        return function(*args, **params)

    def require_useful(self, result: Any, step: Step) -> None:
        """Not many elements, and mostly no large ones: these are infinite soon."""
        for value in result if isinstance(result, (list, tuple)) else [result]:
            if value is None:
                continue
            array = value._held if isinstance(value, mg.Tensor) else np.asarray(value)
            if array.size > MOST_ELEMENTS or array.ndim > MOST_AXES or array.dtype.kind not in "biuf":
                raise RejectedError
            is_large = array.dtype.kind == "f" and not np.abs(array).max(initial=0) < LARGEST
            if is_large and not self.special and not self.chance(0.03):
                raise RejectedError

    def require_tensor(self, result: Any, step: Step) -> None:
        """Where NumPy scalars meet arrays alone, eager code is NumPy's own: there they have a type, elsewhere none.

        So have results of 0-d, which NumPy makes scalars of.
        """
        parts = [self.object(x) if isinstance(x, Ref) else x for x in walk((step.args, step.params))]
        if isinstance(result, (np.generic, np.ndarray)) and not result.shape:
            raise RejectedError
        if any(isinstance(x, np.generic) for x in parts) and not any(isinstance(x, mg.Tensor) for x in parts):
            raise RejectedError

    # --- leaves -------------------------------------------------------------------------------------------------------

    def new_leaf(self, draw: Draw, kind: str | None = None) -> Ref:
        """An argument or a piece of state for a sample array."""
        twins = [
            n for n, leaf in self.leaves.items()
            if leaf.same_as is None and leaf.kind in ("tensor", "array", "parameter", "buffer")
            and leaf.values[0].shape == draw.shape and leaf.values[0].dtype.kind in of_kind(draw.kind)
        ]  # fmt: skip
        if kind is None and twins and self.chance(0.2):
            return self.placed(Leaf("tensor", (), same_as=self.random.choice(twins)))
        if kind is None:
            kind = self.random.choice(["tensor"] * 5 + ["array"] * 3 + ["parameter", "buffer"])
            kind = "scalar" if draw.shape == () and self.chance(0.5) else kind
        dtype = np.dtype(
            self.random.choice(self.theme if draw.kind == "f" and self.chance(0.85) else DTYPES[draw.kind])
        )
        values = tuple([self.drawn(draw, dtype) for _ in range(2)])
        if kind == "scalar":
            values = tuple([value.astype(dtype.newbyteorder("="))[()] for value in values])
            if self.chance(0.3):
                kind, values = "number", tuple([values[0].item()] * 2)
        is_float = draw.kind == "f" and dtype.kind == "f"
        kind = "buffer" if kind == "parameter" and not is_float else kind
        needs = is_float and (kind == "parameter" or (kind == "tensor" and self.chance(0.75)))
        layout = self.random.choice(list(LAYOUTS)) if self.chance(0.3) and kind not in ("scalar", "number") else "plain"
        is_tensor = kind in ("tensor", "parameter", "buffer")
        label = self.random.choice(LABELS) if is_tensor and self.chance(0.25) else None
        return self.placed(Leaf(kind, values, layout, needs, label))

    def placed(self, leaf: Leaf) -> Ref:
        number = self.number
        self.number += 1
        self.new[number] = leaf
        program = Program(self.seed, {**self.leaves, **self.new}, {}, ())
        self.memo[number] = made_leaf(program, number, 0, self.memo)
        return Ref(number)

    def drawn(self, draw: Draw, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """Values with few digits, a part of them special ones."""
        if draw.kind == "f":
            if draw.low is None or draw.high is None:
                array = np.asarray(self.rng.standard_normal(draw.shape))
            else:
                array = np.asarray(self.rng.uniform(draw.low, draw.high, draw.shape))
            array = np.asarray(array.round(2))
            if self.special:
                places = self.rng.random(draw.shape) < 0.3
                array = np.where(places, self.rng.choice(SPECIAL, draw.shape), array)
            if dtype.kind != "f":
                array = np.where(np.isfinite(array), array, 1.0).clip(0 if dtype.kind in "ub" else -99, 99)
        elif draw.kind == "b":
            array = self.rng.integers(0, 2, draw.shape)
        else:
            array = self.rng.integers(int(draw.low or 0), int(draw.high or 1), draw.shape)
        return np.asarray(array).astype(dtype)

    def new_state(self, shape: tuple[int, ...]) -> None:
        self.new = {}
        self.new_leaf(Draw(shape), self.random.choice(["parameter", "buffer"]))
        for number, leaf in self.new.items():
            self.leaves[number] = leaf
            self.offer(number, self.memo[number])

    # --- arguments ----------------------------------------------------------------------------------------------------

    def argument(self, sample: Any, elementwise: bool, lists: bool = True) -> Any:
        """What stands in the place of a part of a sample."""
        if isinstance(sample, Draw):
            return self.operand(sample, elementwise, lists)
        if isinstance(sample, list):
            return [self.argument(part, elementwise, lists) for part in sample]
        if type(sample) is tuple:
            return tuple([self.argument(part, elementwise, lists) for part in sample])
        if isinstance(sample, np.ndarray):
            number = self.placed(Leaf("array", (sample,) * 2))
            return number
        return sample

    def operand(self, draw: Draw, elementwise: bool, lists: bool = True) -> Any:
        alike = [
            v.ref for v in self.values if v.array.shape == draw.shape and v.array.dtype.kind in of_kind(draw.kind)
        ]  # fmt: skip
        if alike and self.chance(0.6):
            return alike[-1 - int(len(alike) * self.random.random() ** 2)]
        any_of_kind = [v.ref for v in self.values if v.array.dtype.kind in of_kind(draw.kind)]
        if any_of_kind and self.chance(0.45 if elementwise else 0.3):
            return self.random.choice(any_of_kind)
        if self.values and self.chance(0.06):
            return self.random.choice(self.values).ref
        if elementwise and self.chance(0.18):
            return self.literal(draw)
        if draw.kind != "f" and lists and self.chance(0.1):
            return self.drawn(draw, np.dtype("int64" if draw.kind == "i" else "bool")).tolist()
        return self.new_leaf(draw)

    def literal(self, draw: Draw) -> Any:
        """A number in the source, a NumPy scalar, or a list of numbers."""
        number = self.random.choice(ENDS if self.special and self.chance(0.3) else NUMBERS)
        way = self.random.random()
        if way < 0.7:
            return number
        if way < 0.85:
            dtype = np.dtype(self.random.choice(DTYPES["f"] + DTYPES["i"])).newbyteorder("=")
            return dtype.type(number if dtype.kind == "f" else self.random.randrange(4))
        return self.drawn(draw, np.dtype("float64")).tolist() if len(draw.shape) == 1 else number

    # --- steps --------------------------------------------------------------------------------------------------------

    def by_sample(self) -> Step:
        name = self.random.choice(list(mg.registry))
        function = mg.registry[name]
        if not specimens_of(function).samples or not hasattr(mg, name):
            raise RejectedError
        args, params = self.random.choice(specimens_of(function).samples)
        elementwise = getattr(function, "elementwise", name in ("power", "where"))
        lists = not getattr(function, "variadic", None)  # where a list would stand for several operands
        step = Step(
            f"mg.{name}",
            tuple([self.argument(x, elementwise, lists) for x in args]),
            {key: self.argument(x, elementwise, lists) for key, x in params.items()},
        )
        return self.mutated(step) if self.chance(0.06) else step

    def mutated(self, step: Step) -> Step:
        """Another number in the place of a parameter, or of a plain argument after the first."""
        places = [key for key, x in step.params.items() if isinstance(x, (int, float, type(None)))]
        if places:
            place = self.random.choice(places)
            others = [True, False, 0, 1] if isinstance(step.params[place], bool) else SMALL_PARAMS
            return step._replace(params=step.params | {place: self.random.choice(others)})
        plain = [i for i, x in enumerate(step.args) if i and isinstance(x, (int, float))]
        if not plain:
            return step
        args = list(step.args)
        args[self.random.choice(plain)] = self.random.choice(SMALL_PARAMS)
        return step._replace(args=tuple(args))

    def by_operator(self) -> Step:
        arity = self.random.choice([1, 2, 2, 2])
        shape = self.random.choice(SHAPES)
        args = [self.operand(Draw(shape), True) for _ in range(arity)]
        if not any(isinstance(x, Ref) and isinstance(self.object(x), mg.Tensor) for x in args):
            raise RejectedError  # that is Python's own
        name = self.random.choice(OPERATORS[arity])
        if name in COMPARISONS and isinstance(args[0], Ref) and isinstance(self.object(args[0]), np.generic):
            raise RejectedError  # NumPy makes an array of a scalar that stands first, before it asks anybody
        return Step(f"operator.{name}", tuple(args), {})

    def object(self, ref: Ref) -> Any:
        whole = self.memo[ref.number] if ref.number in self.memo else self.results[ref.number]
        return whole if ref.part is None else whole[ref.part]

    def joined(self) -> Step:
        """Earlier results side by side."""
        name = self.random.choice(["concatenate", "stack", "where", "hstack", "vstack"])
        if not self.values:
            raise RejectedError
        first = self.random.choice(self.values)
        alike = [v for v in self.values if v.array.shape == first.array.shape]
        chosen = [self.random.choice(alike).ref for _ in range(self.random.randint(1, 3))]
        if name == "where":
            condition = [v.ref for v in self.values if v.array.dtype.kind in "bi"] or [first.ref]
            return Step("mg.where", (self.random.choice(condition), first.ref, chosen[0]), {})
        axis = {"axis": self.random.choice([0, -1])} if name in ("concatenate", "stack") and self.chance(0.5) else {}
        return Step(f"mg.{name}", ([first.ref, *chosen],), axis)

    def gradient(self) -> Step:
        """`mg.grad` of earlier results, for what they depend on; now and then `backward`, and then a `.grad`."""
        roots = [v for v in self.values if isinstance(v.value, mg.Tensor) and v.value.requires_grad]
        results = [v for v in roots if v.ref.number in self.steps and v.array.size]
        targets = [v for v in roots if v.ref.number in self.leaves] or roots
        if not results:
            raise RejectedError
        if self.chance(0.15):
            return self.backward(results)
        chosen = self.random.sample(results, min(len(results), self.random.choice([1, 1, 2])))
        wanted = self.random.sample(targets, min(len(targets), self.random.choice([1, 2, 3])))
        if self.chance(0.2):
            wanted.append(self.random.choice(roots))
        cotangents = [self.cotangent(v) for v in chosen]
        params: dict[str, Any] = {"unused": "zero"}
        if self.chance(0.6):
            params["create_graph"] = True
        args = [[v.ref for v in chosen], [v.ref for v in wanted], cotangents]
        if cotangents == [None] and self.chance(0.5):
            args.pop()
        return Step("mg.grad", tuple(args), params)

    def cotangent(self, value: Value) -> Any:
        if value.array.shape == () and self.chance(0.6):
            return None
        alike = [v.ref for v in self.values if v.array.shape == value.array.shape and v.array.dtype.kind == "f"]
        if self.chance(0.3) and alike:
            return self.random.choice(alike)
        return self.new_leaf(Draw(value.array.shape))

    def backward(self, results: list[Value]) -> Step:
        done = any(step.call == "mg.Tensor.backward" for step in self.steps.values())
        parameters = [
            v.ref for v in self.values if v.ref.number in self.leaves and getattr(v.value, "requires_grad", 0)
        ]
        if done and parameters and self.chance(0.8):
            return Step("grad_of", (self.random.choice(parameters),), {})
        value = self.random.choice(results)
        return Step("mg.Tensor.backward", (value.ref, self.cotangent(value)), {})

    def random_draw(self) -> Step:
        rng, way = Generator(), self.random.random()
        if way < 0.4:
            floats = [v.ref for v in self.values if v.array.dtype.kind == "f"]
            if not floats:
                raise RejectedError
            return Step("mg.dropout", (self.random.choice(floats), self.random.choice([0.5, 0, 0.1, 1])), {"rng": rng})
        name = self.random.choice(["random_uniform", "random_normal"])
        params = {"dtype": self.random.choice(["float32", "float64", np.float32])} if self.chance(0.6) else {}
        return Step(f"mg.{name}", (), {"shape": self.random.choice(SHAPES), "generator": rng, **params})

    def twin(self) -> Step:
        """An earlier step with an equal number of another type."""
        steps = [s for s in self.steps.values() if any(type(x) in EQUAL for x in walk((s.args, s.params)))]
        steps = [s for s in steps if s.call not in ("mg.assign", "mg.Tensor.backward")]
        if not steps:
            raise RejectedError
        step = self.random.choice(steps)
        return step._replace(args=self.retyped(step.args), params=self.retyped(step.params))

    def retyped(self, value: Any) -> Any:
        if type(value) in EQUAL and abs(value) <= 3:
            if isinstance(value, bool):
                return int(value)
            return self.random.choice([x for x in (bool(value), int(value), float(value), -value) if x == value])
        if isinstance(value, dict):
            return {key: self.retyped(part) for key, part in value.items()}
        if type(value) in (list, tuple):
            return type(value)([self.retyped(part) for part in value])
        return value

    def assignment(self) -> Step:
        states = [n for n, leaf in self.leaves.items() if leaf.is_state]
        number = self.random.choice(states)
        shape = self.memo[number].shape
        alike = [v.ref for v in self.values if v.array.shape == shape and v.array.dtype.kind == "f"]
        if alike and self.chance(0.8):
            return Step("mg.assign", (Ref(number), self.random.choice(alike)), {})
        return Step("mg.assign", (Ref(number), self.new_leaf(Draw(shape))), {})

    def reading(self) -> Step:
        number = self.random.choice([n for n, leaf in self.leaves.items() if leaf.is_state])
        calls = ["mg.copy", "read_of"] if self.leaves[number].kind == "buffer" else ["mg.copy"]
        return Step(self.random.choice(calls), (Ref(number),), {})

    def by_refusal(self) -> Step:
        self.new = {}
        functions = [f for name, f in mg.registry.items() if specimens_of(f).refusals and hasattr(mg, name)]
        function = self.random.choice(functions)
        args, params = self.random.choice(specimens_of(function).refusals).call
        return Step(
            f"mg.{function.name}", tuple([self.argument(x, False) for x in args]),
            {key: self.argument(x, False) for key, x in params.items()},
        )  # fmt: skip


EQUAL = frozenset({int, float, bool})


def of_kind(kind: str) -> str:
    return {"f": "f", "i": "iu", "b": "b"}[kind]


def seeds(seed: object, count: int, first: int = 0) -> Iterator[str]:
    return (f"{seed}/{number}" for number in range(first, first + count))
