"""Random draws: what they follow is the generator, and nothing else."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.arrays import Shaped
from minigrad.ops.random import current_generator

DRAWS = [(mg.random_uniform, "random"), (mg.random_normal, "standard_normal")]
each_draw = pytest.mark.parametrize(("draw", "method"), DRAWS, ids=["uniform", "normal"])


def rng():
    return np.random.default_rng(5)


@each_draw
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_draw_is_what_the_generator_gives(draw, method, dtype):
    expected = getattr(rng(), method)((2, 3), np.dtype(dtype).type)
    with mg.no_grad():
        drawn = draw(shape=(2, 3), dtype=dtype, generator=rng())
    assert np.asarray(drawn).dtype == dtype
    np.testing.assert_array_equal(np.asarray(drawn), expected)
    np.testing.assert_array_equal(draw.call(shape=(2, 3), generator=rng()), getattr(rng(), method)((2, 3)))


@each_draw
def test_shape_and_dtype_are_known_without_a_draw(draw, method):
    generator = rng()
    before = generator.bit_generator.state
    params = {"shape": (2, 0, 3), "dtype": "float32", "generator": generator}
    assert draw.infer((), params) == Shaped((2, 0, 3), np.dtype(np.float32))
    assert generator.bit_generator.state == before


@each_draw
def test_a_draw_is_an_effect(draw, method):
    assert draw.effect


def test_the_generator_that_is_passed_comes_before_the_enclosing_one():
    passed, enclosing = rng(), rng()
    assert current_generator(passed) is passed
    with mg.generator(enclosing):
        assert current_generator(None) is enclosing
        assert current_generator(passed) is passed


def test_without_a_generator_the_error_shows_the_line_to_write():
    with pytest.raises(mg.GraphError, match=r"with minigrad\.generator\(numpy\.random\.default_rng\(0\)\):"):
        current_generator(None)


@pytest.mark.parametrize("wrong", [0, None, np.random.RandomState(0)])
def test_what_is_no_generator_is_named(wrong):
    with pytest.raises(TypeError, match=rf"expected a numpy\.random\.Generator, got {type(wrong).__name__}"):
        mg.generator(wrong)
    if wrong is not None:
        with pytest.raises(TypeError, match=rf"random_uniform.*numpy\.random\.Generator, got {type(wrong).__name__}"):
            mg.random_uniform(shape=(2,), generator=wrong)


@pytest.mark.parametrize("dtype", ["float16", "int64", "bool"])
def test_other_types_are_refused(dtype):
    with pytest.raises(TypeError, match=f"expected float32 or float64, got {dtype}"):
        mg.random_normal(shape=(2,), dtype=dtype, generator=rng())
