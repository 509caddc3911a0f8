"""No recursion, no garbage, flat memory."""

import gc
import resource
import weakref

import numpy as np

import minigrad as mg
from minigrad import Tensor


def leaf(values, **options):
    return Tensor(values, requires_grad=True, **options)


def test_G3_a_chain_of_a_million_nodes():
    gc.disable()  # it would walk the growing chain again and again, and find nothing
    try:
        x = leaf(1.0)
        y = x
        for _ in range(1_000_000):
            y = y + 1.0
        y.backward()
        assert x.grad == 1.0
        assert y.item() == 1_000_001.0
        del y
    finally:
        gc.enable()


def step(w, x):
    loss = mg.cross_entropy(mg.relu(x @ w) @ w.T, np.zeros(4, int))
    w.grad = None
    loss.backward()
    w.data -= 0.01 * w.grad
    return loss


def test_R4_reference_counting_alone_frees_a_step():
    w, x = leaf(np.ones((3, 5))), Tensor(np.ones((4, 3)))
    step(w, x)
    gc.collect()
    gc.disable()
    try:
        loss = step(w, x)
        gradient = mg.grad(mg.grad((w**3).sum(), w, create_graph=True).sum(), w)
        watched = weakref.ref(loss)
        del loss, gradient
        assert watched() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_R2_memory_stays_flat_over_10000_steps_without_the_collector():
    w, x = leaf(np.ones((3, 5))), Tensor(np.ones((4, 3)))
    gc.disable()
    try:
        for _ in range(500):
            step(w, x)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(9_500):
            step(w, x)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    finally:
        gc.enable()
    assert grown <= 2048, f"{grown} kB"
