"""What a report says where a finite difference proves nothing: what was met, and what to do about it."""

from __future__ import annotations

from minigrad.checks.differences import Slope


def lost_in_rounding(numeric: Slope) -> str:
    return (
        f"the results are rounded, which leaves the difference uncertain by {numeric.rounding:.0e}, more than 1 % of "
        "the derivative: take large constants out of the results, or bring the inputs to sizes near 1"
    )


def hidden_by_rounding(numeric: Slope) -> str:
    return (
        f"the results do not move, but they are so large that rounding hides slopes up to {numeric.hidden:.0e}: take "
        "large constants out of the results"
    )


def input_is_rounded(size: float, numeric: Slope) -> str:
    return (
        f"a step of {numeric.step:.0e} is hardly more than the distance of floating-point numbers near {size:.0e}: "
        "choose inputs nearer to 1"
    )


def does_not_settle(numeric: Slope) -> str:
    return (
        f"no two step sizes agree, with steps down to {numeric.step:.0e}: the function bends too much within them; "
        "choose other inputs, nearer to 1"
    )


def leaves_the_domain(numeric: Slope) -> str:
    return (
        f"steps of {numeric.step:.0e} and longer leave the domain of the function: choose inputs further inside, or "
        "nearer to 1"
    )


def compiled(name: str) -> str:
    return (
        f"check_gradients: undecided: {name} is compiled, and results of a program have no graph to differentiate. "
        "Check the function itself, .function of what compile returned; compile(function, check=3) compares the "
        "program with it"
    )


NO_GRAPH = (
    "no result has a graph: it was cut by detach(), no_grad(), .numpy() or a compiled function, or all ops behind it "
    "have derivatives of 0"
)
