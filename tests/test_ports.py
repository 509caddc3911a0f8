"""The ports in `examples/ports/` by themselves: what their own output does not show."""

import importlib.util
from pathlib import Path

import numpy as np

import minigrad as mg

PORTS = Path(__file__).parents[1] / "examples" / "ports"


def load(name):
    spec = importlib.util.spec_from_file_location(name, PORTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_moves_of_l_bfgs_are_those_of_the_matrix_that_its_pairs_stand_for(monkeypatch):
    burgers, size, rng = load("burgers"), 12, np.random.default_rng(0)
    monkeypatch.setattr(burgers, "MEMORY", 5)
    factor = rng.standard_normal((size, size))
    matrix = factor @ factor.T + np.diag(np.logspace(-1, 1, size))
    calls = []

    def differentiate(theta, *_):
        x = theta.numpy()
        calls.append((x, x @ matrix @ x / 2 + np.sum(x**4) / 4, matrix @ x + x**3))
        return [mg.Tensor(result) for result in calls[-1][1:]]

    monkeypatch.setattr(burgers, "differentiate", differentiate)
    burgers.minimise(np.ones(size), None, None, 20)
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
