"""The command line: `python -m minigrad COMMAND`, or `minigrad COMMAND`.

Words enter, an exit code leaves: 0 for done, 1 where a user's function failed or a gradient is wrong, 2 for something
the user can put right (one line says what), 130 after Ctrl-C, 141 where nobody reads the output any more.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import minigrad

INTERRUPTED = 130
try:  # it takes half a second
    from minigrad.cli import check, demo, draw, explore, generate, predict, train
    from minigrad.cli.arguments import CommandError, Parser
    from minigrad.cli.user_file import UserCodeError
    from minigrad.core.errors import GradientCheckError, MinigradError
except KeyboardInterrupt:
    print("minigrad: interrupted", file=sys.stderr)
    sys.exit(INTERRUPTED)

COMMANDS = {
    "demo": demo, "train": train, "generate": generate, "predict": predict, "draw": draw, "explore": explore,
    "check": check,
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` names (`sys.argv[1:]` by default) and return the exit code.

    >>> main(["check", "missing.py:loss"])
    2
    """
    _make_streams_safe()
    try:
        code = _run_command(argv)
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
        return code
    except UserCodeError as error:
        print(error, end="", file=sys.stderr)
        return 1
    except GradientCheckError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("minigrad: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _silence_output()
        return 141
    except OSError as error:
        _silence_output()
        where = f"{error.filename}: " if error.filename is not None else ""
        return _complain(f"{where}{error.strerror or error}")
    except (CommandError, MinigradError, ImportError) as error:  # the last: a library, or the text, is not installed
        return _complain(str(error))
    except ValueError:
        if sys.stdout is None or not sys.stdout.closed:
            raise
        return _complain("the standard output was closed by the user's file: what a command finds is printed there")


def _run_command(argv: Sequence[str] | None) -> int:
    parser = make_parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # after --help and --version
        return int(stop.code or 0)
    if "run" not in arguments:
        parser.print_help()
        raise CommandError(f"expected a command: {', '.join(COMMANDS)}")
    return int(arguments.run(arguments))


def make_parser() -> Parser:
    """What reads the words of a command: for each of the commands one parser, with its options."""
    parser = Parser(prog="minigrad", description=minigrad.__doc__, example="minigrad demo --quick")
    parser.add_argument("--version", action="version", version=f"minigrad {minigrad.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.DESCRIPTION, example=f"minigrad {name} {module.EXAMPLE}"
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _complain(message: str) -> int:
    print("minigrad:", " ".join(message.split()), file=sys.stderr)
    return 2


def _make_streams_safe() -> None:
    """A terminal that cannot show a character shows a question mark; lines appear when they are printed."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace", line_buffering=True)


def _silence_output() -> None:
    """Nothing more is written to an output that failed, not even what Python has kept back for the end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
