"""A run goes from a laptop to many devices, or to several machines, and comes back: one step, exported to JAX.

    python examples/scale_out.py mesh          8 devices: a batch is shared among 4, a matrix between 2
    python examples/scale_out.py processes     2 processes that talk over the network, half a batch each

minigrad takes the first steps, of the model of generate_text.py, and saves a checkpoint; JAX goes on from there, on
virtual devices, and minigrad from what JAX has saved. Without either word both are shown. It needs the extra `jax`.

What to look at:
1. The losses, beside those of a run that never left minigrad: they differ by rounding.
2. RULES: which arrays are cut along which axis, by the ends of their paths, which moments share with their parameters.
3. The collectives, what devices tell each other: nothing is gathered for the optimiser, each updates what it holds.
"""

import argparse
import functools
import os
import re
import tempfile
from pathlib import Path

import numpy as np
from together import free_address, run_together

import minigrad as mg
from minigrad import data, io, nn, optim

MESHES = {"mesh": (4, 2), "processes": (2, 1)}  # devices along the axes "data" and "model"
PROCESSES = {"mesh": 1, "processes": 2}
RULES = {  # the end of a path → the axis of the mesh along which each axis of the array is cut
    ("embedding.weight", "query.weight", "key.weight", "value.weight", "up.weight"): (None, "model"),
    ("query.bias", "key.bias", "value.bias", "up.bias"): ("model",),
    ("attention.output.weight", "down.weight"): ("model", None),
}
COLLECTIVE = re.compile(r"= .* (all-\w+|reduce-scatter|collective-permute)(?:-start)?\(.*op_name=\"[^\"/]*/\(?(\w+)")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a few steps in minigrad, on many devices, and in minigrad.")
    parser.add_argument("way", nargs="?", choices=MESHES, help="both by default")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir(), "scale_out"), help="for checkpoints")
    parser.add_argument("--quick", action="store_true", help="a smaller model, and fewer steps")
    parser.add_argument("--patience", type=float, default=300, help="seconds in which a process has to print something")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for way in [arguments.way] if arguments.way else MESHES:
        go_out_and_back(way, arguments.out, arguments.quick, arguments.patience)


def make(quick: bool) -> tuple:
    """The model, its optimiser, a step, and batches for three times as many steps: the same in each process."""
    text, context, layers, count = data.python_topics(), 16 if quick else 128, 1 if quick else 3, 2 if quick else 4
    vocabulary, rng = data.Vocabulary(text.train + text.validation), np.random.default_rng(0)
    model = nn.LanguageModel(len(vocabulary), 96, heads=4, layers=layers, context=context, rng=rng, dtype=np.float64)
    optimiser = optim.AdamW(model.parameters(), rate=6e-3, schedule=optim.WarmupCosine(warmup=4, steps=100))

    def step(tokens: np.ndarray, targets: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    batches = data.text_batches(vocabulary.encode(text.train), 16, context, rng)
    return model, optimiser, step, [[next(batches) for _ in range(count)] for _ in range(3)]


def go_out_and_back(way: str, folder: Path, quick: bool, patience: float) -> None:
    *_, step, batches = make(quick)
    expected = [float(step(*batch)) for row in batches for batch in row]
    model, optimiser, step, _ = make(quick)
    losses = [float(step(*batch)) for batch in batches[0]]
    io.save_checkpoint(folder / "minigrad.safetensors", model, optimiser)
    devices = str(np.prod(MESHES[way]) // PROCESSES[way])  # of each process, on its CPU
    os.environ |= {"JAX_NUM_CPU_DEVICES": devices, "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}
    task = functools.partial(train_on_devices, way, folder, quick, free_address())
    first, *_ = run_together(task, PROCESSES[way], folder, patience)
    print(first)
    losses += map(float, re.findall(r"\nloss (\S+)", first))
    io.load_checkpoint(folder / f"{way}.safetensors", model, optimiser)
    losses += [float(step(*batch)) for batch in batches[2]]
    print(f"taken by   {'loss':<18} minigrad alone")
    for taker, *both in zip(np.repeat(["minigrad", way, "minigrad"], len(batches[0])), losses, expected, strict=True):
        print("{:<10} {:<18.15f} {:.15f}".format(taker, *both))
    difference = np.max(np.abs(np.divide(losses, expected) - 1))
    assert difference < 1e-12, f"the losses differ by {difference:.1e}"
    print(f"{way}: largest relative difference of losses {difference:.0e}\n", flush=True)


def train_on_devices(way: str, folder: Path, quick: bool, address: str, process: int) -> None:
    import jax

    if way == "processes":
        jax.distributed.initialize(address, num_processes=PROCESSES[way], process_id=process)
    mesh = jax.sharding.Mesh(np.array(jax.devices()).reshape(MESHES[way]), ("data", "model"))
    model, optimiser, step, (_, batches, _) = make(quick)
    io.load_checkpoint(folder / "minigrad.safetensors", model, optimiser)
    step = mg.trace(step, *batches[0]).to_jax()
    mine = [[np.split(array, jax.process_count())[process] for array in batch] for batch in batches]
    by_batch = jax.NamedSharding(mesh, jax.P("data"))  # to which each process brings its own part
    shared = [[jax.make_array_from_process_local_data(by_batch, part) for part in batch] for batch in mine]
    cuts = {path: next((cut for ends, cut in RULES.items() if path.endswith(ends)), ()) for path in step.state}
    places = {path: jax.NamedSharding(mesh, jax.P(*cut)) for path, cut in cuts.items()}
    state = jax.device_put(step.state, places)
    run = jax.jit(step, out_shardings=(places, None)).lower(state, *shared[0]).compile()
    print(f"{way}: {dict(mesh.shape)}, {sum(map(bool, cuts.values()))} of {len(cuts)} arrays are cut; collectives:")
    for each in sorted({*(found := COLLECTIVE.findall(run.as_text()))}):
        print("{:>6}  {:<12} {}".format(found.count(each), *each))
    for batch in shared:
        state, loss = run(state, *batch)
        print("loss", float(loss))
    if process == 0:
        io.save_arrays(folder / f"{way}.safetensors", {path: np.asarray(array) for path, array in state.items()})


if __name__ == "__main__":
    main()
