"""Every script in examples/ and examples/fields/ runs with --quick, says what it promises and draws what it names."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = [path for path in sorted((ROOT / "examples").glob("**/*.py")) if "__main__" in path.read_text("utf-8")]

# What each script must print, and the files it must write. Whoever adds a script says here what it shows.
EXPECTED = {
    "softmax_gradient.py": (
        [
            "%5 = multiply(%1, %4)               (3,)  float64  ∂y/∂x",
            "by the graph    [ 0.222695 -0.162803 -0.059892]",
            "by the Jacobian [ 0.222695 -0.162803 -0.059892]",
            "gradient        [0. 0. 0.]",
            "the same        True",
            "order 2: 10 nodes of its own, 16 in all",
            "gradients of orders 1 and 2 agree with finite differences",
        ],
        {"softmax_1.svg", "softmax_2.svg"},
    ),
    "attention_gradient.py": (
        [
            "scores   [ 1.  0. -1.]",
            "weights  [0.6652 0.2447 0.09  ]",
            "context  [0.5752 0.1547]",
            "now  [[0.9478 0] [0.104 0] [-0.05179 0]]",
            "value -1, below 0.5752  weight 0.0900  ∂loss/∂score -0.1418",
            "sum of ∂loss/∂scores: 0.000000000000",
            "gradients of orders 1 and 2 agree with finite differences",
        ],
        {"attention_values.svg", "attention_gradient.svg"},
    ),
    "training_step.py": (
        [
            "attention/∂loss/∂scores",
            "optimiser/second_moment",
            "state: optimiser/steps, optimiser/rate, optimiser/first_moment, optimiser/second_moment",
            "step 100  loss 0.00",
            "all parameters equal, bit for bit: True",
        ],
        {"training_step.svg"},
    ),
    "own_op.py": (
        [
            "minigrad.soft_cap = limit · tanh(x / limit)",
            "gradients of orders 1 and 2 agree with finite differences",
            "weights, capped    : 0.0218 0.0543 0.9239",
            "%1 = soft_cap(%0, limit=5.0)",
            "%2 = tanh(%1)",
            "gradients of order 1 WRONG for 1 of 1 inputs",
        ],
        {"own_op.svg"},
    ),
    "transformer.py": (
        [
            "%6 = Multi-Head Attention(%5, %5, %5)  ×6",
            "%14 = Multi-Head Attention(%13, %9, %9)  ×6",
            "%20 = Output Probabilities(%19)",
            "%19 = Multi-Head Attention(%18, %12, %12)  ×6",
        ],
        {"figure_1.svg", "figure_1.tex", "figure_1_slide.svg", "figure_1_slide_dark.svg", "norms_before.svg"},
    ),
    "article_diagrams.py": (
        ['s1["key-value pairs<br/>(6, 8)"]', "s4 --> s5", 's3["concatenation<br/>(5, 16)"]'],
        {f"{name}{end}.svg" for name in ("published", "attention", "sequence") for end in ("", "_open")},
    ),
    "train_reverse.py": (
        ["untrained: 0.0% of the sequences right", "place i looks most at place [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]"],
        {"reverse_attention.svg", "reverse_untrained.svg"},
    ),
    "train_text.py": (
        ["characters to learn from", "It writes:\nThe "],
        {"text_attention_0.svg", "text_attention_1.svg", "text.safetensors"},
    ),
    "recognise_speakers.py": (
        ["270 utterances to learn from, 370 to measure on", "result: utterances right "],
        {"speakers_attention.svg"},
    ),
    "recognise_speech.py": (
        [
            "1,360 sequences to learn from, 340 to measure on",
            "attention moves on in ",
            "result: spoken digits right ",
        ],
        {"speech_attention.svg"},
    ),
    "speak_digits.py": (
        ["voices differ, of 101", "to learn from: ", "to measure on: ", "spoken_digits.npz: 0."],
        {"spoken_digits.npz"},
    ),
    "translate_dates.py": (
        ["66,474 dates to learn from, 6,575 unseen", "result: unseen dates right "],
        {"dates_attention.svg"},
    ),
    "generate_text.py": (
        ["temperature 0:\n  The statement ", "temperature 1, top k 5:", "characters   compiled   with cache   without"],
        {"text_choices.svg"},
    ),
    "write_tunes.py": (
        ["It writes:\nX:", "right in 179 real ones: keys 100.0%, metres 100.0%, bars 98.7%, all of it 90.5%"],
        {"tune.abc", "tune_attention.svg"},
    ),
    "graph_attention.py": (
        ["wrong side: 8\n", "result: members on the right side 97.1% (baseline 91.2%)"],
        {"karate_graph.svg", "karate_attention.svg"},
    ),
    "classify_digits.py": (
        ["patches in another order: ", "result: new images right ", "(baseline 96.9%)"],
        {"class_token.svg"},
    ),
    "segment_digits.py": (
        ["result: pixels right ", "result: intersection over union of boxes "],
        {"segments.svg"},
    ),
    "generate_digits.py": (
        ["n-gram models, nats per pixel: 1-gram 2.072, 2-gram 1.880, 3-gram 1.754", "(baseline 1.880)"],
        {"samples.svg", "looking_back.svg"},
    ),
    "scores.py": (["score            parameters  bits at first", "\nadditive              14666"], {"scores.svg"}),
    "long_range.py": (["norm of the gradient, by distance", "first tokens named, after 80 steps"], {"long_range.svg"}),
    "gaussian_process.py": (["step     loss   length   height    noise\n   0 "], {"process.svg"}),
    "two_moons.py": (["step   1: loss ", "step 100: loss ", "with 69015 numbers"], {"moons.svg"}),
    "adder.py": (["held-out loss ", "with -1 where no digit is asked for"], {"adder.svg"}),
    "copy_task.py": (["beside the original: rate within "], {"copy_attention.svg"}),
    "bahdanau.py": (["weights: at most "], {"bahdanau.svg"}),
    "maml.py": (["error on unseen waves after  0 steps   1 step   5 steps\nlearned to learn  "], {"sine.svg"}),
    "digits_vae.py": (["nats per new image: "], {"samples.svg", "elbo.svg"}),
    "burgers.py": (["step  300  loss ", "derivatives beside finite differences: "], {"burgers.svg"}),
    "image_nets.py": (
        ["\ntransformer         39562", "\nconvolutional        6090", "(baseline 96.9%)"],
        {"image_nets.svg"},
    ),
    "positions.py": (["positions        parameters      64     128     256\nnone  "], {"positions.svg"}),
    "attention_cost.py": (
        [
            "  1024  by blocks    0.95       1.8",
            "  1024  plain        0.81      13.1",
            "both ways give the same gradients",
        ],
        {"cost_time.svg", "cost_memory.svg"},
    ),
    "read_attention.py": (
        ["layer  head  entropy  weights  |gradients|  |gradient × weight|", "\nroll-out "],
        {"read_weights.svg", "read_gradients.svg", "read_rollout.svg", "read_exchanged.svg"},
    ),
    "scale_out.py": (
        [
            "mesh: {'data': 4, 'model': 2}, 33 of 65 arrays are cut; collectives:",
            "processes: {'data': 2, 'model': 1}, 33 of 65 arrays are cut; collectives:",
            "\nprocesses: largest relative difference of losses ",
        ],
        {"minigrad.safetensors", "mesh.safetensors", "processes.safetensors"},
    ),
}

# What must hold of the numbers that a script prints, beyond what is the same on every machine.
MEASURED = {
    "train_reverse.py": lambda output: number(r"\ntrained *: ([\d.]+)%", output) > 95,
    "train_text.py": lambda output: number(r"this model: ([\d.]+)", output) < number(r"1-gram ([\d.]+)", output),
    "recognise_speakers.py": lambda output: result(output)[0] > 90 and 96 < result(output)[1] < 97.5,
    "recognise_speech.py": lambda output: result(output)[0] > 5 and 96 < result(output)[1] < 98,
    "translate_dates.py": lambda output: 11 < result(output)[1] < 13,
    "generate_text.py": lambda output: (
        number(r"difference of their logits: (\S+)", output) < 1e-4 and result(output)[0] < 3.6 < 2 + result(output)[1]
    ),
    "write_tunes.py": lambda output: result(output)[0] < 3.9 and 2.0 < result(output)[1] < 2.1,
    "classify_digits.py": lambda output: result(output)[0] > 25,
    "segment_digits.py": lambda output: number(r"pixels right ([\d.]+)%", output) > 70,
    "generate_digits.py": lambda output: result(output)[0] < 2.0,
    "scores.py": lambda output: (
        result(output)[0] > 60 > 2 * result(output)[1]
        and number(r"\ndot +\d+ +([\d.]+)", output) < 1 < 2 < number(r"\nscaled dot +\d+ +([\d.]+)", output)
    ),
    "long_range.py": lambda output: (
        result(output)[0] > 60 > 2 * result(output)[1]
        and number(r"\nattention .* (\S+)\nrecurrent", output)
        > 1e-3
        > 1e-15
        > number(r"\nrecurrent .*?(\S+)\n", output)
    ),
    "gaussian_process.py": lambda output: (
        number(r"at most (\S+) from the closed form", output) < 1e-10
        and number(r" (\S+) from 0 in the end", output) < 1e-8
        and result(output)[0] < result(output)[1]
    ),
    "two_moons.py": lambda output: (
        all(float(each) < 1e-14 for each in re.findall(r"at most (\S+) apart", output))
        and result(output)[0] == 100 > 90 > result(output)[1]
    ),
    "adder.py": lambda output: (
        number(r"loss [\d.]+, (\S+) from that", output) < 1e-6
        and 50 < result(output)[1] < 60
        and result(output)[0] > 15
    ),
    "copy_task.py": lambda output: (
        number(r"rate within (\S+) of it", output) < 1e-14
        and number(r"the loss within (\S+)\n", output) < 1e-12
        and result(output)[0] > 50 > result(output)[1]
    ),
    "bahdanau.py": lambda output: (
        number(r"at most (\S+) from the equations", output) < 1e-5
        and result(output)[0] > 5
        and 45 < result(output)[1] < 46
    ),
    "maml.py": lambda output: (
        number(r"gradient: (\S+) of its norm", output) < 1e-7
        and result(output)[0] < number(r"\nto first order +\S+ +(\S+)", output) < 1.4 < result(output)[1]
    ),
    "digits_vae.py": lambda output: (
        number(r"divergence: at most (\S+) from its integral", output) < 1e-10
        and number(r"image: (\S+) with 1 ", output) > number(r" (\S+) with 10,", output) > result(output)[0]
        and result(output)[0] < 115
    ),
    "burgers.py": lambda output: (
        all(float(each) < 1e-4 for each in re.findall(r" (\S+) by [tx]", output)) and result(output)[0] < 10
    ),
    "image_nets.py": lambda output: (
        all(float(each) < 1e-5 for each in re.findall(r"% +(\S+)\n", output)) and result(output)[0] > 60
    ),
    "positions.py": lambda output: result(output)[0] < 3.4 and number(r"\nALiBi .* (\S+)\n", output) < 3.4,
    "attention_cost.py": lambda output: result(output)[0] < result(output)[1],
    "read_attention.py": lambda output: (
        result(output)[0] > 85 > result(output)[1]
        and number(r"other digits exchanged: .* (\S+) at most", output) > 1
        and number(r"equal digits exchanged: .* (\S+) at most", output) < 1e-3
    ),
    "scale_out.py": lambda output: (
        " all-reduce " in output
        and re.search(r"all-gather +(optimiser|clipping)", output) is None
        and all(float(each) < 1e-12 for each in re.findall(r"difference of losses (\S+)", output))
    ),
}

PROGRAMS = {"speak_digits.py": "espeak-ng"}  # what a script calls

# The library that a script needs beyond the extra `demo`, and the extra it comes with.
NEEDED = {
    "translate_dates.py": ("babel", "translation"),
    "write_tunes.py": ("music21", "music"),
    "scale_out.py": ("jax", "jax"),
}

QUICK = {
    "own_op.py",
    "gaussian_process.py",
    "graph_attention.py",
    "softmax_gradient.py",
    "speak_digits.py",
    "training_step.py",
    "two_moons.py",
}  # the rest take seconds each

each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
each_in_its_tier = pytest.mark.parametrize(
    "path", [path if path.name in QUICK else pytest.param(path, marks=pytest.mark.deep) for path in EXAMPLES],
    ids=lambda path: path.name,
)  # fmt: skip


@each_in_its_tier
def test_example_shows_what_it_promises(path, tmp_path):
    if path.name in NEEDED:
        library, extra = NEEDED[path.name]
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{path.name} needs {library}, the extra `{extra}`")
    if path.name in PROGRAMS and shutil.which(PROGRAMS[path.name]) is None:
        pytest.skip(f"{path.name} needs the program {PROGRAMS[path.name]}")
    printed, drawn = EXPECTED[path.name]
    out = tmp_path / "out"
    output = run(path, "--quick", "--out", str(out), folder=tmp_path)
    for line in printed:
        assert line in output
    if path.name in MEASURED:
        assert MEASURED[path.name](output), output
    assert {file.name for file in out.iterdir()} >= drawn
    assert list(tmp_path.iterdir()) == [out], "it writes elsewhere"


@each_example
def test_example_is_short_and_says_what_to_look_at(path):
    source = path.read_text("utf-8")
    assert len(source.splitlines()) < 120
    assert "look at" in (ast.get_docstring(ast.parse(source)) or "")


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, f"{pattern} in {text}"
    return float(found[1])


def result(output: str) -> tuple[float, float]:
    """The figure in the last line, and that of the baseline beside it."""
    found = re.search(r"\nresult: [a-z ]+ ([\d.]+)%? \(baseline ([\d.]+)%?\)\n$", output)
    assert found, output
    return float(found[1]), float(found[2])


def run(path: Path, *arguments: str, folder: Path) -> str:
    """What the script prints, run in `folder` on this tree, with warnings as errors."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", str(path), *arguments],
        cwd=folder,
        # One thread: several that wait for each other on a busy machine take many times as long.
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
