"""FILE.py:FUNCTION: a function of the user's, loaded from a file, with errors shown as Python shows them."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

from minigrad.cli.arguments import CommandError

MODULE = "user_file"  # the `__name__` of the file


class UserCodeError(Exception):
    """The user's code raised an exception; the text is its traceback."""


@contextmanager
def user_function(target: str) -> Iterator[Callable[[], Any]]:
    """The function that `target` names, as FILE.py:FUNCTION; the path is what stands before the last colon.

    Within the block the folder of the file is on `sys.path`, as it is for a script, and an exception that passed
    through the file becomes a `UserCodeError`.

    Raises:
        CommandError: no such file or function, a file that is not Python text, a function that needs arguments.
    """
    path, name = _split_target(target)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        code = _compile_file(path)
        module = ModuleType(MODULE)
        module.__file__ = str(path)
        sys.modules[MODULE] = module  # where dataclasses look for it
        exec(code, vars(module))
        yield _find_function(module, name, path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        frames = _skip_to_user(error.__traceback__, str(path))
        if frames is None:
            raise
        raise UserCodeError(_format_error(error, frames, str(path))) from error
    finally:
        with suppress(ValueError):  # the user's code may have changed the list
            sys.path.remove(folder)
        sys.modules.pop(MODULE, None)


def _split_target(target: str) -> tuple[Path, str]:
    file, colon, name = target.rpartition(":")
    path = Path(file)
    if not colon or path.suffix != ".py" or not name.isidentifier():
        raise CommandError(f"expected FILE.py:FUNCTION, such as model.py:loss, got {target!r}")
    if not path.is_file():
        raise CommandError(f"{path} is a folder, not a file" if path.is_dir() else f"there is no file {path}")
    return path, name


def _compile_file(path: Path) -> CodeType:
    source = path.read_bytes()
    try:
        text = importlib.util.decode_source(source)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} is not Python source: {error}") from error
    if "\0" in text:
        raise CommandError(f"{path} is not Python source: it has null bytes")
    try:
        return compile(text, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise UserCodeError(_format_error(error, None, str(path))) from error


def _find_function(module: ModuleType, name: str, path: Path) -> Callable[[], Any]:
    function: Callable[[], Any] | None = getattr(module, name, None)
    if not callable(function):
        names = [key for key, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == MODULE]
        raise CommandError(f"{path} has no function {name}; it has {', '.join(names) or 'none'}")
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise CommandError(f"{path}:{name} must be a function without arguments: {error}") from error
    except ValueError:  # a callable without a signature
        pass
    return function


def _skip_to_user(trace: TracebackType | None, path: str) -> TracebackType | None:
    """The traceback from the first frame in the user's file on, None where there is none."""
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    return trace


def _format_error(error: BaseException, frames: TracebackType | None, path: str) -> str:
    """As Python shows it, without causes that never passed through the user's file, such as an error of NumPy's."""
    whole = traceback.TracebackException(type(error), error, frames, compact=True)
    report: traceback.TracebackException | None = whole
    while report is not None:
        for kind in ("__cause__", "__context__"):
            before = getattr(report, kind)
            if before is not None and all(frame.filename != path for frame in before.stack):
                setattr(report, kind, None)
        report = report.__cause__ or report.__context__
    return "".join(whole.format())
