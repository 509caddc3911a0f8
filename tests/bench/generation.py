"""The demo's model writes token by token, in three ways, from the same weights: for `waits.py`.

A way is a function that makes `begin()` and `read(token, place)`: a new text, and the logits (vocabulary,) after one
more token of it.
"""

import time

import numpy as np

import minigrad as mg
from minigrad.cli.demo import MODEL
from minigrad.nn import KeyValueCache, LanguageModel
from minigrad.nn.positions import sinusoids

VOCABULARY = 99


def make_model():
    rng = np.random.default_rng(0)
    model = LanguageModel(VOCABULARY, MODEL.width, MODEL.heads, MODEL.layers, MODEL.tokens, rng=rng)
    return model.eval()


def compiled():
    """Keys and values are state of a fixed size; one program reads each token."""
    model, cache = make_model(), KeyValueCache(context=MODEL.tokens)
    step = mg.compile(lambda token: model(token, cache=cache))
    return cache.reset, lambda token, place: step(token).numpy()[0]


def eager():
    """The plain loop: keys and values grow with each token, and nothing is compiled."""
    model, caches = make_model(), [KeyValueCache()]

    def begin():
        caches[:] = [KeyValueCache()]

    return begin, lambda token, place: model(token, cache=caches[0]).numpy()[0]


def torch_static():
    """PyTorch, with keys and values of a fixed size."""
    import torch
    from torch_block import CachedModel

    positions = sinusoids(np.arange(MODEL.tokens), MODEL.width).astype(np.float32)
    model = CachedModel(make_model().state_dict(), MODEL.heads, MODEL.layers, positions)

    @torch.inference_mode()
    def read(token, place):
        return model.read(torch.from_numpy(token), torch.tensor([place])).numpy()[0]

    return lambda: None, read


def measure_token(way, seconds):
    """Seconds a token, of the fastest of several texts as long as the context."""
    mg.keep_memory()
    begin, read = way()
    times, end = [], time.perf_counter() + seconds
    with mg.no_grad():
        while len(times) < 3 or time.perf_counter() < end:
            begin()
            token, start = np.zeros(1, np.int64), time.perf_counter()
            for place in range(MODEL.tokens):
                token = read(token, place).argmax(keepdims=True)
            times.append((time.perf_counter() - start) / MODEL.tokens)
    return min(times)


def compute_logits(way):
    """The logits (tokens, vocabulary) along a text that is the same for all."""
    begin, read = way()
    begin()
    text = np.random.default_rng(1).integers(0, VOCABULARY, (MODEL.tokens, 1))
    with mg.no_grad():
        return np.stack([read(token, place).copy() for place, token in enumerate(text)])
