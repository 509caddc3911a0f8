"""Floating-point operations and bytes of graphs, against formulas counted by hand."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import graph_of, trace
from minigrad.graph.cost import flops_of
from minigrad.ops.indexing import Index


def leaf(*shape, dtype=np.float64):
    return mg.Tensor(np.ones(shape, dtype), requires_grad=True)


def attend(length, width=4, **options):
    """The cost of one head, forward and backward."""

    def step(query, key, value):
        context = mg.scaled_dot_product_attention(query, key, value, **options)
        return context, mg.grad(context, (query, key, value), mg.constant(np.ones((length, width), np.float32)))

    return trace(step, *(leaf(length, width, dtype=np.float32) for _ in range(3))).cost()


@pytest.mark.parametrize(
    ("shapes", "flops"),
    [(((2, 3), (3, 5)), 2 * 2 * 3 * 5), (((3,), (3,)), 2 * 3), (((7, 2, 3), (7, 3, 5)), 7 * 2 * 2 * 3 * 5),
     (((7, 2, 3), (3, 5)), 7 * 2 * 2 * 3 * 5), (((4, 3), (3,)), 2 * 4 * 3), (((2, 0), (0, 3)), 0)],
)  # fmt: skip
def test_a_product_is_a_multiplication_and_an_addition_per_pair(shapes, flops):
    cost = graph_of(mg.matmul(*(leaf(*shape) for shape in shapes))).cost()
    assert cost.total.flops == cost.by_op["matmul"].flops == flops


@pytest.mark.parametrize(
    ("make", "flops", "numbers"),
    [
        (lambda x: mg.linear(x, leaf(4, 3), leaf(3)), 2 * 6 * 4 * 3 + 6 * 3, 6 * 3),
        (lambda x: mg.exp(x), 24, 24),
        (lambda x: x + leaf(5, 1, 1), 5 * 24, 5 * 24),
        (lambda x: mg.sum(x, axis=0), 24, 4),
        (lambda x: mg.softmax(x), 24, 24),
        (lambda x: mg.vecdot(x, x), 2 * 24, 6),
        (lambda x: mg.sum_to(x, shape=(4,)), 24, 4),
        (lambda x: mg.sum_to(x, shape=(6, 4)), 0, 0),
        (lambda x: mg.reshape(x, (2, 12)), 0, 0),
        (lambda x: x[1:3].T, 0, 0),
        (lambda x: x[[0, 2]], 0, 8),
        (lambda x: mg.concatenate([x, x]), 0, 48),
        (lambda x: mg.embedding(x, [0, 5, 5]), 0, 12),
        (lambda x: mg.scatter_add(x, np.arange(6) % 2, index=Index((True,)), shape=(2, 4)), 24, 8),
        (lambda x: mg.broadcast_to(x, (9, 6, 4)), 0, 0),
    ],
)
def test_operations_and_numbers_of_single_calls(make, flops, numbers):
    cost = graph_of(make(leaf(6, 4))).cost()
    assert (cost.total.flops, cost.total.bytes, cost.peak_bytes) == (flops, 8 * numbers, 8 * numbers)


def test_another_type_is_no_view():
    assert graph_of(leaf(6).astype(np.float32)).cost().total.bytes == 4 * 6


def test_attention_is_quadratic_in_the_length():
    costs = {length: attend(length) for length in (16, 32, 64)}
    for length in (16, 32):
        for name in ("matmul", "softmax"):
            assert costs[2 * length].by_op[name].flops == 4 * costs[length].by_op[name].flops
    length, width = 64, 4
    assert costs[length].by_op["matmul"].flops == 6 * 2 * length**2 * width
    assert costs[length].by_order[0].flops == 2 * 2 * length**2 * width + length**2 + length * width


def test_attention_by_blocks_computes_the_scores_again_and_keeps_none():
    length, width = 64, 4
    plain, blocks = attend(length), attend(length, block=16)
    forward, gradient = (blocks.by_op[f"blockwise_attention{which}"].flops for which in ("", "_gradient"))
    assert forward == 2 * 2 * length**2 * width + length**2
    assert gradient == 5 * 2 * length**2 * width + 5 * length**2
    assert attend(2 * length, block=16).by_op["blockwise_attention"].flops == 4 * forward
    causal = attend(length, block=16, causal=True).by_op["blockwise_attention"].flops
    assert causal == forward * (1 + 2 + 3 + 4) // 16
    assert plain.kept_bytes > 4 * length**2 > attend(length, block=16).kept_bytes == 4 * 3 * length * width
    assert attend(2 * length, block=16).peak_bytes == 2 * blocks.peak_bytes


def test_totals_are_the_same_however_they_are_grouped():
    x = leaf(8, 4)
    loss = mg.sum(mg.scaled_dot_product_attention(x * 2.0, x, x, causal=True))
    cost = graph_of(loss, gradients=True).cost()
    for groups in (cost.by_node, cost.by_op, cost.by_scope, cost.by_order):
        assert tuple(map(sum, zip(*groups.values(), strict=True))) == cost.total
    assert set(cost.by_scope) == {"", "attention"}
    assert set(cost.by_order) == {0, 1}
    flops = [total.flops for total in cost.by_op.values()]
    assert flops == sorted(flops, reverse=True)


def test_kept_is_what_gradients_read_of_the_forward_pass():
    x, weight = leaf(2, 3), leaf(3, 5)
    graph = graph_of(mg.sum(mg.exp(mg.matmul(x, weight))), gradients=True)
    assert graph.cost().kept_bytes == 8 * 2 * 5  # exp alone: its rule reads its result, and that of matmul its operands
    assert graph_of(mg.exp(x)).cost().kept_bytes is None
    seen_through = graph_of(mg.sum(mg.square(mg.exp(x).T)), gradients=True)
    assert seen_through.cost().kept_bytes == 8 * 2 * 3  # a view is memory of what it looks into


def test_peak_counts_what_is_needed_at_the_same_time():
    x = leaf(10)
    chain = x
    for _ in range(5):
        chain = mg.tanh(chain)
    assert graph_of(chain).cost().peak_bytes == 2 * 80
    first, second = mg.exp(x), mg.exp(x)
    assert graph_of(first + mg.exp(second) * first).cost().peak_bytes == 3 * 80
    last = mg.tanh(mg.tanh(mg.tanh(first)))
    assert graph_of(last).cost().peak_bytes == 2 * 80
    assert graph_of((first, last)).cost().peak_bytes == 3 * 80  # what is returned stays
    view, other = mg.exp(x)[:5], mg.exp(x)
    assert graph_of(mg.sum(view) + mg.sum(other)).cost().peak_bytes == 2 * 80 + 8  # a view keeps all of its memory


def test_eager_traced_and_compiled_graphs_cost_the_same():
    def step(x, weight):
        loss = mg.sum(mg.softmax(mg.matmul(x, weight)) ** 2)
        return loss, mg.grad(loss, weight)

    x, weight = mg.Tensor(np.ones((2, 3))), leaf(3, 5)
    loss = mg.sum(mg.softmax(mg.matmul(x, weight)) ** 2)
    eager = graph_of((loss, mg.grad(loss, weight, create_graph=True))).cost()
    compiled = mg.compile(step)
    compiled(x, weight)
    assert str(eager) == str(trace(step, x, weight).cost()) == str(compiled.graph.cost())
    program = compiled.program
    assert program.stats.flops == program.simplified.cost().total.flops


def test_a_graph_without_operations_costs_nothing():
    cost = graph_of(leaf(3)).cost()
    assert (cost.total, cost.peak_bytes, cost.kept_bytes) == ((0, 0, 0), 0, None)
    assert str(cost).splitlines()[-3:] == [
        "all               0      0      0", "kept for gradients: not known, the graph has no gradients",
        "most at a time: 0 bytes",
    ]  # fmt: skip


def test_the_table_is_aligned_and_the_same_on_every_run():
    text = str(attend(64))
    assert text == str(attend(64))
    table = text.splitlines()[:-2]
    ends = {len(line) for line in table if not line.startswith("by ")}
    assert len(ends) == 1
    assert table[0].split() == ["nodes", "flops", "bytes"]


def test_leaves_cost_nothing():
    graph = trace(lambda x: x * 2.0, leaf(3))
    assert [flops_of(node) for node in graph] == [0, 3]
