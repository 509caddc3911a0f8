import numpy as np

import minigrad as mg
from minigrad import ops
from minigrad.drawing.explorer.chapters import list_chapters
from minigrad.drawing.explorer.names import call_nodes
from minigrad.drawing.explorer.walk import walk_steps


def titles(graph):
    return [title for title, *_ in list_chapters(graph, walk_steps(graph), call_nodes(graph))]


def attention_of(query, key, value):
    return ops.scaled_dot_product_attention(query, key, value)


def test_TX9_the_chapters_of_one_head_are_those_of_a_lesson():
    rng = np.random.default_rng(0)
    query, key, value = (mg.Tensor(rng.random((3, 2)), requires_grad=True, name=name) for name in "QKV")
    loss = ops.sum(ops.square(attention_of(query, key, value)))
    loss.name = "loss"
    loss.backward(keep=True)
    found = titles(loss.graph())
    backward = [title for title in found if title.startswith("∂")]
    assert [title for title in found if title in ("scores", "weights", "loss")] == ["scores", "weights", "loss"]
    assert backward[0] == "∂loss"
    assert {"∂V", "∂weights", "∂scores", "∂Q", "∂K"} <= set(backward)
    assert backward.index("∂weights") < backward.index("∂scores") < backward.index("∂Q")


def test_sections_are_blocks_and_a_layer_is_named_after_its_scope(model):
    chapters = list_chapters(model, walk_steps(model), call_nodes(model))
    sections = list(dict.fromkeys(section for _, section, _ in chapters))
    assert sections.index("blocks/0") < sections.index("blocks/1") < sections.index("∂blocks/1") < len(sections)
    inside = [title for title, section, _ in chapters if section == "∂blocks/0"]
    assert [title for title in inside if title in ("∂weights", "∂scores")] == ["∂weights", "∂scores"]
    assert "∂query" in inside
    assert len(inside) == len(set(inside))


def test_every_chapter_begins_after_the_one_before(model):
    steps = [step for *_, step in list_chapters(model, walk_steps(model), call_nodes(model))]
    assert steps[0] == 0
    assert steps == sorted(set(steps))


def test_what_is_only_moved_has_the_name_of_what_it_was_and_results_that_of_their_scope():
    x = mg.Tensor(np.ones((2, 3)), requires_grad=True, name="x")
    with mg.scope("key"):
        y = ops.tanh(x) * ops.exp(x)
    graph = ops.reshape(ops.swapaxes(y, 0, 1), (6,)).graph()
    assert call_nodes(graph) == ["x", "tanh", "exp", "key", "key", "key"]


def test_leaves_without_a_name_are_called_after_their_argument():
    loss = ops.cross_entropy(mg.Tensor(np.ones((2, 3)), requires_grad=True), np.array([0, 1]))
    assert call_nodes(loss.graph()) == ["logits", "targets", "cross_entropy"]


def test_a_long_chain_without_names_has_chapters_at_once():
    x = mg.Tensor([1.0], requires_grad=True)
    for _ in range(3_000):
        x = ops.tanh(x)
    x = ops.sum(x)
    x.backward(keep=True)
    assert titles(x.graph()) == ["tanh", "sum", "∂sum"]
