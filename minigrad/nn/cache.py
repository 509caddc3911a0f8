"""What attention remembers between calls, so that each new token of a sequence is computed alone.

In come the keys and values of new tokens, out go those of all tokens so far.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

from minigrad import ops
from minigrad.core.errors import CaptureError
from minigrad.core.modes import current_mode, within
from minigrad.core.storage import assign, read
from minigrad.core.tensor import Tensor, constant
from minigrad.nn.layers import check_sizes
from minigrad.ops.places import first_free, write_rows

if TYPE_CHECKING:
    from minigrad.core.capture import Capture
    from minigrad.nn.attention import MultiHeadAttention


class Remembered(NamedTuple):
    """Keys and values to attend to, and which of them each new token may see: (queries, keys), or None for all."""

    key: Any
    value: Any
    visible: Any


class KeyValueCache:
    """The keys and values of the tokens so far, for every self-attention that a call passes through.

    A causal token never changes when others follow, so its keys and values are computed once. A call with `cache=`
    takes the new tokens alone and returns what a call with all tokens returns for them, to rounding. The cache is for
    one sequence, or one batch of them, of one model with one set of weights; the next gets a cache of its own.

    Args:
        context: how many tokens there is room for. Then keys and values are state of a fixed size, which the first call
            makes and every call writes into, and the cache works in compiled functions as well: one program for each
            number of new tokens, wherever they stand. Masks and weights are for all places, also those not written
            yet, which nobody sees; no gradient flows to the tokens of earlier calls. Without it the cache grows with
            each call, in eager code alone.

    Raises:
        ValueError: a context that is not a whole number, at least 1.

    >>> from minigrad.nn import LanguageModel
    >>> model = LanguageModel(vocabulary=10, width=8, heads=2, layers=1, context=16, rng=np.random.default_rng(0))
    >>> cache = KeyValueCache()
    >>> first, second = model(np.array([1, 2]), cache=cache), model(np.array([3]), cache=cache)
    >>> cache.tokens, second.shape
    (3, (1, 10))
    >>> np.allclose(second.numpy(), model(np.array([1, 2, 3])).numpy()[2:], atol=1e-5)
    True

    >>> cache = KeyValueCache(context=16)
    >>> step = mg.compile(lambda tokens: model(tokens, cache=cache))
    >>> first, again = step(np.array([1, 2])), step(np.array([3]))
    >>> cache.tokens, np.allclose(again.numpy(), second.numpy(), atol=1e-5)
    (3, True)
    """

    def __init__(self, context: int | None = None) -> None:
        if context is not None:
            check_sizes("KeyValueCache", context=context)
        self.context = context
        self._memory: dict[MultiHeadAttention, tuple[Any, Any]] = {}
        self._taken = Tensor(0, name="tokens in the cache")
        self._call = Call()

    @property
    def tokens(self) -> int:
        """How many tokens there are so far."""
        if self.context is not None:
            return int(self._taken)
        return next((int(key.shape[-2]) for key, _ in self._memory.values()), 0)

    def begin(self, count: int) -> Any:
        """The position of the first of `count` new tokens, to be asked for before the first attention sees these.

        Returns:
            A number; of a fixed size under capture, a 0-d Tensor.

        Raises:
            ValueError: there is no room for so many.
        """
        if self.context is None:
            return self.tokens
        self._call.leader_met = False
        start = first_free(read(self._taken), count=count, context=self.context)
        return start if isinstance(start, Tensor) else int(start)

    def reset(self) -> None:
        """Begin anew, without tokens. Of a fixed size the cache stays with its attentions, and is zeros again."""
        self._call = Call()
        if self.context is None:
            self._memory.clear()
        for tensor in (self._taken, *(x for pair in self._memory.values() for x in pair)):
            assign(tensor, ops.zeros_like(tensor))

    def extend(self, attention: MultiHeadAttention, key: Any, value: Any) -> Remembered:
        """All keys and values of `attention`, (…, keys, width): those so far and the new ones, which are kept.

        Raises:
            ValueError: tokens of another batch, or a call that does not reach all attentions that share the cache.
            TypeError: keys of another dtype than those so far.
            CaptureError: a cache that grows, in a function that is captured.
        """
        if self.context is None:
            return self._grow(attention, key, value)
        return self._write(attention, key, value, self.context)

    # --- that grows ---------------------------------------------------------------------------------------------------

    def _grow(self, attention: MultiHeadAttention, key: Any, value: Any) -> Remembered:
        if current_mode().capture is not None:
            raise CaptureError(
                "KeyValueCache() grows with each call, while what is captured stays as long as it is: make it "
                "nn.KeyValueCache(context=N), with room for N tokens, whose keys and values are state of a fixed size"
            )
        queries = key.shape[-2]
        if attention in self._memory:
            keys, values = self._memory[attention]
            if keys.shape[:-2] != key.shape[:-2]:
                _refuse_other_batch(keys, key)
            key, value = ops.concatenate([keys, key], axis=-2), ops.concatenate([values, value], axis=-2)
        self._memory[attention] = key, value
        if queries == 1:  # the last token sees all
            return Remembered(key, value, None)
        visible = np.tri(queries, key.shape[-2], key.shape[-2] - queries, dtype=bool)
        return Remembered(key, value, constant(visible, name="causal mask"))

    # --- of a fixed size ----------------------------------------------------------------------------------------------

    def _write(self, attention: MultiHeadAttention, key: Any, value: Any, context: int) -> Remembered:
        """The first attention that was met takes places for the tokens, for all of a call; the others follow."""
        count, captured = key.shape[-2], current_mode().capture
        with within(capture=None):
            taken = int(self._taken)
        leader = next(iter(self._memory), attention)
        if attention is leader:
            self._check_memory(attention, key, value)
            self._call.check_complete()
            start = first_free(read(self._taken), count=count, context=context)
            self._call.open(self._memory, count, taken, captured)
            assign(self._taken, start + count)
        else:
            self._call.check(attention, attention in self._memory, count, taken, captured)
            self._check_memory(attention, key, value)
            start = read(self._taken) - count
        places = start + constant(np.arange(count))
        keys, values = (
            _write_rows(state, places, rows) for state, rows in zip(self._memory[attention], (key, value), strict=True)
        )
        self._call.missing.discard(attention)
        visible = ops.less_equal(constant(np.arange(context)), ops.expand_dims(places, axis=-1))
        return Remembered(keys, values, visible)

    def _check_memory(self, attention: MultiHeadAttention, key: Any, value: Any) -> None:
        """Make memory for an attention that is met for the first time; what comes later has to fit in."""
        shapes = [(*x.shape[:-2], self.context, x.shape[-1]) for x in (key, value)]
        if attention not in self._memory:
            with within(capture=None):  # state is made outside of what is captured
                key_state, value_state = (
                    Tensor(np.zeros(shape, x.dtype), name=name)
                    for shape, x, name in zip(shapes, (key, value), ("keys", "values"), strict=True)
                )
            self._memory[attention] = key_state, value_state
        for state, x, shape in zip(self._memory[attention], (key, value), shapes, strict=True):
            if state.shape != shape:
                _refuse_other_batch(state, x)
            if state.dtype != x.dtype:
                raise TypeError(f"KeyValueCache: the tokens so far have {state.dtype} keys, the new ones {x.dtype}")


class Call:
    """What one call of a model has done to a cache of fixed size: who was met, and who has still to come.

    Every attention takes part once in every call, the leader first. What was captured has changed nothing yet.
    """

    def __init__(self) -> None:
        self.leader_met = False
        self.missing: set[Any] = set()
        self.count = self.start = 0
        self.capture: weakref.ref[Capture] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Call, ()

    def check_complete(self) -> None:
        """Raise where the last call, which was no capture, left somebody out."""
        if self.missing and self.capture is None:
            raise ValueError(
                "KeyValueCache: the last call did not reach every attention that shares the cache, so their tokens "
                "differ now: call reset(), and give each model a cache of its own"
            )

    def open(self, known: Iterable[Any], count: int, taken: int, capture: Capture | None) -> None:
        """The leader is met."""
        self.leader_met, self.missing, self.count, self.start = True, set(known), count, taken
        self.capture = None if capture is None else weakref.ref(capture)

    def check(self, attention: Any, known: bool, count: int, taken: int, capture: Capture | None) -> None:
        """An attention that is not the leader has its turn: once in each call, from the first call on."""
        is_same_capture = capture is not None and self.capture is not None and self.capture() is capture
        late = not known and (self.start > 0 or taken != (0 if is_same_capture else self.count))
        if not self.leader_met or late or (known and attention not in self.missing) or count != self.count:
            raise ValueError(
                "KeyValueCache: the cache is shared by attentions that do not all take part once in each call, with "
                "the same tokens, from the first token on: it is for one model; make another for the next"
            )


def _write_rows(state: Any, places: Any, rows: Any) -> Any:
    """The new value of `state`, with `rows` at `places`; it is kept there, too."""
    before = read(state) if current_mode().capture is not None else constant(state)  # which a graph may keep
    after = write_rows(before, rows, places)
    assign(state, after)
    return after


def _refuse_other_batch(so_far: Any, new: Any) -> NoReturn:
    raise ValueError(
        f"KeyValueCache: the tokens so far have keys {so_far.shape}, the new ones {new.shape}: a cache is for one "
        "batch of sequences; make another for the next"
    )
