"""Weights to and from PyTorch: the same numbers under other names, some turned round, some packed into one array.

In come a module of ours and a safetensors file with the keys that another program uses; `layouts.py` says which is
which. Neither PyTorch nor the library safetensors is needed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from minigrad.core.arrays import Array
from minigrad.io.arrays import load_arrays, save_arrays
from minigrad.io.checkpoint import check_fit
from minigrad.io.layouts import LAYOUTS, Layout, Names
from minigrad.nn.layers import Linear
from minigrad.nn.module import Module
from minigrad.nn.recurrent import Recurrent
from minigrad.nn.state import list_differences
from minigrad.nn.transformer import TransformerBlock

Name = Literal["torch", "nanogpt", "gpt2"]


class Shares(NamedTuple):
    """What one array elsewhere is made of: Tensors by path, one after another along the last axis."""

    paths: list[str]
    turned: bool


def load_weights(model: Module, path: str | os.PathLike[str], layout: Name = "torch") -> None:
    """Put the weights of a PyTorch model into `model`.

    Args:
        model: of the same structure as the one that was saved, and of the dtype of the file (`astype` converts it
            afterwards).
        path: a safetensors file: in PyTorch `safetensors.torch.save_model(model, path)`, or
            `save_file(model.state_dict(), path)`.
        layout: whose keys the file has. "torch": modules of `torch.nn` where the model has ours (layers, convolutions,
            normalisations, `GRU`, `LSTM`, `Sequential`, `MultiHeadAttention`, `TransformerBlock`, `Encoder`,
            `Decoder`), and names of attributes that are the same in both. "nanogpt" and "gpt2" (Hugging Face): a model
            that holds `embedding`, `positions`, `transformer`, a `Decoder`, and `readout` where it is not tied to the
            embedding.

    What a file does not tell has to be right: the number of heads, and with "torch" the activation, "pre" or "post",
    and the epsilon of normalisations.

    Raises:
        CheckpointError: the file is no safetensors file, is damaged, or does not fit: every key that is missing,
            unexpected or of another shape or dtype, and every setting that its layout does not have, is in the message.
            Nothing was changed.
        TypeError: `model` is not a module.
        ValueError: another layout.
        OSError: see `load_arrays`.

    >>> import tempfile
    >>> from minigrad.nn import MultiHeadAttention
    >>> from minigrad.io import load_arrays
    >>> rng = np.random.default_rng(0)
    >>> model, other = (MultiHeadAttention(width=4, heads=2, rng=rng) for _ in range(2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(model, f"{folder}/attention.safetensors")
    ...     load_weights(other, f"{folder}/attention.safetensors")
    ...     arrays, _ = load_arrays(f"{folder}/attention.safetensors")
    >>> {key: array.shape for key, array in arrays.items()}
    {'in_proj_bias': (12,), 'in_proj_weight': (12, 4), 'out_proj.bias': (4,), 'out_proj.weight': (4, 4)}
    >>> bool((model.key.weight == other.key.weight).all())
    True
    """
    known = _find_layout("load_weights", model, layout)
    arrays, texts = load_arrays(path)
    # Of Tensors that share memory `safetensors.torch.save_model` writes one, and notes by which to replace the others.
    arrays |= {key: arrays[kept] for key, kept in texts.items() if key not in arrays and kept in arrays}
    arrays = {key.replace("_orig_mod.", ""): array for key, array in arrays.items()}  # what torch.compile adds
    before = model.state_dict()
    shares, given = _list_shares(model, known), _add_base(arrays, known)
    problems = _list_misfits(model, known, shares) + _list_differences(before, shares, given, known)
    if problems:
        advice = [
            f'layout="{other}" has these keys and shapes' for other, its in LAYOUTS.items()
            if other != layout and not _list_differences(before, _list_shares(model, its), _add_base(arrays, its), its)
        ]  # fmt: skip
        dtypes = {given[key].dtype for key in shares if key in given}
        if len(dtypes) == 1 and dtypes != {array.dtype for array in before.values()}:
            advice.append(f"the file holds {dtypes.pop()}: make the model with that dtype, and convert it by astype")
        check_fit(path, sorted(problems) + advice)
    try:
        model.load_state_dict(_unpack(before, shares, given))
    except BaseException:  # Ctrl-C too
        model.load_state_dict(before)
        raise


def save_weights(model: Module, path: str | os.PathLike[str], layout: Name = "torch") -> None:
    """Write the weights of `model` to a safetensors file, for a PyTorch model; `load_weights` has an example.

    In PyTorch: `model.load_state_dict(safetensors.torch.load_file(path))`. The file has all keys of that model; with
    "nanogpt" and "gpt2" also `lm_head.weight`, which is the embedding once more where the model has no `readout`.

    Args:
        model: as `load_weights` takes it.
        path: where to write, as of `save_arrays`.
        layout: whose keys the file gets, as of `load_weights`.

    Raises:
        TypeError: `model` is not a module.
        ValueError: another layout, and a model that is not of this layout, with every setting and path that it does not
            have.
        OSError: see `save_arrays`.
    """
    known = _find_layout("save_weights", model, layout)
    shares = _list_shares(model, known)
    misfits = _list_misfits(model, known, shares)
    if misfits:
        lines = "\n  ".join(sorted(misfits))
        raise ValueError(f"save_weights: the model is not what layout={layout!r} stores:\n  {lines}")
    arrays = _pack(model.state_dict(), shares)
    arrays = {key: arrays[kept] for key, kept in known.tied.items() if kept in arrays} | arrays
    save_arrays(path, arrays, {"format": "pt"})  # which Hugging Face's library asks for


def _find_layout(function: str, model: object, layout: str) -> Layout:
    if not isinstance(model, Module):
        raise TypeError(
            f"{function}: model must be a Module, got {type(model).__name__}; it takes (model, path, layout)"
        )
    if layout not in LAYOUTS:
        raise ValueError(f"{function}: layout={layout!r}, expected one of {', '.join(LAYOUTS)}")
    return LAYOUTS[layout]


# --- which is which ---------------------------------------------------------------------------------------------------


def _list_shares(model: Module, layout: Layout) -> dict[str, Shares]:
    """What each key elsewhere is made of."""
    modules = dict(model.named_modules())
    found: dict[str, list[tuple[list[int], str, bool]]] = {}
    for path, _ in model.named_tensors():
        around = [place for place in modules if not place or path.startswith(f"{place}.")]  # the innermost comes last
        key, rows = path, []
        for place in reversed(around):
            start = len(place) + 1 if place else 0
            for row, (ours, theirs) in enumerate(_list_names(modules[place], layout).items()):
                if key.startswith(ours, start):
                    key = key[:start] + theirs + key[start + len(ours) :]
                    rows.append(row)
                    break
        kept = any(isinstance(modules[place], layout.as_here) for place in around)
        found.setdefault(key, []).append(
            (rows, path, isinstance(modules[around[-1]], (Linear, Recurrent)) and not kept)
        )
    return {
        key: Shares([path for _, path, _ in sorted(parts)], all(turned for *_, turned in parts))
        for key, parts in found.items()
    }


def _list_names(module: Module, layout: Layout) -> Names:
    """The rows for what `module` holds."""
    kind = next((kind for kind in type(module).__mro__ if kind in layout.names), Module)
    names = layout.names.get(kind, {})
    has_memory = isinstance(module, TransformerBlock) and module.cross_attention is not None
    return {**names, **layout.with_memory} if has_memory else names


def _pack(state: Mapping[str, Array], shares: Mapping[str, Shares]) -> dict[str, Array]:
    """The arrays of `state`, by path here, as they are elsewhere."""
    packed = {}
    for key, (paths, turned) in shares.items():
        array = state[paths[0]] if len(paths) == 1 else np.concatenate([state[path] for path in paths], axis=-1)
        packed[key] = array.T if turned else array
    return packed


def _unpack(like: Mapping[str, Array], shares: Mapping[str, Shares], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The `arrays` from elsewhere by path here, each as long as the one in `like`."""
    state: dict[str, Array] = {}
    for key, (paths, turned) in shares.items():
        array = arrays[key].T if turned else arrays[key]
        stops = np.cumsum([like[path].shape[-1] for path in paths[:-1]], dtype=np.intp)
        state.update(zip(paths, np.split(array, stops, axis=-1) if len(paths) > 1 else [array], strict=True))
    return state


def _add_base(arrays: dict[str, Array], layout: Layout) -> dict[str, Array]:
    """The arrays of a file by the keys of a whole model, also where it is that of one without its head."""
    whole = any(key.startswith(layout.base) for key in arrays)
    return arrays if whole else {layout.base + key: array for key, array in arrays.items()}


# --- what does not fit ------------------------------------------------------------------------------------------------


def _list_misfits(model: Module, layout: Layout, shares: Mapping[str, Shares]) -> list[str]:
    """A line for each setting that a model of this layout does not have, and each path without a name of its own."""
    lines = [
        f"{path}: has no place in it; what the model holds is called {', '.join(layout.names[Module]).replace('.', '')}"
        for key, (paths, _) in shares.items() if not key.startswith(layout.roots) for path in paths
    ]  # fmt: skip
    for key, (paths, _) in shares.items():
        if len({f".{path}".rsplit(".", 2)[0] for path in paths}) > 1:  # not query, key and value of one attention
            lines.append(f"{', '.join(paths)}: are all called {key} there")
    for place, module in model.named_modules():
        for kind, attribute, expected in layout.settings:
            value: Any = module if isinstance(module, kind) else None
            for name in attribute.split("."):
                value = getattr(value, name, None)
            if value is not None and value not in expected:
                where = f"{place}.{attribute}" if place else attribute
                lines.append(f"{where}: {value!r}, expected {' or '.join(map(repr, expected))}")
    return lines


def _list_differences(
    state: Mapping[str, Array], shares: Mapping[str, Shares], arrays: Mapping[str, Array], layout: Layout
) -> list[str]:
    """A line for each key that is missing, left over, or of another shape or dtype, with the paths here."""
    lines, left = [], dict(arrays)
    for key in arrays.keys() - shares.keys():
        kept = arrays.get(layout.tied.get(key, ""))
        what, is_right = next((fixed for end, fixed in layout.fixed.items() if key.endswith(end)), ("", None))
        if kept is not None or is_right is not None:
            array = left.pop(key)
            if kept is not None and not np.array_equal(array, kept, equal_nan=True):
                lines.append(f"{key}: differs from {layout.tied[key]}, expected the same; or a model with a readout")
            if is_right is not None and not is_right(array):
                lines.append(f"{key}: {array.dtype} {array.shape} that is not {what}")
    expected = {key: array for key, array in _pack(state, shares).items() if key.startswith(layout.roots)}
    labels = {}
    for key in expected:
        first, *others = shares[key].paths
        labels[key] = key if [key] == shares[key].paths else f"{key} ({first}{', …' if others else ''})"
    return lines + list_differences(
        {labels[key]: array for key, array in expected.items()},
        {labels.get(key, key): array for key, array in left.items()},
    )
