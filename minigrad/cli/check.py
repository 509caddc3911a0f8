"""`minigrad check FILE.py:FUNCTION`: the gradients of a function against finite differences."""

from __future__ import annotations

import argparse
from typing import Any

from minigrad.checks import check_gradients
from minigrad.cli.arguments import CommandError, whole_number
from minigrad.cli.user_file import user_function
from minigrad.core.errors import GradientCheckError
from minigrad.nn import Module

SUMMARY = "check the gradients of a function in a Python file"
DESCRIPTION = (
    "Call FUNCTION, which takes no arguments and returns (function, inputs): function takes the inputs, float64 arrays "
    "in a list, and returns Tensors. Its gradients are compared with finite differences; those for the parameters too, "
    "where function is a module. The exit code is 1 where a gradient is wrong, or undecided: where rounding or the "
    "length of a step makes a difference too uncertain. The report says why."
)
EXAMPLE = "model.py:attention --order 2"
HIGHEST_ORDER = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", metavar="FILE.py:FUNCTION", help="split at the last colon")
    parser.add_argument(
        "--order", type=whole_number(1, HIGHEST_ORDER), default=1, metavar="N",
        help=f"highest order of derivative, 1 to {HIGHEST_ORDER} (default: 1)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    try:
        with user_function(arguments.function) as prepare:
            function, inputs = _unpack_case(prepare(), arguments.function)
            parameters = dict(function.named_parameters()) if isinstance(function, Module) else {}
            report = check_gradients(function, inputs, arguments.order, parameters=parameters)
    except GradientCheckError as wrong:
        print(wrong)
        return 1
    except (TypeError, ValueError) as refused:  # by check_gradients: what the user's code raises is a UserCodeError
        raise CommandError(str(refused)) from refused
    print(report)
    return 0


def _unpack_case(returned: Any, target: str) -> tuple[Any, Any]:
    pair = isinstance(returned, (tuple, list)) and len(returned) == 2
    if not pair or not callable(returned[0]) or not isinstance(returned[1], (tuple, list)):
        raise CommandError(
            f"{target} must return (function, inputs), a function and the list of its arguments; "
            f"got {type(returned).__name__}"
        )
    return returned[0], returned[1]
