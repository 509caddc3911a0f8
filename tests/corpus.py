"""All that minigrad writes, as texts: does a change that should change nothing change a byte?

    python tests/corpus.py FOLDER [--only ops/soft] [--record]

Writes listings, DOT, Mermaid, the sources of programs and what explorer pages hold, for every sample of every function
with its first and second derivatives, for random graphs, and for what the examples draw, save and compile with
`--quick`: a file for each. `tests/corpus.sha256` has their digests, of one machine, for floats differ between machines;
what differs from it is listed, and `--record` writes it anew. Two folders are compared with `diff -r`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import re
import runpy
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
DIGESTS = ROOT / "tests" / "corpus.sha256"
RANDOM_GRAPHS, A_FILE = 300, 10
OF_TIMES = {"attention_cost"}  # examples that draw what they measured
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import minigrad as mg  # noqa: E402
from minigrad.checks.cases import cases_of, cotangents_for, is_float_array, results  # noqa: E402
from minigrad.core.structure import leaves, map_leaves  # noqa: E402
from minigrad.drawing.explorer.payload import make_payload  # noqa: E402
from minigrad.ops.specimens import specimens_of  # noqa: E402


def texts_of(graph: Any) -> Iterator[tuple[str, str]]:
    yield "listing", str(graph)
    yield "DOT", graph.dot()
    yield "Mermaid", graph.mermaid()
    yield "explorer", json.dumps(make_payload(graph), ensure_ascii=False, indent=1)


def texts_of_function(function: Callable[..., Any], *arguments: Any) -> Iterator[tuple[str, str]]:
    """Its graph, and the program that it is compiled to; or how it is refused."""
    try:
        yield from texts_of(mg.trace(function, *arguments))
        compiled = mg.compile(function)
        compiled(*arguments)
        yield "program", compiled.source
    except mg.CaptureError as error:
        yield "refused", re.sub(r"corpus\.py:\d+", "corpus.py", str(error))


def texts_of_program(program: Any) -> Iterator[tuple[str, str]]:
    yield from texts_of(program.graph)
    yield "program", program.source


def subject(title: str, texts: Iterable[tuple[str, str]]) -> str:
    return "".join(f"===== {title}: {kind}\n{text}\n\n" for kind, text in texts)


# --- subjects: each is a name and what makes its text -----------------------------------------------------------------


def of_samples(name: str) -> str:
    """Every sample of a function: its value, its gradients, and theirs."""
    function, found = mg.registry[name], []

    def value(args: Any, params: Any) -> list[Any]:
        return [y for y in results(function(*args, **params)) if isinstance(y, mg.Tensor)]

    def first(args: Any, params: Any, create_graph: bool = False) -> Any:
        outputs, inputs = value(args, params), [x for x in leaves((args, params)) if is_variable(x)]
        cotangents = [mg.constant(g, name="cotangent") for g in cotangents_for(outputs)]
        return mg.grad(outputs, inputs, cotangents, create_graph=create_graph, unused="zero")

    def second(args: Any, params: Any) -> Any:
        flowing = [g for g in first(args, params, create_graph=True) if g.requires_grad]
        squares = [mg.sum(g * g) for g in flowing]
        return mg.grad(squares, [x for x in leaves((args, params)) if is_variable(x)], unused="zero") if flowing else []

    for case in cases_of(function):
        orders = (value, first, second) if case.differentiable else (value,)
        for order in orders:
            arguments = map_leaves(
                lambda leaf: mg.Tensor(leaf, requires_grad=True) if is_float_array(leaf) else leaf, case.arguments()
            )
            found.append(
                subject(f"{name}, sample {case.number}, {order.__name__}", texts_of_function(order, *arguments))
            )
    return "".join(found)


def is_variable(leaf: Any) -> bool:
    return isinstance(leaf, mg.Tensor) and leaf.requires_grad


def of_random_graphs(start: str) -> str:
    from tests.compiler.test_random_graphs import run, well_conditioned

    found: list[str] = []

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
        steps.append(mg.compile(function))
        return steps[-1]

    for number in range(int(start), int(start) + A_FILE):
        graph, steps = well_conditioned(number)[0], list[Any]()
        run(graph, np.float64, compiled)
        found += [subject(str(graph), texts_of_program(program)) for step in steps for program in step.programs]
    return "".join(found)


def of_example(name: str) -> str:
    """What an example draws and compiles, in that order."""
    found: list[str] = []
    made: list[Any] = []

    def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(graph: Any, *args: Any, **kwargs: Any) -> Any:
            found.append(subject("drawn", texts_of(graph)))
            return function(graph, *args, **kwargs)

        return call

    def begin(compiled: Any, *args: Any, **kwargs: Any) -> None:
        made.append(compiled)
        begin_as_ever(compiled, *args, **kwargs)

    compiled_function: Any = type(mg.compile(len))
    begin_as_ever, compiled_function.__init__ = compiled_function.__init__, begin
    for method in ("draw", "explore"):
        setattr(mg.Graph, method, remembered(getattr(mg.Graph, method)))
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        os.chdir(folder)
        sys.argv, sys.stdout, sys.stderr = [name, "--quick", "--out", folder], nowhere, nowhere
        script = ROOT / "examples" / f"{name}.py"
        sys.path.insert(0, str(script.parent))
        runpy.run_path(str(script), run_name="__main__")
        pictures = [(path.name, path.read_text("utf-8")) for path in sorted(Path(folder).glob("**/*.svg"))]
        os.chdir(ROOT)
    compiled = [program for each in made for program in each.programs]
    return "".join(
        [*found, subject("saved", pictures), *(subject("compiled", texts_of_program(program)) for program in compiled)]
    )


MAKERS = {"ops": of_samples, "random": of_random_graphs, "examples": of_example}


def examples() -> list[str]:
    """The scripts, such as `own_op` and `fields/write_tunes`, without the modules that they import."""
    folder = ROOT / "examples"
    scripts = [path for path in sorted(folder.glob("**/*.py")) if "__main__" in path.read_text("utf-8")]
    return [path.relative_to(folder).with_suffix("").as_posix() for path in scripts if path.stem not in OF_TIMES]


def subjects() -> list[str]:
    functions = [name for name, function in mg.registry.items() if specimens_of(function).samples]
    return [
        *(f"ops/{name}" for name in sorted(functions)),
        *(f"random/{start:03}" for start in range(0, RANDOM_GRAPHS, A_FILE)),
        *(f"examples/{name}" for name in examples()),
    ]


def written(name: str) -> tuple[str, str]:
    """The text of a subject, made in a process of its own: what examples do to it, nobody else sees."""
    warnings.simplefilter("ignore")
    kind, _, which = name.partition("/")
    with np.errstate(all="ignore"):
        return name, MAKERS[kind](which)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the texts go")
    parser.add_argument("--only", default="", help="subjects that begin so, such as ops/softmax or examples")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--record", action="store_true", help=f"write {DIGESTS.name} anew")
    args = parser.parse_args()
    names = [name for name in subjects() if name.startswith(args.only)]
    known = dict(line.split()[::-1] for line in DIGESTS.read_text().splitlines()) if DIGESTS.exists() else {}
    digests = {}
    with multiprocessing.get_context("spawn").Pool(args.jobs, maxtasksperchild=1) as pool:
        for name, text in pool.imap(written, names):
            path = args.folder / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            digests[name] = hashlib.sha256(text.encode()).hexdigest()
            if known.get(name) not in (None, digests[name]):
                print(f"{name} differs", flush=True)
    differ = sum(known.get(name) != digest for name, digest in digests.items())
    print(f"{len(digests)} texts, {differ} of them not as in {DIGESTS.name}")
    if args.record:
        digests = known | digests if args.only else digests
        DIGESTS.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())))


if __name__ == "__main__":
    main()
