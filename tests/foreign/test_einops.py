"""einops on Tensors: what it makes of arrays, gradients of it, and the same compiled."""

import numpy as np
import pytest

import minigrad as mg

einops = pytest.importorskip("einops", reason="einops is not installed: pip install einops")
pytest.importorskip("minigrad.foreign.einops")

VALUES = np.random.default_rng(0).normal(size=(2, 3, 4))

CASES = {
    "split and join": lambda x: einops.rearrange(x, "b t (h d) -> (b h) d t", h=2),
    "ellipsis": lambda x: einops.rearrange(x, "b ... d -> d ... b"),
    "new axis": lambda x: einops.rearrange(x, "b t d -> b 1 t d ()"),
    "list": lambda x: einops.rearrange([x, 2 * x], "n b t d -> b t (n d)"),
    **{f"reduce {name}": lambda x, name=name: einops.reduce(x, "b t (h d) -> t h", name, h=2)
       for name in ("sum", "mean", "max", "min", "prod")},
    "reduce all": lambda x: einops.reduce(x, "b t d ->", "sum"),
    "reduce, axes of 1": lambda x: einops.reduce(x, "b t d -> b 1 d", "mean"),
    "repeat": lambda x: einops.repeat(x, "b t d -> (t 2) b n d", n=3),
    "einsum": lambda x: einops.einsum(x, x, 2 * x, "b t d, b s d, c s e -> b t e c"),
    "pack": lambda x: einops.pack([x, x[:, 0]], "b * d")[0],
    "unpack": lambda x: einops.unpack(x, [(2,), ()], "b * d")[0],
}  # fmt: skip

each_case = pytest.mark.parametrize("function", CASES.values(), ids=CASES)


@each_case
def test_a_tensor_becomes_what_an_array_becomes(function):
    x = mg.Tensor(VALUES, requires_grad=True)
    result = function(x)
    assert isinstance(result, mg.Tensor)
    np.testing.assert_allclose(result.data, function(VALUES), 1e-13)
    assert result.requires_grad


@each_case
def test_gradients_are_right_twice(function):
    assert mg.check_gradients(lambda x: mg.sum(mg.square(function(x))), [VALUES], order=2).passed


@each_case
def test_a_compiled_function_computes_the_same(function):
    compiled = mg.compile(function)
    for values in (VALUES, 2 * VALUES):
        assert compiled(mg.Tensor(values)).data.tobytes() == function(mg.Tensor(values)).data.tobytes()
    assert len(compiled.programs) == 1


def test_what_einops_refuses_it_refuses_of_tensors():
    with pytest.raises(einops.EinopsError):
        einops.rearrange(mg.Tensor(VALUES), "b t -> t b")
    with pytest.raises(NotImplementedError, match="non-floating"):
        einops.reduce(mg.Tensor([[1, 2]]), "a b -> a", "mean")


def test_shapes_can_be_read():
    assert einops.parse_shape(mg.Tensor(VALUES), "b _ d") == {"b": 2, "d": 4}
    assert einops.asnumpy(mg.Tensor(VALUES)).tolist() == VALUES.tolist()
