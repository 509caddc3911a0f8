"""The ports in `examples/ports/` by themselves: what their own output does not show."""

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

PORTS = Path(__file__).parents[1] / "examples" / "ports"


def load(name):
    spec = importlib.util.spec_from_file_location(name, PORTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted(PORTS.glob("*.py")), ids=lambda path: path.name)
def test_a_port_is_read_in_one_go(path):
    assert len(path.read_text("utf-8").splitlines()) < 100


def test_a_net_in_one_vector_is_a_net_of_layers():
    flat_nets, rng, sizes = load("flat_nets"), np.random.default_rng(0), (2, 5, 4, 3)
    theta, x = flat_nets.draw_net(sizes, rng), rng.standard_normal((6, 2))
    layers, rest = [nn.Linear(a, b, rng=rng, dtype=float) for a, b in itertools.pairwise(sizes)], theta
    for layer in layers:
        inputs, outputs = layer.weight.shape
        bias, weight, rest = np.split(rest, np.cumsum([outputs, inputs * outputs]))
        layer.bias.data, layer.weight.data = bias, weight.reshape(inputs, outputs)
    assert not rest.size
    expected = nn.Sequential(layers[0], mg.tanh, layers[1], mg.tanh, layers[2])(x).numpy()
    assert np.allclose(flat_nets.run_net(theta, x, sizes, mg.tanh), expected, rtol=1e-13)
    nets = np.stack([theta, 2 * theta, theta])  # each on points of its own
    points = np.stack([rng.standard_normal((6, 2)), x, x])
    together = flat_nets.run_net(nets, points, sizes, mg.tanh)
    assert np.allclose(together[2], expected, rtol=1e-13)
    for net, own, outputs in zip(nets, points, together, strict=True):
        assert np.allclose(outputs, flat_nets.run_net(net, own, sizes, mg.tanh), rtol=1e-13)


def test_moves_of_l_bfgs_are_those_of_the_matrix_that_its_pairs_stand_for(monkeypatch):
    l_bfgs, size, rng = load("l_bfgs"), 12, np.random.default_rng(0)
    monkeypatch.setattr(l_bfgs, "MEMORY", 5)
    factor = rng.standard_normal((size, size))
    matrix = factor @ factor.T + np.diag(np.logspace(-1, 1, size))
    calls = []

    def function(x):
        calls.append((x, x @ matrix @ x / 2 + np.sum(x**4) / 4, matrix @ x + x**3))
        return calls[-1][1:]

    l_bfgs.minimise(function, np.ones(size), 20)
    (x, value, gradient), pairs, apart = calls[0], [], []
    rest = iter(calls[1:])
    for trial in rest:
        inverse = np.eye(size) / np.linalg.norm(gradient)
        if pairs:  # Liu and Nocedal, 1989: a multiple of the identity, from the newest pair, then one update for each
            move, change = pairs[-1]
            inverse = np.eye(size) * (move @ change) / (change @ change)
        for move, change in pairs[-5:]:
            turn = np.eye(size) - np.outer(change, move) / (move @ change)
            inverse = turn.T @ inverse @ turn + np.outer(move, move) / (move @ change)
        direction, slope = inverse @ gradient, gradient @ inverse @ gradient
        apart.append(np.linalg.norm(x - trial[0] - direction) / np.linalg.norm(direction))
        rate = 1.0
        while trial[1] > value - 1e-4 * rate * slope:
            trial, rate = next(rest), rate / 2
        pairs.append((trial[0] - x, trial[2] - gradient))
        x, value, gradient = trial
    assert len(pairs) == 20
    assert max(apart) < 1e-9
