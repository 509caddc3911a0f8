"""What users wait for besides a training step, each beside its peers: a table of times and their ratios.

    python tests/bench/waits.py                      all parts, some seven minutes
    python tests/bench/waits.py import generation    these parts only
    python tests/bench/waits.py --quick              one round, without the whole demo: half a minute

Every figure is taken in a process of its own, on one thread, subject after subject in turns; the least of the rounds is
shown. Ratios are ours to theirs, in time, also where tokens a second are shown: below 1 we are faster. Their spread is
the least and the largest of a round. A peer that is not installed is named and left out.
"""

import importlib.util
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np
from measuring import describe_machine, in_a_new_process, parse_parts

ROUNDS = 5


class Side(NamedTuple):
    """Who is measured: `measure(*arguments)` returns seconds, and runs in a new process."""

    name: str
    measure: Callable[..., float]
    arguments: tuple = ()
    needs: str = "minigrad"


class Wait(NamedTuple):
    """What somebody waits for: ours, and what else does the same."""

    what: str
    unit: str
    ours: Side
    peers: tuple[Side, ...] = ()
    rounds: int = ROUNDS
    quick_rounds: int = 1


UNITS = {
    "s": lambda seconds: f"{seconds:.2f} s",
    "ms": lambda seconds: f"{seconds * 1e3:.1f} ms",
    "tokens/s": lambda seconds: f"{1 / seconds:,.0f} tokens/s",
}


# --- import -----------------------------------------------------------------------------------------------------------


def measure_import(module):
    """Of two times the second: before the first there may have been no byte code."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    for _ in range(2):
        run = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=True)
    return float(run.stdout)


def importing(module):
    return Side(f"import {module}", measure_import, (module,), module)


# --- pictures and pages -----------------------------------------------------------------------------------------------


def measure_first_picture():
    import minigrad as mg

    query, key, value = make_head()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        mg.draw(mg.scaled_dot_product_attention, query, key, value, path=f"{folder}/head.svg")
        return time.perf_counter() - start


def measure_first_torchviz():
    import torch

    query, key, value = (torch.tensor(array, requires_grad=True) for array in make_head())
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        from torchviz import make_dot

        weights = torch.softmax(query @ key.mT / key.shape[-1] ** 0.5, -1)
        names = {"query": query, "key": key, "value": value}
        make_dot((weights @ value).sum(), params=names).render(f"{folder}/head", format="svg")
        return time.perf_counter() - start


def make_head():
    return np.random.default_rng(0).standard_normal((3, 3, 2))


def measure_page(layers, kind):
    """Processor seconds of the page, or the picture, of a small model; the layout, in a process below, included."""
    from pictures import model

    graph = model(layers)
    make = {"page": graph.explore, "picture": graph.draw}[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / {"page": "page.html", "picture": "picture.svg"}[kind]
        start = processor_seconds()
        make(path)
        return processor_seconds() - start


def processor_seconds():
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def make_page(layers, nodes):
    page, picture = (Side(f"its {kind}", measure_page, (layers, kind)) for kind in ("page", "picture"))
    return Wait(f"explorer page, {nodes} nodes, processor", "s", page, (picture,))


# --- gradient checks --------------------------------------------------------------------------------------------------


def measure_check():
    from minigrad.cli.lessons import check_block

    start = time.perf_counter()
    check_block()
    return time.perf_counter() - start


def measure_torch_check(fast_mode):
    """The same block and weights as in `check_block`."""
    import torch
    from torch_block import attend_to_earlier, run_block

    from minigrad.nn import TransformerBlock

    rng = np.random.default_rng(0)
    block = TransformerBlock(8, 2, hidden=16, causal=True, activation="gelu", dtype=np.float64, rng=rng)
    names, arrays = zip(*block.state_dict().items(), strict=True)
    inputs = [torch.tensor(array, requires_grad=True) for array in (rng.standard_normal((4, 8)), *arrays)]

    def run(x, *weights):
        return run_block(x, dict(zip(names, weights, strict=True)), 2, attend_to_earlier, torch.nn.functional.gelu)

    start = time.perf_counter()
    torch.autograd.gradcheck(run, inputs, fast_mode=fast_mode)
    torch.autograd.gradgradcheck(run, inputs, fast_mode=fast_mode)
    return time.perf_counter() - start


# --- generation -------------------------------------------------------------------------------------------------------


def measure_generation(way):
    import generation

    return generation.measure_token(getattr(generation, way), seconds=2.0)


def compute_logits(way):
    import generation

    return generation.compute_logits(getattr(generation, way))


def compare_logits(sides):
    """The largest difference between the logits of all sides along one text, where it is no more than rounding."""
    ours, *others = (in_a_new_process(compute_logits, *side.arguments) for side in sides)
    apart = max((float(np.abs(ours - logits).max()) for logits in others), default=0.0)
    if not apart < 1e-4:
        sys.exit(f"the ways to generate do not compute the same: their logits are up to {apart:.0e} apart")
    return apart


# --- the demo ---------------------------------------------------------------------------------------------------------


FIRST_RESULT = re.compile(r"^  embeddings ")  # the first node of the three-token table


def measure_demo(*options, until=None):
    """Seconds until a line that matches `until`, or to the end; the start of Python included."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-u", "-m", "minigrad", "demo", "--out", folder, *options]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        start = time.perf_counter()
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as run:
            for line in run.stdout:
                if until is not None and until.search(line):
                    seconds = time.perf_counter() - start
                    run.terminate()
                    return seconds
        if run.returncode:
            raise SystemExit(f"minigrad demo {' '.join(options)}: exit {run.returncode}")
        return time.perf_counter() - start


def measure_first_result():
    return measure_demo("--quick", until=FIRST_RESULT)


# --- checkpoints ------------------------------------------------------------------------------------------------------


def measure_saving(library):
    model = make_large_model()
    save, _ = LIBRARIES[library]()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        save(f"{folder}/model.safetensors", model)
        return time.perf_counter() - start


def measure_loading(library):
    """Into the model that was saved."""
    model = make_large_model()
    save, load = LIBRARIES[library]()
    with tempfile.TemporaryDirectory() as folder:
        save(f"{folder}/model.safetensors", model)
        start = time.perf_counter()
        load(f"{folder}/model.safetensors", model)
        return time.perf_counter() - start


def make_large_model():
    """100 MB of parameters."""
    from minigrad.nn import Linear, Module

    class Layers(Module):
        def __init__(self):
            self.layers = [Linear(1250, 2500, bias=False, rng=np.random.default_rng(i)) for i in range(8)]

    return Layers()


def with_minigrad():
    from minigrad.io import load_checkpoint, save_checkpoint

    return save_checkpoint, load_checkpoint


def with_safetensors():
    """The library's own functions on the same names and arrays; it neither checks sums nor waits for the disk."""
    from safetensors.numpy import load_file, save_file

    def save(path, model):
        save_file(model.state_dict(), path)

    def load(path, model):
        model.load_state_dict(load_file(path))

    return save, load


LIBRARIES = {"minigrad": with_minigrad, "safetensors": with_safetensors}


# --- parts ------------------------------------------------------------------------------------------------------------


WAYS = [
    Side("compiled", measure_generation, ("compiled",)),
    Side("PyTorch, static cache", measure_generation, ("torch_static",), "torch"),
    Side("our eager loop", measure_generation, ("eager",)),
]
PARTS = {
    "import": [
        Wait(
            "import minigrad", "ms", importing("minigrad"),
            (importing("numpy"), importing("torch"), importing("jax")), rounds=15,
        ),
    ],
    "picture": [
        Wait(
            "first picture of a head", "ms", Side("minigrad", measure_first_picture),
            (Side("torchviz", measure_first_torchviz, needs="torchviz"),),
        ),
    ],
    "page": [make_page(2, 97), make_page(5, 220), make_page(8, 343)],
    "check": [
        Wait(
            "gradient check of a block, to order 2", "s", Side("minigrad", measure_check),
            (
                Side("torch gradcheck", measure_torch_check, (False,), "torch"),
                Side("torch gradcheck, fast mode", measure_torch_check, (True,), "torch"),
            ),
        ),
    ],
    "generation": [Wait("the demo's model writes", "tokens/s", WAYS[0], tuple(WAYS[1:]))],
    "demo": [
        Wait("demo, until its first result", "s", Side("minigrad", measure_first_result)),
        Wait("demo --quick", "s", Side("minigrad", measure_demo, ("--quick",)), rounds=2),
        Wait("demo", "s", Side("minigrad", measure_demo), rounds=1, quick_rounds=0),
    ],
    "checkpoint": [
        Wait(f"checkpoint of 100 MB, {what}", "ms", Side("minigrad", measure, ("minigrad",)),
             (Side("safetensors", measure, ("safetensors",), "safetensors"),))
        for what, measure in (("saved", measure_saving), ("loaded", measure_loading))
    ],
}  # fmt: skip


# --- measuring in turns -----------------------------------------------------------------------------------------------

COLUMNS = ("what", "minigrad", "peer", "its time", "ratio", "spread")


def main():
    parts, quick = parse_parts(__doc__, PARTS, "one round, without the whole demo")
    print(f"{describe_machine()}; one thread\n")
    for line in make_table(parts, quick):
        print(line, flush=True)


def make_table(parts, quick=False):
    """The lines of the table, as they are measured, and below it what there is to say."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    remarks = []
    for wait in (wait for part in parts for wait in PARTS[part]):
        rounds = wait.quick_rounds if quick else wait.rounds
        sides = list_installed((wait.ours, *wait.peers))
        remarks += [f"{side.name} is not installed and left out" for side in wait.peers if side not in sides]
        if rounds:
            yield from make_rows(wait, sides, rounds)
    if "generation" in parts:
        remarks.append(
            f"the logits of all ways to generate differ by {compare_logits(list_installed(WAYS)):.0e} at most"
        )
    yield from ("", *(f"{remark[0].upper()}{remark[1:]}." for remark in remarks))


def list_installed(sides):
    return [side for side in sides if importlib.util.find_spec(side.needs)]


def make_rows(wait, sides, rounds):
    times = np.array([[in_a_new_process(side.measure, *side.arguments) for side in sides] for _ in range(rounds)])
    show, (ours, *theirs) = UNITS[wait.unit], times.min(axis=0)
    if not theirs:
        yield f"| {wait.what} | {show(ours)} | | | | |"
    for side, least, column in zip(sides[1:], theirs, times.T[1:], strict=True):
        ratios = times[:, 0] / column
        spread = f"{ratios.min():.2f}–{ratios.max():.2f}"
        yield f"| {wait.what} | {show(ours)} | {side.name} | {show(least)} | {ours / least:.2f} | {spread} |"


if __name__ == "__main__":
    main()
