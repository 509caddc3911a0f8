"""Where in the user's code something happens."""

from __future__ import annotations

import os
import sys
from types import FrameType

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep


def caller_line() -> str:
    """`file.py:12` of the innermost frame outside this package; `In[3]:1` in a notebook."""
    frame = sys._getframe(1)
    while frame.f_back is not None and is_ours(frame):
        frame = frame.f_back
    return f"{name_file(frame)}:{frame.f_lineno}"


def name_file(frame: FrameType) -> str:
    """The name of the file whose code a frame runs; `In[3]` for a cell of a notebook, whose file is a number."""
    path = frame.f_code.co_filename
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    name = getattr(getattr(shell, "compile", None), "format_code_name", lambda path: None)  # IPython 7 has none
    named = name(path)
    return str(named[1]) if named else os.path.basename(path)


def is_ours(frame: FrameType) -> bool:
    """Whether a frame runs code of this package."""
    return frame.f_code.co_filename.startswith(_PACKAGE)
