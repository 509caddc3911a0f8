import json
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.cli.lessons import one_head, three_tokens
from minigrad.core.op import Op
from minigrad.drawing.explorer.payload import FORMULAS, SUBSCRIPTS, _split, make_payload
from minigrad.drawing.text import escape_hidden
from minigrad.nn import MultiHeadAttention
from minigrad.ops.places import first_free, write_rows


def accumulated(data, node):
    """What the steps add up to, as the page does it."""
    arrays = [
        data["arrays"][step["this"]]
        for step in data["steps"]
        if (step["kind"], step["node"]) == ("seed", node) or step.get("target") == node
    ]
    return np.sum([[float(x) for x in array] for array in arrays], axis=0) if arrays else None


def node_named(data, name):
    return next(node for node in data["nodes"] if node.get("name") == name)


def test_EX3_what_the_steps_add_up_to_is_the_gradient(lesson, model):
    for graph in (lesson, model):
        data = make_payload(graph)
        checked = 0
        for number, node in enumerate(data["nodes"]):
            total = accumulated(data, number)
            if total is not None:
                gradient = np.array(data["arrays"][node["gradient"]], float)
                np.testing.assert_allclose(total, gradient, rtol=0, atol=1e-5 * np.abs(gradient).max(initial=1e-300))
                checked += 1
        assert checked > len(graph) * 0.9


def test_EX4_statistics_in_the_data_are_those_of_the_engine(model):
    for node, found in zip(model, make_payload(model)["nodes"], strict=True):
        for array, statistics in ((node.value, "statistics"), (node.gradient, "gradientStatistics")):
            assert (array is not None) == (statistics in found)
            if array is not None:
                whole = array.astype(np.float64)
                expected = [whole.min(), whole.max(), whole.mean(), np.linalg.norm(whole)]
                shown = [float(found[statistics][name]) for name in ("min", "max", "mean", "norm")]
                np.testing.assert_allclose(shown, expected, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("row", range(5))
def test_EX4_finite_differences_agree_with_the_gradients_of_the_page(row):
    """Five parameters of an attention layer, one element each."""
    rng = np.random.default_rng(0)
    attention = MultiHeadAttention(4, 2, rng=rng, dtype=np.float64)
    x = rng.standard_normal((3, 4))
    parameters = dict(attention.named_parameters())
    name = list(parameters)[row]

    def loss():
        return ops.sum(ops.square(attention(x)))

    kept = loss()
    kept.backward(keep=True)
    graph = kept.graph()
    number = next(node.number for node in graph if node.role == "parameter" and node.path == name.replace(".", "/"))
    data = make_payload(graph)
    shown = data["arrays"][data["nodes"][number]["gradient"]][0]
    p, step = parameters[name], 1e-6
    sides = []
    for change in (step, -step):
        moved = p.numpy().copy()
        moved.flat[0] += change
        mg.assign(p, moved)
        sides.append(float(loss()))
        moved.flat[0] -= change
        mg.assign(p, moved)
    assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(shown, rel=1e-4, abs=1e-7)


def test_samples_of_values_are_the_values(lesson):
    data = make_payload(lesson)
    for node, found in zip(lesson, data["nodes"], strict=True):
        np.testing.assert_allclose(np.ravel(node.value), data["arrays"][found["value"]], rtol=1e-4, atol=1e-9)


def test_the_first_write_and_the_later_ones_are_in_the_order_of_the_engine(lesson):
    data = make_payload(lesson)
    backward = [(step["node"], step["target"]) for step in data["steps"] if step["kind"] == "backward"]
    assert backward == [(5, 4), (4, 3), (4, 0), (3, 2), (2, 0), (2, 1)]


def test_broadcasting_is_said():
    data = make_payload((mg.Tensor(np.ones((6, 8)), requires_grad=True) + mg.Tensor(np.ones(8))).graph())
    (inputs,) = [node["inputs"] for node in data["nodes"] if node.get("op") == "add"]
    assert [operand.get("broadcast") for operand in inputs] == [None, "(8,) → (6, 8)"]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: three_tokens()["loss"].graph(), "all"),
        (one_head, "graph"),
        (lambda: mg.trace(lambda x: ops.sum(x), np.ones(3)), "none"),
        (lambda: ops.sum(mg.Tensor([1.0], requires_grad=True)).graph(), "none"),
    ],
)
def test_it_is_said_which_gradients_there_are(make, expected):
    assert make_payload(make())["gradients"] == expected


def test_gradients_of_leaves_only_are_told_from_all():
    x = mg.Tensor([1.0], requires_grad=True)
    loss = ops.sum(x * x)
    loss.backward()
    assert make_payload(loss.graph())["gradients"] == "leaves"


def test_what_an_earlier_backward_left_is_told_apart():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    ops.sum(x * 5.0).backward()
    loss = ops.sum(x * x)
    loss.backward(keep=True)
    data = make_payload(loss.graph())
    assert data["arrays"][node_named(data, "x")["gradient"]] == [7, 9]
    assert data["arrays"][node_named(data, "x")["swept"]] == [2, 4]
    assert sum("swept" in node for node in data["nodes"]) == 1


def test_two_sweeps_that_are_both_kept_add_up_to_the_gradient():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    first, second = ops.sum(x * 5.0), ops.sum(x * x)
    first.backward(keep=True)
    second.backward(keep=True)
    data = make_payload(mg.graph_of((first, second)))
    assert not any("swept" in node for node in data["nodes"])
    assert accumulated(data, 0).tolist() == [7, 9]


def test_absent_gradients_have_their_reason():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    loss = ops.sum(x * mg.Tensor([3.0, 4.0], name="data"))
    loss.backward(keep=True)
    data = make_payload(loss.graph())
    assert node_named(data, "data")["absent"] == "not required"
    assert "absent" not in node_named(data, "x")


def test_what_rules_read_is_said_of_each_operand(lesson):
    data = make_payload(lesson)
    reads = {
        node["name"]: [operand["reads"] for operand in node["inputs"] if "reads" in operand]
        for node in data["nodes"]
        if "inputs" in node
    }
    assert reads["weights"] == [[[3, "y"]]]
    assert reads["context"] == [[[0, "x2"]], [[3, "x1"]]]
    assert reads["loss"] == [[]]


def test_heads_of_attention_are_slices_and_nothing_else_is(model):
    data = make_payload(model)
    sliced = {node["name"] for node in data["nodes"] if node.get("attention")}
    assert sliced == {"scores", "weights"}
    assert all(node["grid"][0][0] == (4 if node.get("attention") else 1) for node in data["nodes"])


def test_every_cut_of_an_array_is_said(model):
    small = make_payload(three_tokens()["loss"].graph())
    assert small["notes"] == []
    data = make_payload(model)
    note, _ = data["notes"]
    cut = [node for node in data["nodes"] if any(isinstance(places, list) or places > 1 for _, places in node["grid"])]
    assert note[:2] == ["cutArrays", len(cut)]


HOSTILE = ["</script><script>alert(1)</script>", "\ud800", "a\u202eb\x00", "x" * 20_000, "<b>", "]]>", "\u2028"]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_H1_H2_H3_H5_every_text_is_visible_and_json(hostile):
    x = mg.Tensor([1.0, np.nan], requires_grad=True, name=hostile)
    with mg.scope(hostile.replace("/", "|")):
        y = ops.exp(x)
    y.name = hostile
    data = make_payload(y.graph(), tokens=[hostile])
    written = json.dumps(data, ensure_ascii=False, allow_nan=False)
    written.encode("utf-8")
    texts = re.findall(r'"(?:[^"\\]|\\.)*"', written)
    for text in map(json.loads, texts):
        assert escape_hidden(text) == text
        assert len(text) <= 1_100


def test_EX8_the_same_graph_has_the_same_data(model):
    assert make_payload(model) == make_payload(model)


def test_EX8_source_lines_have_no_folders():
    with mg.trace_lines():
        y = ops.exp(mg.Tensor([1.0], requires_grad=True))
    written = json.dumps(make_payload(y.graph()))
    assert "test_payload.py:" in written
    assert "/test_payload" not in written


def test_a_graph_on_shapes_has_no_values():
    data = make_payload(mg.trace(lambda x: ops.sum(ops.exp(x)), np.ones((3, 4))))
    assert data["steps"] == []
    assert data["arrays"] == []
    assert [node["shape"] for node in data["nodes"]] == ["(3, 4)", "(3, 4)", "()"]


def test_formulas_in_words_are_said_in_chinese_with_the_same_letters():
    operations = [op for op in mg.registry.values() if isinstance(op, Op) and op.formula]
    assert set(FORMULAS) - {op.formula for op in operations} == {
        first_free.formula,
        write_rows.formula,
        "gradients without a NaN",
    }
    for op in operations:
        letters = {name: name for name in (*op.arguments, op.variadic) if name}
        letters = {"y": "="} | {name.translate(SUBSCRIPTS): name for name in letters}
        english, chinese = (_split(text, letters)[1::2] for text in (op.formula, FORMULAS.get(op.formula, op.formula)))
        assert set(english) == set(chinese), op.name
