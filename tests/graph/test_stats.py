"""Counts of nodes, elements and bytes."""

import numpy as np

import minigrad as mg
from minigrad.graph import graph_of


def test_counts():
    weight = mg.Tensor(np.ones((8, 4), np.float32), requires_grad=True)
    graph = graph_of(mg.sum(mg.Tensor(np.ones((2, 8), np.float32)) @ weight), gradients=True)
    stats = graph.stats()
    assert stats.nodes == len(graph) == sum(stats.roles.values()) == sum(stats.orders.values())
    assert stats.operations["matmul"] == 2
    assert (stats.parameters, stats.parameter_bytes) == (32, 128)
    assert stats.computed_bytes == sum(node.value.nbytes for node in graph if node.op)
    assert str(stats).splitlines()[3] == "parameters  32 elements, 128 bytes"
