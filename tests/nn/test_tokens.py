"""Models that read columns or patches as tokens."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

RNG = np.random.default_rng(0)
CODES, NUMBERS = RNG.integers(0, 6, (4, 3)), RNG.standard_normal((4, 3))
PATCHES = RNG.standard_normal((4, 9, 5))


def make_table(**options):
    return nn.TableTransformer(3, 6, 2, 8, 2, 2, rng=np.random.default_rng(1), dtype=np.float64, **options)


def make_vision(**options):
    return nn.VisionTransformer(9, 5, 2, 8, 2, 2, rng=np.random.default_rng(1), dtype=np.float64, **options)


MODELS = {"table": (make_table, (CODES, NUMBERS)), "vision": (make_vision, (PATCHES,))}


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_is_read_row_by_row(name):
    make, inputs = MODELS[name]
    model = make()
    answers = model(*inputs).numpy()
    assert answers.shape == (4, 2)
    for row in range(4):
        assert np.allclose(model(*(x[row] for x in inputs)).numpy(), answers[row], rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_finite_differences(name):
    make, inputs = MODELS[name]
    model = make(activation="gelu")
    mg.check_gradients(lambda: mg.sum(model(*inputs) ** 2), (), parameters=model.parameters(), elements=4)


@pytest.mark.parametrize("name", MODELS)
def test_the_class_token_is_the_first_query(name):
    make, inputs = MODELS[name]
    model = make()
    model(*inputs)
    tokens = inputs[0].shape[1] + 1
    assert [block.attention.weights.shape for block in model.transformer.blocks] == [(4, 2, tokens, tokens)] * 2


def test_categories_that_never_occur_stay_at_zero_and_a_gap_says_nothing_at_first():
    model = make_table()
    known = np.full((4, 3), 2)
    (gradient,) = mg.grad(mg.sum(model(known, NUMBERS) ** 2), [model.categories])
    assert (np.abs(gradient.numpy()).sum(axis=1) > 0).tolist() == [False, False, True, False, False, False]
    assert np.array_equal(model(known, NUMBERS).numpy(), model(known + 1, NUMBERS).numpy())


def test_where_a_patch_is_matters():
    model = make_vision()
    assert not np.allclose(model(PATCHES).numpy(), model(PATCHES[:, ::-1]).numpy())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: nn.TableTransformer(0, 6, 2, 8, 2, 1, rng=RNG), "TableTransformer.*columns"),
        (lambda: nn.TableTransformer(3, 0, 2, 8, 2, 1, rng=RNG), "TableTransformer.*codes"),
        (lambda: nn.VisionTransformer(9, 5, 0, 8, 2, 1, rng=RNG), "outputs"),
        (lambda: nn.VisionTransformer(9, 5, 2, 9, 2, 1, rng=RNG), "heads"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
