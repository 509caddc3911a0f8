"""The transformer of `minigrad.nn` in PyTorch, on the same weights: for `waits.py`."""

import numpy as np
import torch
import torch.nn.functional as F


def run_block(x, weights, heads, attend, activate):
    """A pre-norm block: `attend(query, key, value)` gets and returns (heads, tokens, width of a head)."""
    y = normalise(x, weights, "attention_norm")
    query, key, value = (
        apply_linear(y, weights, f"attention.{name}").unflatten(-1, (heads, -1)).transpose(0, 1)
        for name in ("query", "key", "value")
    )
    context = attend(query, key, value).transpose(0, 1).flatten(1)
    x = x + apply_linear(context, weights, "attention.output")
    y = normalise(x, weights, "feed_forward_norm")
    return x + apply_linear(activate(apply_linear(y, weights, "feed_forward.up")), weights, "feed_forward.down")


def apply_linear(x, weights, name):
    return torch.addmm(weights[f"{name}.bias"], x, weights[f"{name}.weight"])


def normalise(x, weights, name):
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.gain"], weights[f"{name}.bias"])


def attend_to_earlier(query, key, value):
    """Causal attention of whole sequences, in functions that have second derivatives."""
    scores = query @ key.mT / query.shape[-1] ** 0.5
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(later, -torch.inf), -1) @ value


class CachedModel:
    """`minigrad.nn.LanguageModel`, token by token, with keys and values in memory of a fixed size."""

    def __init__(self, state, heads, layers, positions):
        context, width = positions.shape
        tensors = {name: torch.tensor(array) for name, array in state.items()}
        self.weights, self.heads = tensors, heads
        self.blocks = [select(tensors, f"transformer.blocks.{i}.") for i in range(layers)]
        self.memory = torch.zeros(layers, 2, heads, context, width // heads)
        self.positions = torch.tensor(positions)
        self.visible = torch.tensor(np.tri(context, dtype=bool))

    def read(self, token, place):
        """The logits (1, vocabulary) after `token` (1,) at `place` (1,)."""
        x = self.weights["embedding.weight"][token] + self.positions[place]
        visible = self.visible[place]
        for (keys, values), block in zip(self.memory, self.blocks, strict=True):

            def attend(query, key, value, keys=keys, values=values):
                keys.index_copy_(1, place, key)
                values.index_copy_(1, place, value)
                return F.scaled_dot_product_attention(query, keys, values, attn_mask=visible)

            x = run_block(x, block, self.heads, attend, torch.relu)
        return apply_linear(normalise(x, self.weights, "transformer.norm"), self.weights, "readout")


def select(tensors, prefix):
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
