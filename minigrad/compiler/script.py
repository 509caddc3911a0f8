"""A program as a script for NumPy alone, and beside it the arrays that it knows by name.

In come a program and a path that ends in `.py`; see `carried.py` for the functions that the program calls.
"""

from __future__ import annotations

import io
import os
import re
import sys
import textwrap
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.compiler.carried import carry, import_by_name
from minigrad.compiler.instructions import is_kernel
from minigrad.compiler.printer import print_program
from minigrad.compiler.standalone import checked, restored, run, stored
from minigrad.compiler.threads import take_turns_alone
from minigrad.core.arrays import Array
from minigrad.core.errors import GraphError
from minigrad.graph import Node
from minigrad.graph.node import printable
from minigrad.io.atomic import write_atomically
from minigrad.io.generator import generator_state

if TYPE_CHECKING:
    from minigrad.compiler.program import Program

DESCRIPTION = """\
A compiled function as a program for NumPy alone, written by minigrad.

As a script it takes 10 steps, or as many as it is told to, on the arguments that are saved beside it. Imported, it
offers `step`, a function of arrays that returns a tuple of arrays, and `state`, the arrays that steps write to. They
begin as they were when the program was saved: the file beside this one is only read.
"""

MAIN = """\
if __name__ == "__main__":
    run(step, stored(__file__, "arguments"), {outputs})
"""


def save_script(program: Program, path: str | os.PathLike[str]) -> None:
    """Write `program` as a script that runs with NumPy alone; its arrays go to an `.npz` of the same name beside it.

    The script does not import minigrad: it holds the source of every function of minigrad that the program calls. What
    an op of yours calls it imports by its name. State, generators, and the arguments of the last call are those at the
    time of saving. The same program gives the same bytes.

    Args:
        path: where to write the script; it ends in `.py`.

    Raises:
        GraphError: the program has not run yet, or calls a function of yours that no module has a name for.
        ValueError: `path` does not end in `.py`, or the script would hide NumPy or another module that it may import.
        OSError: a file cannot be written; each of the two is replaced as a whole or not at all.

    >>> import minigrad as mg, numpy as np, tempfile
    >>> double = mg.compile(lambda x: x * 2.0)
    >>> y = double(np.ones(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     double.save_source(f"{folder}/double.py")
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['double.npz', 'double.py']
    """
    path = Path(path)
    if path.suffix != ".py":
        raise ValueError(f"save_source: expected a path that ends in .py, got {str(path)!r}")
    if path.stem == "numpy" or path.stem in sys.stdlib_module_names:
        raise ValueError(f"save_source: a script called {path.name} hides the module {path.stem}; choose another name")
    if len(program._arguments) != len(program.graph.inputs):
        raise GraphError("save_source: the program has not run yet; call the compiled function first")
    script = _Script(program)
    if path.stem in script.modules:
        raise ValueError(
            f"save_source: {path.name} hides the module {path.stem}, which it imports; choose another name"
        )
    write_atomically(path.with_suffix(".npz"), [_zipped(script.arrays)])
    write_atomically(path, [script.text().encode()])


class _Script:
    """The text of the script, and the arrays that it reads. It shares no loops among threads."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.printed = print_program(take_turns_alone(program.plan))
        bound = self.printed.bound.items()
        self.loading = carry([stored, checked, run, *([restored] if program.generators else [])])
        self.kernels = carry([value for _, value in bound if is_kernel(value)])
        others = [(name, value) for name, value in bound if not is_kernel(value) and name not in program.generators]
        self.imports = [import_by_name(name, value) for name, value in others]
        self.modules = {str(getattr(value, "__module__", "")).partition(".")[0] for _, value in others}
        self.arguments = self.printed.arguments
        groups: dict[str, Mapping[str, Any]] = {
            "state": self.printed.state,
            "constants": self.printed.constants,
            "generators": {name: np.array(_state_of(value)) for name, value in program.generators.items()},
            "arguments": dict(zip(self.arguments, program._arguments, strict=True)),
        }
        self.arrays = {f"{kind}/{name}": array for kind, group in groups.items() for name, array in group.items()}

    def text(self) -> str:
        imports = sorted({"import numpy as np", *self.loading.imports, *self.kernels.imports}, key=_order)
        arrays = ['state, constants = stored(__file__, "state"), stored(__file__, "constants")']
        arrays += [f'{name} = restored(stored(__file__, "generators")["{name}"])' for name in self.program.generators]
        outputs = [printable(name) for name in _names_of(self.program.graph.returned)]
        called = self.kernels.definitions
        # Other arrays would be read as if their bits were numbers of these types.
        expected = {
            name: (x.shape, str(x.dtype)) for name, x in zip(self.arguments, self.program._arguments, strict=True)
        }
        parts = [
            f"{as_docstring(self._description(outputs))}\n\nfrom __future__ import annotations\n",
            "\n".join(imports).replace("\nimport numpy", "\n\nimport numpy", 1) + "\n",
            *(["\n".join(self.imports) + "\n"] if self.imports else []),
            "\n# --- what is saved beside this file\n",
            *(f"\n{text}\n" for text in self.loading.definitions),
            "\n" + "\n".join(arrays) + "\n",
            *(["\n# --- what the program calls\n", *(f"\n{text}\n" for text in called)] if called else []),
            "\n" + self.printed.text.removeprefix("import numpy as np\n").strip("\n") + "\n",
            f"\nstep = checked(step, {expected}, state)\n",
            "\n" + MAIN.format(outputs=outputs),
        ]
        return "\n".join(parts)

    def _description(self, outputs: list[str]) -> str:
        takes = [f"{name} {x.shape} {x.dtype}" for name, x in zip(self.arguments, self.program._arguments, strict=True)]
        results = [
            f"{name} {node.shape} {node.dtype}"
            for name, node in zip(outputs, self.program.graph.outputs, strict=True)
        ]  # fmt: skip
        lists = (
            textwrap.fill(f"{title}: {'; '.join(names) or 'nothing'}.", 118, subsequent_indent="    ")
            for title, names in (("Takes", takes), ("Returns", results))
        )
        return "\n".join((DESCRIPTION, *lists, ""))


def as_docstring(text: str) -> str:
    """A literal over several lines, which ends where it should whatever is in it."""
    text = re.sub(r'"(?="|\Z)', r"\"", text.replace("\\", "\\\\"))
    return f'"""{chr(10).join(map(printable, text.split(chr(10))))}"""'


def _names_of(returned: Any, name: str = "output") -> Iterator[str]:
    """What to call the outputs: by their keys in dictionaries, their own names, or their places."""
    if isinstance(returned, Node):
        yield returned.path or name
    elif isinstance(returned, dict):
        for key, value in returned.items():
            yield from (
                str.__str__(str(key)) if isinstance(value, Node) else part for part in _names_of(value, f"{name} {key}")
            )
    elif isinstance(returned, (tuple, list)):
        for i, value in enumerate(returned):
            yield from _names_of(value, f"{name} {i}")


def _state_of(generator: np.random.Generator) -> str:
    kind = type(generator.bit_generator).__name__
    if getattr(np.random, kind, None) is not type(generator.bit_generator):
        raise GraphError(f"save_source: {kind} is no bit generator of NumPy, which the script could make again")
    return generator_state(generator)


def _order(line: str) -> tuple[bool, bool, str]:
    """Modules before names, Python's own before others; as they are usually sorted."""
    return "numpy" in line.split()[1], line.startswith("from"), line


def _zipped(arrays: Mapping[str, Array]) -> memoryview:
    """The bytes of an `.npz` file; unlike those of `numpy.savez` they depend on nothing but the arrays."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
    return file.getbuffer()
