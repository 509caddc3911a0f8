"""A3: a cache of keys and values in compiled functions; the law: wherever a sequence is cut, results are the same."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

RNG = np.random.default_rng(5)
TOKENS = RNG.integers(0, 11, (2, 9))
X = RNG.standard_normal((2, 9, 8))


def language(seed=0, **options):
    return nn.LanguageModel(11, 8, 2, 3, context=9, rng=np.random.default_rng(seed), dtype=np.float64, **options)


def attention(seed=0, **options):
    return nn.MultiHeadAttention(8, 2, rng=np.random.default_rng(seed), dtype=np.float64, **options)


MODEL, ALONE = language(), attention()
WHOLE = MODEL(TOKENS).numpy()


def eagerly(function):
    return lambda *args: function(*args).numpy()


def compiled(function):
    program = mg.compile(function)
    return lambda *args: program(*args).numpy()


def traced(function):
    graphs = {}

    def run(*args):
        shapes = tuple(x.shape for x in args)
        if shapes not in graphs:
            graphs[shapes] = mg.trace(function, *args)
        return graphs[shapes].run(*args)

    return run


RUNNERS = [eagerly, compiled, traced]


def in_pieces(step, sizes, x=TOKENS):
    return np.concatenate([step(piece) for piece in np.split(x, np.cumsum(sizes)[:-1], axis=1)], axis=1)


# --- a cache that grows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capture", [mg.compile, lambda f: lambda *args: mg.trace(f, *args)], ids=["compile", "trace"])
@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("called", [
    lambda cache: lambda: MODEL(mg.constant(TOKENS), cache=cache),
    lambda cache: lambda: MODEL.transformer(mg.constant(X), cache=cache),
    lambda cache: lambda: MODEL.transformer.blocks[0](mg.constant(X), cache=cache),
    lambda cache: lambda: ALONE(mg.constant(X), causal=True, cache=cache),
], ids=["model", "decoder", "block", "attention"])  # fmt: skip
def test_A3_a_growing_cache_is_never_captured(called, filled, capture):
    cache = nn.KeyValueCache()
    if filled:
        called(cache)()
    before = cache.tokens
    with pytest.raises(mg.CaptureError, match=r"nn\.KeyValueCache\(context=N\)"):
        capture(called(cache))()
    assert cache.tokens == before


def test_A3_a_growing_cache_among_the_arguments_is_refused():
    with pytest.raises(mg.CaptureError, match=r"nn\.KeyValueCache\(context=N\)"):
        mg.compile(lambda tokens, cache: MODEL(tokens, cache=cache))(TOKENS, nn.KeyValueCache())


# --- of a fixed size --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("sizes", [[1] * 9, [9], [4, 1, 1, 3], [3, 6]], ids=str)
def test_A3_logits_in_pieces_are_those_of_the_whole(runner, sizes):
    cache = nn.KeyValueCache(context=9)
    step = runner(lambda tokens: MODEL(tokens, cache=cache))
    for _ in range(2):  # and after a reset
        assert np.abs(in_pieces(step, sizes) - WHOLE).max() < 1e-13
        assert cache.tokens == 9
        cache.reset()
        assert cache.tokens == 0


def test_A3_one_program_serves_all_single_tokens_and_each_length_of_a_prompt():
    cache = nn.KeyValueCache(context=9)
    step = mg.compile(lambda tokens: MODEL(tokens, cache=cache))
    for sizes in ([4, 1, 1, 1, 1, 1], [1] * 9, [1, 4, 4]):
        in_pieces(eagerly(step), sizes)
        cache.reset()
    assert len(step.programs) == 2


def test_A3_the_program_writes_the_new_rows_in_place():
    for model in (MODEL, language(activation="gelu")):
        cache = nn.KeyValueCache(context=9)
        step = mg.compile(lambda tokens, model=model, cache=cache: model(tokens, cache=cache))
        step(TOKENS[:, :1])
        assert not step.program.plan.copies
        assert step.source.count("[..., ") == 6
        assert "copyto(setitem" not in step.source


@pytest.mark.parametrize("runner", RUNNERS)
def test_A3_a_full_cache_is_named_before_anything_is_written(runner):
    cache = nn.KeyValueCache(context=4)
    step = runner(lambda tokens: MODEL(tokens, cache=cache))
    step(TOKENS[:, :3])
    step(TOKENS[:, 3:4])
    before = [x.numpy() for pair in cache._memory.values() for x in pair]
    for count in (1, 3):
        with pytest.raises(ValueError, match=r"KeyValueCache\(context=4\) is full: it holds 4 tokens, and \d more"):
            step(TOKENS[:, :count])
    assert cache.tokens == 4
    for old, new in zip(before, (x for pair in cache._memory.values() for x in pair), strict=True):
        assert old.tobytes() == new.numpy().tobytes()


@pytest.mark.parametrize("taken", [0, 4])
@pytest.mark.parametrize("runner", RUNNERS)
def test_A3_more_tokens_than_the_context_are_refused_whatever_is_taken(runner, taken):
    cache = nn.KeyValueCache(context=4)
    step = runner(lambda tokens: MODEL(tokens, cache=cache))
    if taken:
        step(TOKENS[:, :taken])
    with pytest.raises(ValueError, match=r"KeyValueCache\(context=4\) never has room for 5 tokens in one call"):
        step(TOKENS[:, :5])
    assert cache.tokens == taken


def test_A3_eager_compiled_and_traced_calls_may_alternate():
    cache = nn.KeyValueCache(context=9)
    steps = [runner(lambda tokens: MODEL(tokens, cache=cache)) for runner in RUNNERS]
    pieces = [steps[i % 3](TOKENS[:, i : i + 1]) for i in range(9)]
    assert np.abs(np.concatenate(pieces, axis=1) - WHOLE).max() < 1e-13


def test_A3_as_an_argument_and_compared_with_eager_code():
    step = mg.compile(lambda tokens, cache: MODEL(tokens, cache=cache), check=3)
    for _ in range(2):
        cache = nn.KeyValueCache(context=9)
        assert (
            np.abs(in_pieces(lambda piece, cache=cache: step(piece, cache).numpy(), [2, 2, 1, 4]) - WHOLE).max() < 1e-13
        )


@pytest.mark.parametrize("runner", RUNNERS)
def test_A3_masks_are_for_all_that_there_is_room_for(runner):
    cache, real, mask = nn.KeyValueCache(context=9), np.ones(TOKENS.shape, bool), RNG.random((9, 9)) < 0.7
    real[1, :4] = False
    step = runner(lambda tokens, real, mask: MODEL(tokens, cache=cache, key_mask=real, mask=mask))
    parts = [slice(0, 5), slice(5, 7), slice(7, 8), slice(8, 9)]
    found = np.concatenate([step(TOKENS[:, part], real, mask[part]) for part in parts], axis=1)
    assert np.allclose(found, MODEL(TOKENS, key_mask=real, mask=mask).numpy(), atol=1e-13)


@pytest.mark.parametrize("runner", RUNNERS)
def test_A3_attention_by_blocks_and_decoders_with_a_memory(runner):
    cache, blocks = nn.KeyValueCache(context=9), attention(block=2)
    step = runner(lambda x: blocks(x, causal=True, cache=cache))
    assert np.allclose(in_pieces(step, [4, 2, 1, 2], X), attention()(X, causal=True).numpy())
    decoder = nn.Decoder(2, 8, 2, rng=np.random.default_rng(0), cross=True, dtype=np.float64)
    memory, other = RNG.standard_normal((2, 3, 8)), nn.KeyValueCache(context=20)
    step = runner(lambda x: decoder(x, mg.constant(memory), cache=other))
    assert np.allclose(in_pieces(step, [4, 2, 1, 2], X), decoder(X, memory).numpy())


def test_A3_gradients_flow_to_the_tokens_of_the_call():
    def gradients(tokens):
        cache.reset()
        return mg.grad(mg.sum(mg.tanh(MODEL(tokens, cache=cache))), MODEL.parameters())

    cache = nn.KeyValueCache(context=9)
    whole = mg.grad(mg.sum(mg.tanh(MODEL(TOKENS))), MODEL.parameters())
    for found in (gradients(TOKENS), mg.compile(gradients)(TOKENS)):
        assert all(np.allclose(a.numpy(), b.numpy()) for a, b in zip(found, whole, strict=True))


def test_A3_weights_are_for_all_places():
    cache = nn.KeyValueCache(context=12)
    MODEL(TOKENS[:, :5], cache=cache)
    MODEL(TOKENS[:, 5:7], cache=cache)
    weights = MODEL.transformer.blocks[1].attention.weights.numpy()
    assert weights.shape == (2, 2, 2, 12)
    assert not weights[..., 0, 6:].any()
    assert not weights[..., 1, 7:].any()
    assert weights[..., 1, :7].all()


def test_A3_copies_are_caches_of_their_own():
    cache = nn.KeyValueCache(context=9)
    MODEL(TOKENS[:, :3], cache=cache)
    for model, other in (copy.deepcopy((MODEL, cache)), pickle.loads(pickle.dumps((MODEL, cache)))):
        assert np.abs(model(TOKENS[:, 3:], cache=other).numpy() - WHOLE[:, 3:]).max() < 1e-13
        assert (other.tokens, cache.tokens) == (9, 3)


def test_A3_a_profile_leaves_room():
    cache = nn.KeyValueCache(context=2)
    step = mg.compile(lambda tokens: MODEL(tokens, cache=cache))
    step(TOKENS[:, :1])
    step.profile()
    assert cache.tokens == 1
    step(TOKENS[:, 1:2])
    with pytest.raises(ValueError, match="is full"):
        step.profile()
    assert cache.tokens == 2


# --- sharing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("reset", [False, True])
def test_A3_another_model_is_refused(runner, reset):
    cache, other = nn.KeyValueCache(context=9), language(1)
    runner(lambda tokens: MODEL(tokens, cache=cache))(TOKENS[:, :2])
    if reset:
        cache.reset()
    with pytest.raises(ValueError, match="it is for one model; make another"):
        runner(lambda tokens: other(tokens, cache=cache))(TOKENS[:, :2])
    if reset:
        cache.reset()
        runner(lambda tokens: MODEL(tokens, cache=cache))(TOKENS[:, :2])
    step = runner(lambda tokens: MODEL(tokens, cache=cache))  # nothing has happened to it
    assert np.abs(step(TOKENS[:, 2:]) - WHOLE[:, 2:]).max() < 1e-13


@pytest.mark.parametrize("runner", RUNNERS)
def test_A3_attentions_that_do_not_take_turns_are_refused(runner):
    cache, layers = nn.KeyValueCache(context=30), [attention(i) for i in range(3)]
    first, second, third = (runner(lambda x, a=a: a(x, causal=True, cache=cache)) for a in layers)
    for start in range(0, 4, 2):
        first(X[:, start : start + 2])
        second(X[:, start : start + 2])
    with pytest.raises(ValueError, match="one model"):
        third(X[:, :2])


def test_A3_an_attention_twice_in_a_call_or_with_other_tokens_is_refused():
    for again in (lambda a, b: (b, X[:, :2]), lambda a, b: (b, X[:, :3])):
        a, b, cache = attention(0), attention(1), nn.KeyValueCache(context=30)
        for layer in (a, b):
            layer(X[:, :2], causal=True, cache=cache)
        layer, x = again(a, b)
        with pytest.raises(ValueError, match="one model"):
            layer(x, causal=True, cache=cache)
        a(X[:, 2:4], causal=True, cache=cache)
        with pytest.raises(ValueError, match="one model"):
            b(X[:, 2:3], causal=True, cache=cache)


@pytest.mark.parametrize("runner", RUNNERS)
def test_A3_another_batch_or_type_is_refused_and_leaves_all_as_it_was(runner):
    cache = nn.KeyValueCache(context=9)
    step = runner(lambda tokens: MODEL(tokens, cache=cache))
    step(TOKENS[:, :2])
    for other in (TOKENS[:1, :2], TOKENS[0, :2], np.concatenate([TOKENS, TOKENS])[:, :2]):
        with pytest.raises(ValueError, match=r"keys \(2, 2, 9, 4\), the new ones .*one batch"):
            step(other)
    with pytest.raises(TypeError, match="float64 keys, the new ones float32"):
        cache.extend(next(iter(cache._memory)), *np.zeros((2, 2, 2, 1, 4), np.float32))
    assert np.abs(step(TOKENS[:, 2:]) - WHOLE[:, 2:]).max() < 1e-13


def test_A3_a_call_that_breaks_off_is_noticed_and_a_failed_capture_forgiven():
    class Breaking(nn.Module):
        def __init__(self):
            self.first, self.second, self.breaks = attention(0), attention(1), False

        def forward(self, x, cache):
            x = self.first(x, causal=True, cache=cache)
            if self.breaks:
                raise RuntimeError("on the way")
            return self.second(x, causal=True, cache=cache)

    model, cache = Breaking(), nn.KeyValueCache(context=9)
    whole = model(X, nn.KeyValueCache()).numpy()
    model(X[:, :3], cache)
    model.breaks = True
    with pytest.raises(RuntimeError):
        mg.compile(lambda x: model(x, cache))(X[:, 3:4])
    model.breaks = False
    step = mg.compile(lambda x: model(x, cache))
    assert np.allclose(step(X[:, 3:6]).numpy(), whole[:, 3:6])
    model.breaks = True
    with pytest.raises(RuntimeError):
        model(X[:, 6:], cache)
    model.breaks = False
    with pytest.raises(ValueError, match=r"did not reach every attention .* reset\(\)"):
        model(X[:, 6:], cache)
    cache.reset()
    assert np.allclose(model(X, cache).numpy(), whole)


def test_A3_the_room_must_be_a_size():
    for context in (0, -1, 2.5, "9"):
        with pytest.raises(ValueError, match=r"KeyValueCache: context=.* must be a whole number, at least 1"):
            nn.KeyValueCache(context=context)


# --- positions --------------------------------------------------------------------------------------------------------

PUT_IN = {
    "sinusoidal": nn.SinusoidalPositions(8, dtype=np.float64),
    "sinusoidal, odd": nn.SinusoidalPositions(5, combine="concatenate", dtype=np.float64),
    "sinusoidal, scaled": nn.SinusoidalPositions(8, learnable_scale=True, dtype=np.float64),
    "learned": nn.LearnedPositions(12, 8, np.random.default_rng(0), dtype=np.float64),
    "rotary": nn.rotary,
    "ALiBi": lambda x, start=0: x[0, :, :2] + nn.linear_biases(2, 3, 9, start=start, dtype=np.float64)[0, :, :2],
}


@pytest.mark.parametrize("name", PUT_IN)
def test_A3_positions_from_a_tensor_are_those_from_a_number(name):
    put_in, x = PUT_IN[name], X[:, :3]
    steps = [
        runner(lambda x, start: put_in(x if isinstance(x, mg.Tensor) else mg.Tensor(x), start)) for runner in RUNNERS
    ]
    for start in (0, 1, 7):
        expected = put_in(mg.Tensor(x), start=start).numpy().tobytes()
        assert put_in(mg.Tensor(x), mg.Tensor(start)).numpy().tobytes() == expected
        for step in steps:
            assert step(x, np.asarray(start)).tobytes() == expected


def test_A3_positions_from_what_is_no_whole_number_are_refused():
    for start in (mg.Tensor(1.0), mg.Tensor([1, 2])):
        with pytest.raises(ValueError, match="a whole number, or a Tensor of one"):
            nn.rotary(mg.Tensor(X), start)
    step = mg.compile(lambda x, start: PUT_IN["learned"](x, start))
    with pytest.raises(IndexError, match="index 12 at"):
        step(X[:, :3], np.asarray(10))


# --- the law ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runner", RUNNERS)
@settings(max_examples=12)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.booleans())
def test_a_sequence_may_be_cut_anywhere(runner, sizes, again):
    sizes = [size for i, size in enumerate(sizes) if sum(sizes[: i + 1]) <= 9]
    cache = nn.KeyValueCache(context=9)
    step = runner(lambda tokens: MODEL(tokens, cache=cache))
    for _ in range(1 + again):
        cache.reset()
        if sizes:
            count = sum(sizes)
            assert np.abs(in_pieces(step, sizes, TOKENS[:, :count]) - WHOLE[:, :count]).max() < 1e-13


@pytest.mark.parametrize("runner", [compiled, traced])
@pytest.mark.parametrize("context", [None, 9])
def test_what_a_cache_holds_is_never_of_a_capture(runner, context):
    """The law: after a capture, whatever came of it, the cache is right in eager code, or the capture was refused."""
    cache = nn.KeyValueCache(context=context)
    step = runner(lambda tokens: MODEL(tokens, cache=cache))
    try:
        pieces = [step(TOKENS[:, :2]), step(TOKENS[:, 2:4])]
    except mg.CaptureError:
        pieces = [np.zeros((2, 0, 11))]
    done = cache.tokens
    rest = MODEL(TOKENS[:, done:], cache=cache).numpy()
    assert np.abs(np.concatenate([*pieces, rest], axis=1) - WHOLE).max() < 1e-13


@pytest.mark.parametrize("runner", RUNNERS)
def test_A3_no_new_tokens_are_no_tokens(runner):
    cache = nn.KeyValueCache(context=9)
    step = runner(lambda tokens: MODEL(tokens, cache=cache))
    step(TOKENS[:, :3])
    assert step(TOKENS[:, :0]).shape == (len(TOKENS), 0, step(TOKENS[:, :1]).shape[-1])
    assert cache.tokens == 4
