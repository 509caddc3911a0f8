"""The text of programs: that of the attention example byte for byte, and a node beside every line.

After a change that is meant, `MINIGRAD_UPDATE_GOLDEN=1` in the environment rewrites the file, for the diff to be read.
"""

import ast
import itertools
import os
import re
from pathlib import Path

import numpy as np

import minigrad as mg

GOLDEN = Path(__file__).parent.parent / "golden" / "attention_program.txt"


def attention(query, key, value):
    """One causal head, its loss, and the gradients."""
    context = mg.scaled_dot_product_attention(query, key, value, causal=True)
    loss = mg.mean(mg.square(context))
    loss.name = "loss"
    return loss, mg.grad(loss, [query, key, value])


def compiled_attention():
    rng = np.random.default_rng(0)
    names = ("query", "key", "value")
    inputs = [mg.Tensor(rng.standard_normal((3, 2)), requires_grad=True, name=name) for name in names]
    step = mg.compile(attention)
    step(*inputs)
    return step


def test_the_program_of_attention():
    text = compiled_attention().source
    if os.environ.get("MINIGRAD_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(text, encoding="utf-8", newline="\n")
    assert GOLDEN.read_text(encoding="utf-8") == text, "see the docstring of test_printer.py"


def test_every_statement_names_the_node_it_computes():
    step = compiled_attention()
    body = [line.strip() for line in step.source[step.source.index("def step") :].splitlines()[1:]]
    frame = re.compile(r"# --- \w+|with np\.errstate\(all=\"ignore\"\):|return \(.*\)|")
    lines = iter([line for line in body if not frame.fullmatch(line)])
    numbers = []
    for _, instructions in itertools.groupby(step.program.plan.instructions, key=lambda one: one.node):
        first, *others = instructions
        number, shape = re.fullmatch(r".*? +# %(\d+) (\(.*\))", next(lines)).groups()
        assert shape == str(first.node.shape)
        assert step.graph[int(number)].op is not None
        assert not any("#" in next(lines) for _ in others)
        numbers.append(int(number))
    assert list(lines) == []
    assert numbers == sorted(numbers)


def test_one_call_of_numpy_per_line():
    step = compiled_attention()
    (function,) = (x for x in ast.parse(step.source).body if isinstance(x, ast.FunctionDef) and x.name == "step")
    for statement in ast.walk(function):
        if isinstance(statement, ast.Expr):
            assert isinstance(statement.value, ast.Call), ast.unparse(statement)
            assert not any(isinstance(x, ast.Call) for x in statement.value.args)


def test_sections_in_order():
    step = compiled_attention()
    assert re.findall(r"# --- (\w+)", step.source) == ["constants", "numbers", "memory", "views", "forward", "backward"]


def test_names_come_from_tensors_and_scopes():
    rng = np.random.default_rng(0)
    model = mg.nn.LanguageModel(vocabulary=5, width=4, heads=1, layers=2, context=3, rng=rng)
    step = mg.compile(lambda tokens: model(tokens))
    step(np.array([[0, 1, 2]]))
    assert "blocks_0_attention_query_weight" in step.source
    assert "blocks_1_attention_scores" in step.source
    names = re.findall(r"^(\w+) = ", step.source, re.M)
    assert len(names) - 1 == len(set(names))  # `memory` is cut to size


def test_the_same_function_makes_the_same_text():
    assert compiled_attention().source == compiled_attention().source


def test_no_name_is_given_twice():
    """What is returned, and what is copied, have names in a program that assigns; so may Tensors."""
    names = ["result_0", "new_state", "state", "step", "memory", "array", "np", "constants", "n_2", "i", "start"]
    tensors = {name: mg.Tensor(np.full(2, float(i)), name=name) for i, name in enumerate(names)}

    def function(x):
        x = mg.exp(x) * 2.0
        x.name = "result_0"
        before = mg.copy(tensors["state"])
        mg.assign(tensors["state"], tensors["new_state"])
        mg.assign(tensors["new_state"], before)
        return x, sum((2.0 * tensor for name, tensor in tensors.items() if "state" not in name), x)

    step = mg.compile(function)
    expected = [y.tolist() for y in mg.compile(lambda x: function(x))(np.ones(2))]
    tensors["state"], tensors["new_state"] = (
        mg.Tensor([2.0, 2.0], name="state"),
        mg.Tensor([1.0, 1.0], name="new_state"),
    )
    assert [y.tolist() for y in step(np.ones(2))] == expected
    assert tensors["state"].tolist() == [1.0, 1.0]
    assert tensors["new_state"].tolist() == [2.0, 2.0]
    np.testing.assert_allclose(expected[0], 2 * np.exp(np.ones(2)))
    np.testing.assert_allclose(expected[1], 2 * np.exp(np.ones(2)) + 2.0 * sum(i for i in range(11) if i not in (1, 2)))
