"""The language model: logits, and text drawn from them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks import check_gradients
from minigrad.nn import LanguageModel
from minigrad.nn.language import draw_token


def model(**options):
    return LanguageModel(7, 8, 2, 1, context=4, hidden=8, rng=np.random.default_rng(0), **options)


def test_gradients_agree_with_finite_differences():
    language = model(dtype=np.float64, activation="tanh")
    tokens = np.array([[1, 2, 3], [4, 0, 4]])
    check_gradients(
        lambda: mg.cross_entropy(language(tokens), tokens[:, ::-1]), [],
        parameters=dict(language.named_parameters()), elements=2, directions=1,
    )  # fmt: skip


def test_each_logit_depends_on_the_tokens_before_it_or_on_all():
    tokens, changed = np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5])
    for causal in (True, False):
        language = model(causal=causal)
        before, after = language(tokens).numpy(), language(changed).numpy()
        assert np.allclose(before[:3], after[:3], atol=1e-5) == causal
        assert not np.allclose(before[3], after[3])


def test_the_same_seed_continues_in_the_same_way():
    language = model()
    drawn = [language.generate([1, 2], 30, np.random.default_rng(seed)).tolist() for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0][:2] == [1, 2]
    assert len(drawn[0]) == 32
    assert set(drawn[0]) <= set(range(7))


def test_the_likeliest_token_is_taken_at_temperature_0_and_with_top_k_1():
    language, ids = model(), [1, 2, 3]
    for _ in range(6):
        ids.append(int(language(np.array(ids[-4:])).numpy()[-1].argmax()))
    for choice in ({"temperature": 0.0}, {"top_k": 1}):
        assert language.generate([1, 2, 3], 6, np.random.default_rng(0), **choice).tolist() == ids


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.5, None), (2.0, 3)])
def test_tokens_are_drawn_as_often_as_their_probability_says(temperature, top_k):
    rng = np.random.default_rng(0)
    logits = rng.standard_normal(7)
    weights = np.exp(logits / temperature)
    if top_k:
        weights[np.argsort(-logits)[top_k:]] = 0.0
    counts = np.bincount([draw_token(logits, rng, temperature, top_k) for _ in range(5000)], minlength=7)
    assert np.allclose(counts / 5000, weights / weights.sum(), atol=0.025)
    assert not counts[weights == 0].any()


def test_several_prompts_each_go_on_by_themselves():
    language, prompts = model(dtype=np.float64), [[1, 2], [3, 4], [5, 0]]
    together = language.generate([prompts], 8, np.random.default_rng(0), temperature=0.0)
    assert together.shape == (1, 3, 10)
    alone = [language.generate(prompt, 8, np.random.default_rng(0), temperature=0.0) for prompt in prompts]
    assert together[0].tolist() == [ids.tolist() for ids in alone]
    drawn_apart = language.generate([[1, 2]] * 2, 20, np.random.default_rng(0))
    assert drawn_apart[0].tolist() != drawn_apart[1].tolist()


def test_generating_looks_back_no_further_than_the_context():
    language = model()
    short, long = ([6, 1, 2, 3, 4], [0, 1, 2, 3, 4])
    continued = [language.generate(prompt, 8, np.random.default_rng(1))[5:].tolist() for prompt in (short, long)]
    assert continued[0] == continued[1]


def test_generating_drops_nothing_and_leaves_the_modes_as_they_were():
    language = model(dropout=0.5)
    language.transformer.blocks[0].eval()
    before = [module.training for module in language.modules()]
    language.generate([1], 3, np.random.default_rng(0))
    assert [module.training for module in language.modules()] == before
    with pytest.raises(IndexError):
        language.generate([9], 3, np.random.default_rng(0))
    assert [module.training for module in language.modules()] == before


@pytest.mark.parametrize("options", [{}, {"cached": False}, {"temperature": 0.0}, {"top_k": 2}])
def test_a_stream_gives_the_tokens_that_are_generated_and_modes_are_its_own(options):
    language = model(dropout=0.5)
    whole = language.generate([[1, 2], [3, 4]], 9, np.random.default_rng(0), **options)
    before = [module.training for module in language.modules()]
    tokens = [np.array([[1, 2], [3, 4]])]
    for token in language.stream([[1, 2], [3, 4]], 9, np.random.default_rng(0), **options):
        assert [module.training for module in language.modules()] == before
        with mg.generator(np.random.default_rng(1)):
            assert language(tokens[0]).requires_grad  # between two tokens it can be trained
        tokens.append(token[:, None])
    assert np.concatenate(tokens, axis=1).tolist() == whole.tolist()


def test_a_stream_draws_when_it_is_asked_and_refuses_when_it_is_made():
    rng = np.random.default_rng(0)
    tokens, before = model().stream([1], 3, rng), rng.bit_generator.state
    assert rng.bit_generator.state == before
    next(tokens)
    assert rng.bit_generator.state != before
    with pytest.raises(ValueError, match="at least one"):
        model().stream([], 3, rng)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "at least one"),
        ((3,), r"integers \(…, tokens\)"),
        (([0.5],), "float64"),
        (([1], 1, None, -1.0), "temperature=-1.0 must be 0 or more"),
        (([1], 1, None, 1.0, 0), "top_k=0 must be at least 1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    prompt, count, rng, *rest = (*arguments, 1, None)[: max(3, len(arguments))]
    with pytest.raises(ValueError, match=message):
        model().generate(prompt, count, rng or np.random.default_rng(0), *rest)
