"""The listing and the DOT text of softmax and one attention head, with gradients of orders 1 to 3, byte for byte.

After a change that is meant, `MINIGRAD_UPDATE_GOLDEN=1` in the environment rewrites the files, for the diff to be read.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import graph_of, trace

GOLDEN = Path(__file__).parent.parent / "golden"


def check_golden(name, text):
    path = GOLDEN / name
    if os.environ.get("MINIGRAD_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text, f"{name} differs; see the docstring of {Path(__file__).name}"


def softmax(order):
    """Softmax of three scores and its vector-Jacobian products up to `order`, one after another."""
    scores = mg.Tensor([1.0, 0.0, -1.0], requires_grad=True, name="scores")
    outputs = [mg.softmax(scores)]
    outputs[0].name = "weights"
    for _ in range(order):
        outputs.append(mg.grad(outputs[-1], scores, cotangents=np.array([1.0, 2.0, 4.0]), create_graph=True))
    return graph_of(outputs)


def attention(order):
    """One causal head of three tokens, and the gradients of its loss, of the sum of these, and so on."""
    rng = np.random.default_rng(0)
    variables = [mg.Tensor(rng.standard_normal((3, 2)), requires_grad=True, name=n) for n in ("query", "key", "value")]
    loss = mg.sum(mg.square(mg.scaled_dot_product_attention(*variables, causal=True)))
    loss.name = "loss"
    outputs = [loss]
    for _ in range(order):
        gradients = mg.grad(outputs[-1], variables[0], create_graph=True)
        outputs.append(mg.sum(gradients))
    return graph_of(outputs)


def training_step():
    """Forward with dropout, backward, update: captured."""
    rng = np.random.default_rng(0)
    weight = mg.Tensor(np.ones((4, 3), np.float32), requires_grad=True, name="weight")
    momentum = mg.Tensor(np.zeros((4, 3), np.float32), name="momentum")

    def step(x, targets):
        weight.grad = None
        with mg.scope("model"):
            loss = mg.cross_entropy(mg.dropout(x, 0.25, rng=rng) @ weight, targets)
            loss.name = "loss"
        loss.backward()
        with mg.scope("optimiser"):
            mg.assign(momentum, mg.read(momentum) * 0.9 + weight.grad)
            mg.assign(weight, mg.read(weight) - mg.read(momentum) * 0.1)
        return loss

    return trace(step, np.ones((5, 4), np.float32), np.zeros(5, np.int64))


EXAMPLES = {
    **{f"softmax_order_{order}": (softmax, order) for order in (1, 2, 3)},
    **{f"attention_order_{order}": (attention, order) for order in (1, 2, 3)},
    "training_step": (training_step,),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_listing_and_picture_are_the_golden_ones(name):
    make, *arguments = EXAMPLES[name]
    graph = make(*arguments)
    check_golden(f"{name}.txt", f"{graph}\n")
    check_golden(f"{name}.dot", graph.dot())


@pytest.mark.parametrize(("make", "order"), [(softmax, 2), (softmax, 3), (attention, 2), (attention, 3)])
def test_every_order_is_a_graph_of_its_own(make, order):
    assert set(make(order).stats().orders) == set(range(order + 1))


@pytest.mark.deep
def test_PI1_listing_and_picture_do_not_depend_on_hashes():
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_golden as golden\n"
        "for make, *arguments in golden.EXAMPLES.values():\n"
        "    graph = make(*arguments)\n"
        "    sys.stdout.buffer.write((str(graph) + graph.dot(values=True) + graph.dot(depth=0)).encode())\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("0", "1", "2", "3", "4")
    }
    assert len(texts) == 1
    assert b"attention/scores" in texts.pop()
