"""How costs grow: with the nodes of a graph, the tokens of a sequence, the steps of a run; and what a first call costs.

    python tests/bench/scaling.py                    all parts, some three minutes
    python tests/bench/scaling.py chain parts        these parts only
    python tests/bench/scaling.py --quick            smaller sizes, fewer rounds: some fifteen seconds

Times are minima over rounds, on one thread; what must not be warm runs in a process of its own each time. What a node
costs is processor time, over as many nodes in short chains as in a long one, in turns.
"""

import importlib.util
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from measuring import describe_machine, in_a_new_process, least, parse_parts, peak_megabytes, resident_megabytes
from train_step import MODES, make_step
from workload import SIZES, batches

import minigrad as mg
from minigrad.compiler.planner import make_plan
from minigrad.compiler.printer import print_program
from minigrad.compiler.rewrite import rewritten


def main():
    parts, quick = parse_parts(__doc__, PARTS, "smaller sizes, fewer rounds")
    print(describe_machine())
    for part in parts:
        print()
        PARTS[part](quick)


# --- nodes ------------------------------------------------------------------------------------------------------------


def chain(quick):
    """Forward and backward through a chain of sines, beside autograd where it can be imported."""
    lengths = (1_000, 10_000) if quick else (1_000, 3_000, 10_000, 30_000, 100_000)
    table = Table(
        "A chain of sines in eager mode, µs per node (goals: ÷ first ≤ 1.6, backward ÷ forward ≤ 3)",
        ("nodes", "forward", "÷ first", "backward", "÷ first", "backward ÷ forward"),
        ("{:,}", *["{:.2f}"] * 5),
    )
    rounds = [[measure_chain(nodes, lengths[-1]) for nodes in lengths] for _ in range(2 if quick else 5)]
    costs = [np.min(runs, axis=0) for runs in zip(*rounds, strict=True)]
    for nodes, (forward, backward) in zip(lengths, costs, strict=True):
        table.row(nodes, forward, forward / costs[0][0], backward, backward / costs[0][1], backward / forward)
    engines = [engine for engine in ENGINES if importlib.util.find_spec(engine)]
    runs = [
        [in_a_new_process(measure_engine, engine, lengths[-1]) for engine in engines] for _ in range(1 if quick else 5)
    ]
    for engine, of_one in zip(engines, zip(*runs, strict=True), strict=True):
        seconds, megabytes, gradients = zip(*of_one, strict=True)
        print(
            f"{engine}, {lengths[-1]:,} nodes, first run of a process: {min(seconds):.2f} s, "
            f"{max(megabytes):.0f} MB, gradient {gradients[0]:.6g}"
        )


def measure_chain(nodes, in_all):
    """Microseconds of processor per node, forward and backward, over as many chains as have `in_all` nodes together."""
    forward = backward = 0.0
    count = in_all // nodes
    for _ in range(count):
        x = mg.Tensor(0.5, requires_grad=True)
        start = time.process_time()
        y = sines(mg.sin, x, nodes)
        middle = time.process_time()
        y.backward()
        end = time.process_time()
        forward, backward = forward + (middle - start), backward + (end - middle)
        del x, y  # freed here, not while the next is timed
    return forward / (count * nodes) * 1e6, backward / (count * nodes) * 1e6


def measure_engine(engine, nodes):
    """Seconds and megabytes of forward and backward together, and the gradient."""
    gradient_of = ENGINES[engine]()
    megabytes, start = -peak_megabytes(), time.process_time()
    gradient = gradient_of(nodes)
    return time.process_time() - start, megabytes + peak_megabytes(), gradient


def sines(sin, x, nodes):
    for _ in range(nodes):
        x = sin(x)
    return x


def with_minigrad():
    def gradient_of(nodes):
        x = mg.Tensor(0.5, requires_grad=True)
        sines(mg.sin, x, nodes).backward()
        return float(x.grad)

    return gradient_of


def with_autograd():
    import autograd

    return lambda nodes: autograd.grad(lambda x: sines(autograd.numpy.sin, x, nodes))(0.5)


ENGINES = {"minigrad": with_minigrad, "autograd": with_autograd}


def listing(quick):
    """The graph of a chain, its listing and its DOT text."""
    lengths = (1_000, 10_000)
    table = Table(
        "The graph of a chain as text, µs per node (linear: ÷ first stays near 1)",
        ("nodes", "graph", "÷ first", "listing", "÷ first", "DOT", "÷ first"),
        ("{:,}", *["{:.2f}"] * 6),
    )
    rounds = [[measure_listing(nodes, lengths[-1]) for nodes in lengths] for _ in range(2 if quick else 5)]
    costs = [np.min(runs, axis=0) for runs in zip(*rounds, strict=True)]
    for nodes, cost in zip(lengths, costs, strict=True):
        table.row(nodes, *np.stack([cost, cost / costs[0]], axis=1).ravel())


def measure_listing(nodes, in_all):
    """Microseconds of processor per node: to make the graph, its listing, its DOT text."""
    costs = np.zeros(3)
    for _ in range(in_all // nodes):
        y = sines(mg.sin, mg.Tensor(0.5, requires_grad=True, name="x"), nodes)
        times = [time.process_time()]
        graph = y.graph()
        times.append(time.process_time())
        str(graph)
        times.append(time.process_time())
        graph.dot()
        times.append(time.process_time())
        costs += np.diff(times)
        del y, graph  # freed here, not while the next is timed
    return costs / in_all * 1e6


# --- tokens -----------------------------------------------------------------------------------------------------------


def tokens(quick):
    """A training step of the small model on one sequence of growing length."""
    table = Table(
        "A training step of the small model on one sequence (the attention weights grow with the square of its tokens)",
        ("tokens", "eager ms", "µs/token", "compiled ms", "µs/token", "compiled ÷ eager"),
        ("{:,}", "{:.3f}", "{:.1f}", "{:.3f}", "{:.1f}", "{:.2f}"),
    )
    rounds, seconds = (1, 0.2) if quick else (3, 1.0)
    for length in (32, 128) if quick else (32, 64, 128, 256, 512, 1_024):
        runs = [[in_a_new_process(measure_tokens, mode, length, seconds) for mode in MODES] for _ in range(rounds)]
        eager, compiled = np.min(runs, axis=0)
        table.row(length, eager * 1e3, eager / length * 1e6, compiled * 1e3, compiled / length * 1e6, compiled / eager)


def measure_tokens(mode, length, seconds):
    """Seconds of a training step."""
    size = f"small, one sequence of {length} tokens"
    SIZES[size] = (1, length, *SIZES["small"][2:])
    mg.keep_memory()
    step_on, (batch,) = make_step(size, mode), batches(size, 1)
    float(step_on(*batch))
    return least(lambda: float(step_on(*batch)), rounds=5, seconds=seconds)


# --- steps ------------------------------------------------------------------------------------------------------------


def memory(quick):
    """What the process holds as a run gets long."""
    marks = (10, 100, 1_000) if quick else (100, 1_000, 10_000)
    table = Table(
        "Resident memory of a run of tiny training steps, MB (flat: the last column stays near 0)",
        ("mode", *(f"after {mark:,} steps" for mark in marks), f"growth after {marks[0]:,}"),
        ("{}", *["{:.2f}"] * 3, "{:+.2f}"),
    )
    for mode in MODES:
        held = in_a_new_process(measure_memory, mode, marks)
        table.row(mode, *held, held[-1] - held[0])


def measure_memory(mode, marks):
    """The resident megabytes after so many steps."""
    mg.keep_memory()
    step_on, data = make_step("tiny", mode), batches("tiny")
    held = []
    for i in range(marks[-1]):
        float(step_on(*data[i % 4]))
        if i + 1 in marks:
            held.append(resident_megabytes())
    return held


# --- the first call ---------------------------------------------------------------------------------------------------


def compilation(quick):
    """Capture, and capture with compilation, in new processes."""
    table = Table(
        "Capture and compilation of a training step, seconds (goals: in all ≤ 0.1 at tiny, ≤ 1 at medium)",
        ("size", "nodes", "instructions", "capture", "in all"),
        ("{}", "{:,}", "{:,}", "{:.3f}", "{:.3f}"),
    )
    rounds = 1 if quick else 5
    for size in ("tiny",) if quick else ("tiny", "small", "medium"):
        capture, nodes = min(in_a_new_process(measure_capture, size) for _ in range(rounds))
        in_all, instructions = min(in_a_new_process(measure_compilation, size) for _ in range(rounds))
        table.row(size, nodes, instructions, capture, in_all)


def measure_capture(size):
    """Seconds of a first capture, and the nodes of its graph."""
    step_on, (batch,) = make_step(size, "eager"), batches(size, 1)
    start = time.perf_counter()
    graph = mg.trace(step_on, *batch)
    return time.perf_counter() - start, len(graph)


def measure_compilation(size):
    """Seconds that a first call takes more than a later one, and the lines of the program."""
    mg.keep_memory()
    step_on, (batch,) = make_step(size, "compiled"), batches(size, 1)
    start = time.perf_counter()
    float(step_on(*batch))
    first = time.perf_counter() - start
    return first - least(lambda: float(step_on(*batch)), rounds=3), step_on.stats.instructions


def planning(quick):
    """From a captured function to the text of its program, where it has few and many parameters, steps, pieces."""
    table = Table(
        "Planning a program of n and of 8 n parts, seconds of processor (goal: ratio ≤ 16)",
        ("parts", "n", "at n", "at 8 n", "ratio"),
        ("{}", "{:,}", "{:.3f}", "{:.3f}", "{:.1f}"),
    )
    for kind in PLANNED:
        n = 20 if quick else 100
        few, many = (
            min(measure_planning(kind, count) for _ in range(2 if quick else 3)) for count in (n, 8 * n)
        )  # fmt: skip
        table.row(kind, n, few, many, many / few)


def measure_planning(kind, count):
    """Seconds of processor from a graph to the text of its program."""
    function, *args = PLANNED[kind](count)
    graph = mg.trace(function, *args)
    start = time.process_time()
    print_program(make_plan(rewritten(graph)))
    return time.process_time() - start


def training_of_many(count):
    weights = [mg.Tensor(np.full((4, 4), 0.1), requires_grad=True, name=f"weight_{i}") for i in range(count)]
    optimiser = mg.optim.Adam(weights, rate=0.01)

    def step(x):
        optimiser.zero_grad()
        for weight in weights:
            x = mg.tanh(x @ weight)
        loss = mg.sum(x * x)
        loss.backward()
        optimiser.step()
        return loss

    return step, np.ones((2, 4))


def states_of_many(count):
    states = [mg.Tensor(np.full((4, 4), 0.1), name=f"state_{i}") for i in range(count)]

    def step(x):
        for state in states:
            x = mg.tanh(x @ state)
            mg.assign(state, mg.read(state) * 0.9 + x)
        return x

    return step, np.ones((4, 4))


def chain_of(shape):
    def chain(count):
        def step(x):
            for _ in range(count):
                x = mg.sin(x) * 0.5
            return x

        return step, np.ones(shape)

    return chain


PLANNED = {
    "parameters": training_of_many,
    "states": states_of_many,
    "operations": chain_of((4, 4)),
    "in pieces": chain_of((2**10, 2**7)),
}


# --- parts ------------------------------------------------------------------------------------------------------------


def parts(quick):
    """The backward pass of what is joined or taken apart; the explorer's page of nested modules, and of neighbours."""
    table = Table(
        "Parts and scopes: n and 8 n of them, seconds of processor (goal: ratio ≤ 16)",
        ("what", "n", "at n", "at 8 n", "ratio"),
        ("{}", "{:,}", "{:.4f}", "{:.4f}", "{:.1f}"),
    )
    for kind, prepared in OF_PARTS.items():
        n = (50 if quick else 100) if kind.startswith("explore") else 250 if quick else 1_000
        few, many = (min(measure_parts(prepared, count) for _ in range(2 if quick else 3)) for count in (n, 8 * n))
        table.row(kind, n, few, many, many / few)


def measure_parts(prepared, count):
    """Seconds of processor of what `prepared(count)` leaves to do."""
    run = prepared(count)
    start = time.process_time()
    run()
    return time.process_time() - start


def joined_by(join):
    def prepared(count):
        y = join([mg.Tensor(np.ones(4), requires_grad=True) for _ in range(count)])
        return lambda: y.backward(np.ones(y.shape))

    return prepared


def taken_by(take):
    def prepared(count):
        x = mg.Tensor(np.ones((count, 4)), requires_grad=True)
        y = mg.stack([mg.sum(part) for part in take(x * 1.0)])
        return lambda: y.backward(np.ones(y.shape))

    return prepared


def explored(make):
    def prepared(count):
        graph = make(count)
        return lambda: graph.explore()

    return prepared


def nested_scopes(count):
    x, blocks = mg.Tensor(np.ones(2), requires_grad=True, name="x"), [mg.scope("block") for _ in range(count)]
    for block in blocks:
        block.__enter__()
        x = mg.tanh(x * 1.5)
    for block in reversed(blocks):
        block.__exit__(None, None, None)
    return mg.sum(x).graph()


def neighbouring_scopes(count):
    x = mg.Tensor(np.ones(2), requires_grad=True, name="x")
    for i in range(count):
        with mg.scope(f"block {i}"):
            for _ in range(i % 3 + 1):  # neighbours that are equal would be drawn once
                x = mg.tanh(x * 1.5)
            with mg.scope("inner"):
                x = mg.sin(x) * 2.0 * x
    return mg.sum(x).graph()


OF_PARTS = {
    "concatenate": joined_by(mg.concatenate),
    "stack": joined_by(lambda xs: mg.stack(xs, axis=1)),
    "split": taken_by(lambda x: mg.split(x, len(x))),
    "x[i]": taken_by(list),
    "explore nested": explored(nested_scopes),
    "explore beside": explored(neighbouring_scopes),
}


PARTS = {
    "chain": chain,
    "listing": listing,
    "tokens": tokens,
    "memory": memory,
    "compile": compilation,
    "planning": planning,
    "parts": parts,
}


# --- printing ---------------------------------------------------------------------------------------------------------


class Table:
    """Rows under a heading, printed one by one as they are measured."""

    def __init__(self, title, names, formats):
        self.names, self.formats = names, formats
        print(title)
        print("  ".join(f"{name:>9}" for name in names))

    def row(self, *figures):
        words = (form.format(figure) for form, figure in zip(self.formats, figures, strict=True))
        line = (f"{word:>{max(9, len(name))}}" for word, name in zip(words, self.names, strict=True))
        print("  ".join(line), flush=True)


if __name__ == "__main__":
    main()
