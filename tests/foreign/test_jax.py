"""`from_jax`: a graph computes what the JAX program does, and has its scopes, names and orders."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

import minigrad as mg
from minigrad.foreign.jax_rows import BROADCASTING, ELEMENTWISE, REDUCTIONS, ROWS

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install jax==0.10.2")
jnp, lax = jax.numpy, jax.lax
checkpoint_name = pytest.importorskip("jax.ad_checkpoint").checkpoint_name
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # JAX says nothing of NaN

RNG = np.random.default_rng(0)
X, Y, INTEGERS = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 4)), np.array([[3, -7, 0, 5]] * 3, np.int32)
IMAGE, KERNEL = RNG.standard_normal((2, 3, 5, 5)), RNG.standard_normal((4, 3, 3, 3))


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def check(function, *args, tolerance=1e-12):
    """The graph of a program, which runs as the program does, in shapes, types and structure too."""
    graph = mg.from_jax(function, *args)
    expected, results = function(*jax.tree.map(jnp.asarray, args)), graph.run(*args)
    assert jax.tree.structure(results) == jax.tree.structure(expected)
    pairs = list(zip(jax.tree.leaves(results), jax.tree.leaves(jax.tree.map(jnp.asarray, expected)), strict=True))
    for result, wanted in pairs:
        wanted = jax.random.key_data(wanted) if jnp.issubdtype(wanted.dtype, jax.dtypes.prng_key) else wanted
        assert (result.shape, result.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(result, np.asarray(wanted), tolerance, tolerance)
    for again, result in zip(jax.tree.leaves(graph.run(*jax.tree.leaves(args))), jax.tree.leaves(results), strict=True):
        np.testing.assert_array_equal(again, result)
    assert all(node.purpose == "" for node in graph)
    return graph


def foreign(graph):
    return [node.op for node in graph if node.op is not None and node.op.startswith("jax.")]


# --- primitives -------------------------------------------------------------------------------------------------------

SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3e300, -1e-300, np.inf, -np.inf, np.nan])
INTEGRAL = {"and": lax.bitwise_and, "not": lax.bitwise_not, "or": lax.bitwise_or, "xor": lax.bitwise_xor}
PAIRS = np.meshgrid(SPECIAL, SPECIAL)


@pytest.mark.parametrize("name", sorted(ELEMENTWISE.keys() - {"add_any"}))
def test_elementwise_primitives_are_ops_also_of_what_is_not_finite(name):
    if name in INTEGRAL:
        pairs = [[np.array([True, True, False]), np.array([True, False, False])], [INTEGERS, INTEGERS.T[:3, :1]]]
        pairs[1][1] = np.broadcast_to(pairs[1][1], (3, 4))
    else:
        pairs = [PAIRS, [x.astype(np.float32) for x in PAIRS]]
    function = INTEGRAL.get(name) or getattr(lax, name)
    for x, y in pairs:
        operands = [x, y][: len(ELEMENTWISE[name].arguments)]
        graph = check(function, *operands, tolerance=1e-12 if x.dtype != np.float32 else 1e-5)
        assert foreign(graph) == []
        assert [node.op for node in graph if node.op] == [ELEMENTWISE[name].name]


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axes", [(0,), (0, 1)])
def test_reductions_are_ops(name, axes):
    function = {
        "reduce_and": lambda x: jnp.all(x > 0, axes), "reduce_max": lambda x: jnp.max(x, axes),
        "reduce_min": lambda x: jnp.min(x, axes), "reduce_or": lambda x: jnp.any(x > 0, axes),
        "reduce_prod": lambda x: jnp.prod(x, axes), "reduce_sum": lambda x: jnp.sum(x, axes),
    }[name]  # fmt: skip
    assert foreign(check(function, X)) == []
    assert foreign(check(function, INTEGERS)) == []
    assert foreign(check(function, np.array([[np.nan, 1.0, -np.inf]]))) == []


CASES = {
    "argmax": lambda x, n: (jnp.argmax(x, 1), lax.argmax(x, 0, np.int32), jnp.argmax(n)),
    "argmin": lambda x, n: (jnp.argmin(x, 1), lax.argmin(x, 0, np.int32), jnp.argmin(n)),
    "broadcast_in_dim": lambda x, n: (
        jnp.broadcast_to(x[:, None], (3, 2, 4)),
        x[0] + x,
        lax.broadcast_in_dim(x[0], (4, 2), (0,)) * 2.0,
        jnp.zeros((2, 3)),
        jnp.full((2,), 3, np.int32),
        jnp.full((2,), 0.1, np.float32),
        1.5,
    ),
    "clamp": lambda x, n: (jnp.clip(x, -0.5, 0.5), lax.clamp(-0.1, x, jnp.abs(x)), jnp.clip(n, 0, 3)),
    "concatenate": lambda x, n: (jnp.concatenate([x, x], 1), jnp.concatenate([x])),
    "convert_element_type": lambda x, n: (
        x.astype(np.float32),
        n.astype(float),
        n.astype(np.int8),
        (x > 0).astype(int),
        x.astype(bool),
        n.astype(bool),
    ),
    "cumprod": lambda x, n: (jnp.cumprod(x, 1), lax.cumprod(x, 0, reverse=True)),
    "cumsum": lambda x, n: (jnp.cumsum(x, 0), lax.cumsum(x, 1, reverse=True), jnp.cumsum(n)),
    "expand_dims": lambda x, n: x[:, None],
    "integer_pow": lambda x, n: (x**3, x**-2, n**2),
    "iota": lambda x, n: (jnp.arange(3), lax.broadcasted_iota(np.int32, (2, 3), 0), jnp.tril(x), jnp.eye(3)),
    "pad": lambda x, n: (jnp.pad(x, ((1, 0), (2, 1))), jnp.pad(n, 1, constant_values=7)),
    "pow": lambda x, n: (abs(x) ** x, 0.9**n, x ** lax.broadcasted_iota(np.int32, (3, 4), 1), 2.0**x),
    "reshape": lambda x, n: (x.reshape(2, 6), x.ravel()),
    "rev": lambda x, n: (x[::-1], lax.rev(x, (0, 1))),
    "round": lambda x, n: jnp.round(x * 3) + jnp.round(jnp.array([0.5, 1.5, -0.5, 2.5])),
    "rsqrt": lambda x, n: lax.rsqrt(x * x),
    "select_n": lambda x, n: (jnp.where(x > 0, x, 0.0), jnp.where(x[0, 0] > 0, n, 2), lax.select_n(x > 0, n, -n)),
    "slice": lambda x, n: (x[0], x[:, 1:3], x[1, 2], lax.slice(x, (0, 0), (3, 4), (2, 3)), x[..., -1]),
    "split": lambda x, n: jnp.split(x, [1, 3], axis=1),
    "squeeze": lambda x, n: jnp.squeeze(x[:1]),
    "stack": lambda x, n: (jnp.stack([x, x], 1), jnp.stack([x[0, 0], x[1, 1]])),
    "transpose": lambda x, n: (x.T, jnp.transpose(x[None], (1, 2, 0))),
    "unstack": lambda x, n: jnp.unstack(x, axis=1),
}


@pytest.mark.parametrize("name", CASES)
def test_the_primitive_is_translated(name):
    assert foreign(check(lambda x, n: jax.tree.map(jnp.asarray, CASES[name](x, n)), X, INTEGERS)) == []


def test_params_are_plain_numbers():
    graph = mg.from_jax(jax.vmap(lambda row: jnp.sum(row) + jnp.sort(row)[0]), X)
    assert "int64>" not in str(graph)
    assert [node.params["axis"] for node in graph if node.op == "sum"] == [(1,)]
    assert "dimension=1" in graph.find("jax.sort").expression


def test_every_row_has_a_case():
    elsewhere = {"dot_general", "gather", "scatter-add", "conv_general_dilated"}
    elsewhere |= {"reduce_window_max", "reduce_window_sum"}
    assert {*ROWS, *BROADCASTING} - {*ELEMENTWISE, *REDUCTIONS} - elsewhere == {*CASES}


@pytest.mark.parametrize("equation", [
    "abcd,abcd->", "abcd,abcd->abcd", "abcd,abce->abde", "abcd,abed->abce", "abcd,aecd->abe", "abcd,efgd->abcefg",
    "abcd,ebgd->bacge", "abcd,abcd->ab", "abcd,efgh->abcdefgh", "abcd,acbd->", "abcd,abce->de", "abcd,ebcf->aedf",
])  # fmt: skip
def test_products_of_any_axes_are_products_of_matrices(equation):
    left, right = equation.split("->")[0].split(",")
    sizes = dict(zip("abcd", (2, 3, 4, 5), strict=True)) | dict(zip("efgh", (3, 2, 4, 2), strict=True))
    if equation == "abcd,acbd->":
        sizes |= {"b": 4, "c": 4}
    arrays = [RNG.standard_normal([sizes[letter] for letter in letters]) for letters in (left, right)]
    graph = check(lambda x, y: jnp.einsum(equation, x, y), *arrays)
    assert foreign(graph) == []


def test_rows_at_indices_are_those_of_minigrad_where_jax_promises_that_they_are_there():
    table, tokens = RNG.standard_normal((7, 4)), np.array([[0, 6, -1], [2, 2, 0]])
    graph = check(jax.value_and_grad(lambda table, tokens: (table[tokens] ** 2).sum()), table, tokens)
    assert foreign(graph) == []
    assert {"getitem", "scatter_add"} <= {node.op for node in graph}
    assert foreign(check(lambda x, i, j: x[i, j], X, np.array([0, 2]), np.array([3, 1]))) == []
    assert foreign(check(lambda x, i: x.at[i].get(mode="fill"), X, np.array([0, 9]))) == ["jax.gather"]
    assert foreign(check(lambda x, i: x.at[:, i].add(1.0), jnp.asarray(X), np.array([0, 0]))) == ["jax.scatter-add"]


@pytest.mark.parametrize("padding", ["SAME", "VALID", [(2, 1), (0, 1)]], ids=str)
@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
@pytest.mark.parametrize("dilation", [(1, 1), (1, 2)])
def test_windows_are_those_of_minigrad(padding, stride, dilation):
    def convolved(x, w):
        return lax.conv_general_dilated(x, w, stride, padding, rhs_dilation=dilation)

    def pooled(start, reduce, x):
        return lax.reduce_window(x, start, reduce, (2, 3), stride, padding, window_dilation=dilation)

    assert foreign(check(convolved, IMAGE, KERNEL)) == []
    assert foreign(check(lambda x: (pooled(-np.inf, lax.max, x), pooled(0.0, lax.add, x)), IMAGE[0, 0])) == []


def test_axes_and_groups_of_convolutions_are_those_that_jax_says():
    def last(x, w):  # channels
        return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "HNWC"))

    def grouped(x, w):
        return lax.conv_general_dilated(x, w, (1, 1), "VALID", feature_group_count=3)

    assert foreign(check(last, IMAGE.transpose(0, 2, 3, 1), KERNEL.transpose(2, 3, 1, 0))) == []
    assert foreign(check(grouped, IMAGE, RNG.standard_normal((6, 1, 2, 2)))) == []
    signal, kernel = RNG.standard_normal((2, 3, 9)), RNG.standard_normal((4, 3, 2))
    assert foreign(check(lambda x, w: lax.conv(x, w, (2,), "SAME"), signal, kernel)) == []
    gradients = jax.grad(lambda x, w: jnp.sum(lax.conv(x, w, (1, 1), "SAME") ** 2), (0, 1))
    assert foreign(check(gradients, IMAGE, KERNEL)) == []


def test_the_largest_beside_padding():
    for special in (-np.inf, np.nan, np.inf):
        x = np.full((3, 3), -np.inf)
        x[1, 1] = special
        check(lambda x: lax.reduce_window(x, -np.inf, lax.max, (2, 2), (1, 1), "SAME"), x)
    numbers = np.array([[-5, -7], [-(2**31), -3]], np.int32)
    check(lambda x: lax.reduce_window(x, np.int32(-(2**31)), lax.max, (2, 2), (1, 1), "SAME"), numbers)


KEY = jax.random.key(3)
FOREIGN = {
    "conv of what is dilated": (
        lambda x, w: lax.conv_general_dilated(x, w, (1, 1), [(1, 1)] * 2, lhs_dilation=(2, 2)), [IMAGE, KERNEL],
        ["conv_general_dilated"],
    ),
    "pooling of what is dilated": (
        lambda x: lax.reduce_window(x, -np.inf, lax.max, (2, 2), (1, 1), "SAME", base_dilation=(2, 1)), [X],
        ["reduce_window_max"],
    ),
    "integer division": (lambda x: (x // 2, x % 3), [INTEGERS], None),
    "to integers": (lambda x: x.astype(np.int32), [np.array([1.5, -2.5, 1e10, np.nan])], ["convert_element_type"]),
    "sorting": (lambda x: (jnp.sort(x), jnp.argsort(x)), [X], None),
    "several results": (lambda x: lax.top_k(x, 2), [X], ["top_k", "top_k"]),
    "one of several results": (lambda x: lax.top_k(x, 2)[1], [X], ["top_k"]),
    "linear algebra": (lambda x: jnp.linalg.svd(x, full_matrices=False)[1], [X], None),
    "complex numbers": (lambda x: jnp.abs(jnp.fft.fft(x) * 2j), [X], None),
    "bfloat16": (lambda x: (x.astype(jnp.bfloat16) * 2 + 1).astype(np.float32), [X], None),
    "where": (lambda x: lax.select_n(jnp.array([[0, 1, 2, 1]] * 3), x, -x, x * 2), [X], None),
    "random": (lambda key: jax.random.normal(key, (3,)) * jax.random.bernoulli(key, 0.5, (3,)), [KEY], None),
    "old keys": (lambda key: jax.random.uniform(jax.random.split(key)[1], (2,)), [jax.random.PRNGKey(0)], None),
    "keys": (jax.random.split, [KEY], ["random_split"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("wide", [True, False])
def test_the_rest_is_evaluated_by_jax_whatever_is_set_where_it_runs(name, wide):
    function, args, expected = FOREIGN[name]
    with jax.enable_x64(wide):
        graph = check(function, *args, tolerance=1e-12 if wide else 1e-5)
        results = graph.run(*args)
        assert foreign(graph) == [f"jax.{op}" for op in expected] if expected else foreign(graph)
    with jax.enable_x64(not wide):
        if wide:  # otherwise arguments are of other types
            for again, result in zip(jax.tree.leaves(graph.run(*args)), jax.tree.leaves(results), strict=True):
                np.testing.assert_array_equal(again, result)


def test_random_draws_have_the_role_of_draws():
    graph = mg.from_jax(lambda key: jax.random.uniform(key, (3,)), jax.random.key(0))
    assert [node.op for node in graph.effects] == ["jax.random_bits"]
    assert [node.role for node in graph.effects] == ["random"]


# --- calls, loops and branches ----------------------------------------------------------------------------------------


@jax.jit
def layer(weight, x):
    return jnp.tanh(x @ weight)


def test_a_jitted_function_is_a_scope():
    graph = check(lambda w, x: layer(w, layer(w, x)) + 1.0, np.eye(4), X)
    assert [(node.op, node.scope) for node in graph if node.op] == [
        ("matmul", "layer"), ("tanh", "layer"), ("matmul", "layer"), ("tanh", "layer"), ("add", ""),
    ]  # fmt: skip


def test_what_jax_calls_by_itself_is_no_scope():
    assert {node.scope for node in check(lambda x: jnp.where(x > 0, jnp.var(x), 0.0), X)} == {""}


def test_scopes_that_are_named_are_scopes():
    def function(x):
        with jax.named_scope("encoder"):
            with jax.named_scope("layer/0"):
                x = checkpoint_name(jnp.sin(x), "hidden")
            return jnp.cos(x)

    graph = check(function, X)
    assert graph.find("encoder/layer/0/hidden").op == "sin"
    assert graph.find("encoder/cos").order == 0


@jax.custom_jvp
def own_jvp(x):
    return jnp.sin(x)


own_jvp.defjvp(lambda x, dx: (own_jvp(x[0]), 2.0 * jnp.cos(x[0]) * dx[0]))


@jax.custom_vjp
def own_vjp(x):
    return jnp.sin(x)


own_vjp.defvjp(lambda x: (own_vjp(x), x), lambda x, g: (3.0 * g * jnp.cos(x),))

CALLS = {
    "custom_jvp": own_jvp, "custom_vjp": own_vjp, "relu": jax.nn.relu, "silu": jax.nn.silu, "softmax": jax.nn.softmax,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "checkpoint": jax.checkpoint(lambda x: jnp.sin(jnp.sin(x))), "vmap": jax.vmap(lambda row: row * row.sum()),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_calls_are_read_through(name):
    assert foreign(check(CALLS[name], X)) == []
    assert foreign(check(jax.grad(lambda x: (CALLS[name](x) ** 2).sum()), X)) == []


def running(xs):
    def turn(carry, x):
        carry = jnp.tanh(carry + x)
        return carry, (carry * 2.0, carry.sum())

    return lax.scan(turn, jnp.zeros(4), xs)


def test_a_scan_is_one_evaluation_with_a_node_for_each_result():
    graph = check(running, X)
    assert foreign(graph) == ["jax.scan"] * 3
    assert [node.params["result"] for node in graph if node.op == "jax.scan"] == [0, 1, 2]
    assert "length=3" in str(graph)
    assert foreign(check(lambda xs: running(xs)[1][1], X)) == ["jax.scan"]
    assert foreign(check(jax.grad(lambda xs: running(xs)[0].sum()), X)) == ["jax.scan"] * 3


def test_the_evaluation_is_one(monkeypatch):
    calls = []

    def note(x):
        calls.append(1)
        return x

    graph = mg.from_jax(lambda x: lax.scan(lambda c, x: (jax.pure_callback(note, c, c), x * 2), 0.0, x), X[0])
    graph.run(X[0])
    assert len(calls) == 4


BRANCHES = {
    "cond": (lambda x, p: lax.cond(p > 0, jnp.sin, lambda x: x * 2.0, x), [X, 1.0], ["jax.cond"]),
    "switch": (lambda x, i: lax.switch(i, [jnp.sin, jnp.cos, jnp.tan], x), [X, 1], ["jax.cond"]),
    "while": (lambda x: lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, x), (0, x))[0], [X], ["jax.while"]),
    "fori": (lambda x: lax.fori_loop(0, 3, lambda i, x: x * 2 + i, x), [X], ["jax.scan"]),
    "associative": (lambda x: lax.associative_scan(jnp.add, x), [X], ["jax.pad"] * 2),
}  # fmt: skip


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_and_loops_are_foreign(name):
    function, args, expected = BRANCHES[name]
    assert foreign(check(function, *args)) == expected


# --- gradients --------------------------------------------------------------------------------------------------------


def test_what_transpose_made_is_of_order_one():
    graph = check(jax.value_and_grad(lambda x: jnp.sum(jnp.sin(x) * x)), X)
    assert [node.op for node in graph if node.order == 0 and node.op] == ["sin", "cos", "multiply", "sum"]
    assert [node.op for node in graph if node.order == 1] == ["multiply", "multiply", "multiply", "add"]
    assert all(node.of_gradient == (node.order > 0) for node in graph if node.op)
    assert "gradient" in graph.dot()


def test_a_gradient_of_a_gradient_is_of_order_two():
    graph = check(jax.grad(jax.grad(lambda x: jnp.sin(x) ** 3)), 0.3)
    assert {node.order for node in graph if node.op} == {0, 1, 2}
    assert foreign(check(jax.hessian(lambda x: jnp.sum(jnp.tanh(x) ** 3)), X[0])) == []


def attention(p, x):
    batch, length, width = x.shape
    query, key, value = (
        (x @ p[name]).reshape(batch, length, 2, width // 2).transpose(0, 2, 1, 3) for name in ("query", "key", "value")
    )
    scores = jnp.einsum("bhqd,bhkd->bhqk", query, key) / np.sqrt(width // 2)
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
    weights = checkpoint_name(jax.nn.softmax(scores), "weights")
    return jnp.einsum("bhqk,bhkd->bhqd", weights, value).transpose(0, 2, 1, 3).reshape(x.shape) @ p["out"]


def normalise(p, x):
    centred = x - x.mean(-1, keepdims=True)
    return centred * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * p["scale"] + p["bias"]


def block(p, x):
    with jax.named_scope("block"):
        with jax.named_scope("attention"):
            x = x + attention(p["attention"], normalise(p["norm"][0], x))
        with jax.named_scope("mlp"):
            return x + jax.nn.gelu(normalise(p["norm"][1], x) @ p["mlp"]["up"]) @ p["mlp"]["down"]


def loss(p, x, targets):
    chosen = jnp.take_along_axis(jax.nn.log_softmax(block(p, x)), targets[..., None], -1)
    return -chosen.mean()


def make(*shape):
    return RNG.standard_normal(shape) / np.sqrt(shape[0])


PARAMETERS = {
    "attention": {name: make(8, 8) for name in ("query", "key", "value", "out")},
    "mlp": {"up": make(8, 32), "down": make(32, 8)},
    "norm": [{"scale": np.ones(8), "bias": np.zeros(8)} for _ in range(2)],
}
TOKENS, TARGETS = RNG.standard_normal((2, 5, 8)), RNG.integers(0, 8, (2, 5))


def test_a_transformer_block_is_all_ops_of_minigrad():
    graph = check(block, PARAMETERS, TOKENS)
    assert foreign(graph) == []
    assert len(graph) < 110
    assert {node.scope.split("/")[0] for node in graph if node.op} == {"block"}
    assert graph.find("attention/weights").shape == (2, 2, 5, 5)
    assert graph.find("p/mlp/up").role == "input"


def test_a_transformer_block_and_its_gradient():
    graph = check(jax.value_and_grad(loss), PARAMETERS, TOKENS, TARGETS)
    assert foreign(graph) == ["jax.gather", "jax.scatter-add"]
    gradient = graph.find("result/1/mlp/up")
    assert (gradient.order, gradient.shape, gradient.output) == (1, (8, 32), True)
    assert {node.scope for node in graph if node.order == 1} >= {"block/attention", "block/mlp", "log_softmax"}
    assert "%0 = input" in str(graph.between("x", "result/0"))
    assert graph.cost().by_order[1].flops > graph.cost().by_order[0].flops
    assert str(graph.diff(mg.from_jax(jax.value_and_grad(loss), PARAMETERS, TOKENS, TARGETS))) == "no difference"


def test_a_whole_step_is_read():
    """The update uses gradients and is none."""

    def step(p, x, targets):
        value, gradients = jax.value_and_grad(loss)(p, x, targets)
        return value, jax.tree.map(lambda p, g: p - 0.1 * g, p, gradients)

    graph = check(step, PARAMETERS, TOKENS, TARGETS)
    update = graph.find("result/1/mlp/up")
    assert (update.op, update.of_gradient) == ("subtract", False)


# --- arguments, results, values ---------------------------------------------------------------------------------------


def test_inputs_have_the_names_and_the_order_of_arguments():
    def function(first, *rest, **options):
        return first["b"] + rest[0][0] + rest[1], first["a"]

    args = {"b": X, "a": 1.0}, [X], X[0]
    graph = check(function, *args)
    assert [node.name for node in graph.inputs] == ["first/a", "first/b", "rest/0/0", "rest/1"]
    results = graph.run({"a": 1.0, "b": X}, [X], X[0])  # whatever the order of a dictionary
    np.testing.assert_array_equal(results[0], X + X + X[0])
    with pytest.raises(ValueError, match=r"run takes \(first/a: \(\) float64, first/b"):
        graph.run(X)


def test_what_is_no_array_is_part_of_the_program():
    def function(x, kind, reduce, flag, nothing):
        return reduce(x) if kind == "sum" and flag else x

    graph = mg.from_jax(function, X, "sum", jnp.sum, True, None)
    assert [node.name for node in graph.inputs] == ["x"]
    assert graph.run(X, "sum", jnp.sum, True, None) == pytest.approx(X.sum())
    assert graph.run(X) == pytest.approx(X.sum())


def test_weights_in_a_structure_belong_where_they_are_used():
    """As parameters do, so that pictures fold them; what is an argument by itself stands outside."""
    graph = mg.from_jax(jax.value_and_grad(loss), PARAMETERS, TOKENS, TARGETS)
    assert {node.name: node.scope for node in graph.inputs} == {
        "p/attention/key": "block/attention", "p/attention/out": "block/attention",
        "p/attention/query": "block/attention", "p/attention/value": "block/attention",
        "p/mlp/up": "block/mlp", "p/mlp/down": "block/mlp",
        "p/norm/0/scale": "block/attention", "p/norm/0/bias": "block/attention",
        "p/norm/1/scale": "block/mlp", "p/norm/1/bias": "block/mlp", "x": "", "targets": "",
    }  # fmt: skip
    assert graph.find("p/mlp/up").path == "block/mlp/p/mlp/up"


def test_weights_that_several_scopes_use_belong_to_the_first():
    def function(p, x):
        with jax.named_scope("encoder"):
            x = x @ p["shared"]
        with jax.named_scope("decoder"):
            return x @ p["shared"] @ p["own"]

    graph = check(function, {"shared": np.eye(4), "own": np.eye(4)}, X)
    assert [graph.find(name).scope for name in ("p/shared", "p/own")] == ["encoder", "decoder"]


def test_arrays_of_a_closure_are_constants():
    weight = jnp.asarray(Y)
    graph = check(lambda x: jnp.sin(x * weight) + weight + Y, X)
    assert Counter(node.role for node in graph)["constant"] == 2


def test_shapes_will_do():
    graph = mg.from_jax(lambda x: jnp.tanh(x) @ x.T, jax.ShapeDtypeStruct((3, 4), np.float64))
    np.testing.assert_allclose(graph.run(X), np.tanh(X) @ X.T)
    with pytest.raises(TypeError, match="values=True needs arrays"):
        mg.from_jax(jnp.sin, jax.ShapeDtypeStruct((3, 4), np.float64), values=True)


def test_arguments_are_narrowed_as_jax_narrows_them():
    with jax.enable_x64(False):
        graph = mg.from_jax(lambda x, n, s: (x * s, n + 1), X, np.arange(3), 2.0)
        assert [node.dtype.name for node in graph.inputs] == ["float32", "int32", "float32"]
        x, n = graph.run(X, np.arange(3), 2.0)
    assert (x.dtype, n.tolist()) == (np.float32, [1, 2, 3])


@jax.tree_util.register_dataclass
@dataclass
class State:
    mean: object
    count: object


def test_structures_of_results_stay_and_others_are_a_tuple():
    graph = mg.from_jax(lambda x: {"b": x, "a": (x * 2, [None, 1.0])}, X)
    results = graph.run(X)
    assert [*results] == ["a", "b"]
    assert results["a"][1][1] == 1.0
    assert [node.name for node in graph.outputs] == ["result/a/0", "result/a/1/1", "x"]
    graph = mg.from_jax(lambda state: State(state.mean * 2, state.count), State(X, 3))
    assert [node.name for node in graph.inputs] == ["state/mean", "state/count"]
    mean, count = graph.run(State(X, 3))
    np.testing.assert_array_equal(mean, X * 2)
    assert count == 3


def test_values_are_kept_on_request():
    graph = mg.from_jax(jax.value_and_grad(loss), PARAMETERS, TOKENS, TARGETS, values=True)
    assert all(node.value is not None for node in graph)
    expected, gradients = jax.value_and_grad(loss)(PARAMETERS, TOKENS, TARGETS)
    np.testing.assert_allclose(graph.find("result/0").value, expected, 1e-12)
    np.testing.assert_allclose(graph.find("result/1/mlp/up").value, gradients["mlp"]["up"], 1e-12, 1e-12)
    assert graph.explore().html.startswith("<!DOCTYPE html>")
    assert len(graph.steps()) == sum(node.op is not None for node in graph)
    np.testing.assert_allclose(graph.run()[0], expected, 1e-12)


@pytest.mark.parametrize("name", ["complex numbers", "bfloat16", "random", "keys"])
def test_numbers_of_other_kinds_have_no_values_to_show(name):
    function, args, _ = FOREIGN[name]
    graph = mg.from_jax(function, *args, values=True)
    assert graph.explore().html.startswith("<!DOCTYPE html>")
    graph.run(*args)
    assert graph.dot(values=True)


REFUSED = {
    "TracerBoolConversionError: Attempted boolean conversion of traced array": lambda x: x if x.sum() > 0 else -x,
    "ConcretizationTypeError: Abstract tracer value encountered where concrete value is expected": lambda x: int(
        x[0, 0]
    ),
    "TypeError: dot_general requires contracting dimensions to have the same shape": lambda x: x @ x,
    "NameError: name 'undefined' is not defined": lambda x: undefined,  # noqa: F821
}


@pytest.mark.parametrize("says", REFUSED)
def test_a_program_that_jax_refuses_ends_in_an_error_that_quotes_it(says):
    with pytest.raises(mg.CaptureError, match=rf"^from_jax: JAX cannot trace <lambda>: {says}[^\n]*$"):
        mg.from_jax(REFUSED[says], X)


def test_the_names_of_jax_that_are_read_are_there():
    """Of what is not documented; rows that are called otherwise would leave all to JAX in silence."""
    equation = jax.make_jaxpr(lambda x: jax.jit(jnp.sin)(x))(1.0).eqns[0]
    assert (equation.primitive.name, equation.params["name"]) == ("jit", "sin")
    assert equation.source_info.name_stack.stack == ()
