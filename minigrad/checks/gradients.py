"""Gradients against central finite differences, to any order.

A function and its inputs enter, a `GradientReport` leaves; a wrong gradient raises. Called by tests, by the command
line, and by users on functions and modules of their own.

What is compared is the gradient of Σ c·f(x) for random cotangents c. Order n + 1 is order 1 again, for the function
that maps x and c to the gradients of order n: so the dependence on the cotangents is checked as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.checks import undecided as why
from minigrad.checks.differences import EPSILON, FIRST_STEP, LOST, Allowed, Line, Slope
from minigrad.checks.report import GradientReport, InputReport
from minigrad.core.arrays import Array
from minigrad.core.autodiff import grad
from minigrad.core.errors import GradientCheckError
from minigrad.core.structure import leaves
from minigrad.core.tensor import Tensor

NEGLIGIBLE = 1e-9  # derivatives so small, also beside the largest, count as 0: rounding inside the function makes some

# Computes the results at the present values of all variables; the argument says whether gradients are recorded.
Results = Callable[[bool], list[Tensor]]


def check_gradients(
    function: Callable[..., Any], inputs: Sequence[Any], order: int = 1, *,
    parameters: Iterable[Tensor] | Mapping[str, Tensor] = (), rng: np.random.Generator | None = None,
    tolerance: float = 1e-6, elements: int = 32, directions: int = 4,
) -> GradientReport:  # fmt: skip
    """Compare the gradients of `function(*inputs)` with central finite differences in float64.

    Args:
        function: takes Tensors, returns a Tensor or several in tuples, lists or dictionaries; the same values whenever
            it is called. It is called many times: what it writes, such as running statistics, is written as often.
        inputs: arrays, Tensors or numbers. What is float64 is differentiated, the rest passed on as it is.
        order: 1 checks the gradients; 2 also the gradients of the gradients, with respect to inputs, parameters and
            cotangents; and so on.
        parameters: Tensors that `function` uses without receiving them, such as `dict(module.named_parameters())`.
            They are varied in place, and have their values back afterwards.
        rng: draws cotangents and directions; by default the same ones on every call.
        tolerance: the largest error, relative to the derivative, or to a thousandth of the largest of the same input.
        elements: an input of at most so many elements is checked element by element.
        directions: along how many random directions a larger input is checked. Where one of them fails, halving it
            finds an element to blame.

    Returns:
        The report; `print(report)` shows the worst place of each input.

    Raises:
        GradientCheckError: a gradient is wrong, or a difference too uncertain to tell; the message is the report, which
            says why. Nor can a compiled function be checked: its results have no graph.
        TypeError: float32 or float16 among inputs, parameters or results: a finite difference of values with 7 digits
            has 3 right ones at best, and so cannot tell a right gradient from a wrong one.
        ValueError: nothing to differentiate, or a function that is not deterministic.

    Each derivative is (4 D(h/2) − D(h)) / 3, where D(h) = (f(x + h) − f(x − h)) / 2h (Richardson, 1911). The distance
    of D(h/2) from D(h) tells whether h is short enough; if not, a shorter step follows, or a longer one where rounding
    of the results that move hides more than that. The gradient under test has no part in the choice. An input is
    undecided where rounding hides more than 1 % of its largest derivative and a millionth of the largest of all, and
    where a difference is larger than allowed but proves nothing: at a kink, or a place where no step is short enough.

    >>> weight = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> report = check_gradients(lambda x: mg.tanh(x @ weight), [np.ones(2)], order=2, parameters={"weight": weight})
    >>> [(entry.order, entry.name) for entry in report.inputs]
    [(1, 'x'), (1, 'weight'), (2, 'x'), (2, 'weight'), (2, 'cotangent')]
    """
    if order < 1:
        raise ValueError(f"check_gradients: order={order} must be at least 1")
    _refuse_compiled(function)
    arguments, variables = _collect_variables(function, inputs, parameters)
    rng = np.random.default_rng(0) if rng is None else rng
    outputs = results = _make_results(function, arguments)
    names: Sequence[str] = ()  # what each result is the gradient for, above order 1
    entries: list[InputReport] = []
    largest = 0.0
    with np.errstate(all="ignore"):  # a step may leave the domain of a logarithm
        for degree in range(1, order + 1):
            values = _compute_twice(results)
            cotangents = [Tensor(rng.standard_normal(y.shape), requires_grad=True) for y in values]
            gradients = _make_gradients(results, list(variables.values()), cotangents)
            found = [gradient.numpy() for gradient in gradients(False)]
            largest = max([largest, *map(_find_largest, found)])
            for (name, variable), gradient in zip(variables.items(), found, strict=True):
                comparison = Comparison(
                    results, degree, name, variable, values, cotangents, gradient, largest, tolerance
                )  # fmt: skip
                entries.append(comparison.compare_all(rng, elements, directions))
            labels = _name_cotangents(names, len(values))
            names = list(variables)
            variables |= dict(zip(labels, cotangents, strict=True))
            results = gradients
        report = GradientReport(order, tuple(entries))
        if not report.passed:
            graph = any(y.requires_grad for y in outputs(True))
            error = GradientCheckError(str(report) if graph else f"{report}\n{why.NO_GRAPH}")
            error.report = report
            raise error
    return report


def _refuse_compiled(function: Callable[..., Any]) -> None:
    from minigrad.compiler.compiled import Compiled  # programs are none of a check's business, except here

    if isinstance(function, Compiled):
        raise GradientCheckError(why.compiled(getattr(function, "__name__", "the function")))


def _collect_variables(
    function: Callable[..., Any], inputs: Sequence[Any], parameters: Iterable[Tensor] | Mapping[str, Tensor]
) -> tuple[list[Any], dict[str, Tensor]]:
    """The arguments for `function`, and what to differentiate for, by name: copies of its inputs, its parameters."""
    if not isinstance(inputs, (tuple, list)):
        raise TypeError(f"check_gradients: inputs must be a list, one entry per argument, got {type(inputs).__name__}")
    arguments: list[Any] = []
    variables: dict[str, Tensor] = {}
    for value, name in zip(inputs, _find_argument_names(function, len(inputs)), strict=True):
        is_array = isinstance(value, (Tensor, np.ndarray, np.generic))
        if isinstance(value, float) or (is_array and value.dtype.kind == "f"):
            value = Tensor(value, requires_grad=True, name=getattr(value, "name", None))
            variables[_mark_until_new(value.name or name, variables)] = value
        arguments.append(value)
    named = parameters.items() if isinstance(parameters, Mapping) else (
        (p.name or f"parameters[{i}]", p) for i, p in enumerate(parameters)
    )  # fmt: skip
    for name, parameter in named:
        if not isinstance(parameter, Tensor) or parameter.op is not None or not parameter.requires_grad:
            raise TypeError(f"check_gradients: parameter {name!r} must be a leaf Tensor that requires a gradient")
        variables[_mark_until_new(name, variables)] = parameter
    for name, variable in variables.items():
        _refuse_low_precision(variable, name)
    if not variables:
        raise ValueError("check_gradients: no float64 input or parameter to differentiate for")
    return arguments, variables


def _mark_until_new(name: str, taken: Mapping[str, Tensor]) -> str:
    """`name`, marked until it differs from those taken."""
    while name in taken:
        name += "*"
    return name


def _find_argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the function's arguments where it has them, else inputs[0], inputs[1], …"""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = {}.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    return names + [f"inputs[{i}]" for i in range(len(names), count)]


def _refuse_low_precision(value: Tensor, name: str) -> None:
    if value.dtype != np.float64:
        raise TypeError(
            f"check_gradients: {name} is {value.dtype}: a finite difference would keep too few digits to tell a right "
            "gradient from a wrong one. Check in float64: array.astype(numpy.float64), module.astype(numpy.float64)"
        )


def _make_results(function: Callable[..., Any], arguments: Sequence[Any]) -> Results:
    """The floating-point results of `function(*arguments)`."""

    def results(create_graph: bool) -> list[Tensor]:
        found = list(leaves(function(*arguments)))  # not under no_grad(): a function may take gradients itself
        for y in found:
            if not isinstance(y, Tensor):
                raise TypeError(f"check_gradients: the function must return Tensors, got {type(y).__name__}")
        floats = [y for y in found if y.dtype.kind == "f"]
        for y in floats:
            _refuse_low_precision(y, "a result of the function")
        if not floats:
            raise ValueError("check_gradients: the function returns no floating-point Tensor to differentiate")
        return floats

    return results


def _make_gradients(results: Results, variables: list[Tensor], cotangents: list[Tensor]) -> Results:
    """The gradients of `results`, one per variable: again something to differentiate."""

    def gradients(create_graph: bool) -> list[Tensor]:
        return list(grad(results(True), variables, tuple(cotangents), create_graph=create_graph, unused="zero"))

    return gradients


def _compute_twice(results: Results) -> list[Array]:
    """The values of the results, computed twice to see that they are the same."""
    first, second = ([y.numpy() for y in results(False)] for _ in range(2))
    if len(first) != len(second) or not all(np.array_equal(a, b, True) for a, b in zip(first, second, strict=True)):
        raise ValueError(
            "check_gradients: the function gives other values when called again, so a difference says nothing. Call "
            "eval() on a module with dropout, or make the generator inside the function: "
            "with minigrad.generator(numpy.random.default_rng(0)): …"
        )
    return first


def _find_largest(gradient: Array) -> float:
    return float(np.max(np.abs(gradient), initial=0.0, where=np.isfinite(gradient)))


def _name_cotangents(variables: Sequence[str], count: int) -> list[str]:
    if variables:
        return [f"cotangent of ∂{name}" for name in variables]
    return ["cotangent"] if count == 1 else [f"cotangents[{i}]" for i in range(count)]


class Probe(NamedTuple):
    """Where to compare: along `direction`, in steps of about `step`, for a gradient of size `typical`."""

    direction: Array
    step: float
    typical: float
    element: tuple[int, ...] | None = None


class Comparison:
    """The gradient for one variable, to be compared with what the results do when that variable is moved.

    `largest` is the largest derivative of the whole check.
    """

    def __init__(
        self, results: Results, order: int, name: str, variable: Tensor, values: list[Array],
        cotangents: list[Tensor], gradient: Array, largest: float, tolerance: float,
    ) -> None:  # fmt: skip
        self.results, self.order, self.name, self.variable = results, order, name, variable
        self.origin = variable.numpy()
        self.scale = np.maximum(np.abs(self.origin), 1.0)
        self.values = values
        self.weights = [c.numpy() for c in cotangents]
        self.gradient, self.largest, self.tolerance = gradient, largest, tolerance

    def compare_all(self, rng: np.random.Generator, elements: int, directions: int) -> InputReport:
        """Compare at every element, or along random directions, and report the worst place."""
        if self.origin.size == 0:
            return InputReport(self.order, self.name, self.origin.shape, "0 elements")
        if self.origin.size <= elements:
            probes = [self.probe_element(index) for index in np.ndindex(self.origin.shape)]
            compared = f"{len(probes)} elements"
        else:
            draws = (rng.standard_normal(self.origin.shape) for _ in range(directions))
            probes = [self.probe_direction(draw * self.scale / np.sqrt(self.origin.size)) for draw in draws]
            compared = f"{len(probes)} directions"
        entries = [self.compare(probe, compared) for probe in probes]
        worst = max(entries, key=lambda entry: entry.rank)
        if not worst.wrong or worst.element is not None:
            return worst
        blamed = self.compare(self.probe_element(self.find_blamed(probes[entries.index(worst)].direction)), compared)
        return blamed if blamed.wrong else worst

    def probe_element(self, index: tuple[int, ...]) -> Probe:
        direction = np.zeros(self.origin.shape)
        direction[index] = 1.0
        return Probe(direction, FIRST_STEP * float(self.scale[index]), float(np.max(np.abs(self.gradient))), index)

    def probe_direction(self, direction: Array) -> Probe:
        return Probe(direction, FIRST_STEP, float(np.linalg.norm(self.gradient * direction)))

    def compare(self, probe: Probe, compared: str) -> InputReport:
        analytic = float(np.sum(self.gradient * probe.direction, where=probe.direction != 0.0))
        largest = self.largest * float(np.linalg.norm(probe.direction))
        negligible = NEGLIGIBLE * min(largest, 1.0)
        line = Line(lambda: self.results(False), self.variable, probe.direction, self.weights, self.values)
        numeric = line.slope(probe.step, Allowed(self.tolerance, negligible, LOST * largest))
        size = max(abs(numeric.value), abs(analytic), 1e-3 * probe.typical)
        tolerance = self.tolerance * size + negligible + numeric.rounding
        error = abs(analytic - numeric.value)
        if np.isfinite(error) and error <= tolerance:
            lost = LOST * max(largest, numeric.extent)
            undecided = why.lost_in_rounding(numeric) if numeric.rounding > max(0.01 * probe.typical, lost) else ""
        else:
            undecided = self.explain_doubt(line, numeric, analytic, error - tolerance)
        return InputReport(
            self.order, self.name, self.origin.shape, compared, probe.element, analytic, numeric.value,
            numeric.uncertainty, error, tolerance, undecided or numeric.kink, bool(undecided),
        )  # fmt: skip

    def explain_doubt(self, line: Line, numeric: Slope, analytic: float, excess: float) -> str:
        """Why a difference that is larger than allowed, by `excess`, proves nothing; "" where it does."""
        if not np.isfinite(excess):
            finite = np.isfinite(analytic) and all(np.isfinite(y).all() for y in self.values)
            return why.leaves_the_domain(numeric) if finite else ""
        if numeric.kink:
            return numeric.kink
        if excess <= numeric.uncertainty or not line.settles(numeric):
            return why.does_not_settle(numeric)
        moved = np.abs(np.where(line.direction != 0.0, self.origin, 0.0))
        if excess <= EPSILON * float(np.sum(np.abs(self.gradient) * moved)) / numeric.step:
            return why.input_is_rounded(float(np.max(moved)), numeric)
        return why.hidden_by_rounding(numeric) if excess <= numeric.hidden else ""

    def find_blamed(self, direction: Array) -> tuple[int, ...]:
        """The element behind a wrong direction: in its worse half, in the worse half of that, and so on."""

        def severity(places: Array) -> float:
            part = np.zeros(direction.size)
            part[places] = direction.flat[places]
            return self.compare(self.probe_direction(part.reshape(direction.shape)), "").severity

        places = np.flatnonzero(direction)
        while places.size > 1:
            places = max(np.array_split(places, 2), key=severity)
        return tuple(int(i) for i in np.unravel_index(int(places[0]), direction.shape))
