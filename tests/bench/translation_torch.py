"""The training step of `translation.py` in PyTorch. Modes: eager (default; fused attention, fused Adam) and compile."""

import numpy as np
import torch
import torch.nn.functional as F
from translation import LONGEST_GRADIENT, PADDING, SIZES, batches, measure_training, parameters
from workload import arguments, positions

args = arguments()
torch.set_num_threads(torch.get_num_threads())  # honours OMP_NUM_THREADS
_, T, D, H, L, V = SIZES[args.size]
POSITIONS = torch.tensor(positions(args.size))
DATA = [tuple(map(torch.tensor, batch)) for batch in batches(args.size)]


def pack(given):
    """The weights as `F.linear` takes them, those of one input side by side: query, key and value, or the last two."""
    weights = {name: x.T if x.ndim == 2 and "embedding" not in name else x for name, x in given.items()}
    for attention, part in [name.split(".query.") for name in given if ".query." in name]:
        together = ("key", "value") if "cross" in attention else ("query", "key", "value")
        parts = [weights.pop(f"{attention}.{name}.{part}") for name in together]
        weights[f"{attention}.packed.{part}"] = np.concatenate(parts)
    return {name: torch.tensor(np.ascontiguousarray(x), requires_grad=True) for name, x in weights.items()}


def linear(x, w, name):
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def embed(tokens, w, name, rate):
    return F.dropout(F.embedding(tokens, w[f"{name}.weight"]) + POSITIONS, rate)


def attend(w, name, query, others, **masks):
    """`others` are keys and values, of the width of all heads, as `query` is."""
    split = (x.view(-1, T, H, D // H).transpose(1, 2) for x in (query, *others))
    context = F.scaled_dot_product_attention(*split, **masks)
    return linear(context.transpose(1, 2).reshape(-1, T, D), w, f"{name}.output")


def attend_to_itself(x, w, name, **masks):
    query, *others = linear(x, w, f"{name}.packed").split(D, -1)
    return attend(w, name, query, others, **masks)


def attend_to_memory(x, memory, w, name, **masks):
    return attend(w, name, linear(x, w, f"{name}.query"), linear(memory, w, f"{name}.packed").split(D, -1), **masks)


def add_and_normalise(x, change, w, name, rate):
    return F.layer_norm(x + F.dropout(change, rate), (D,), w[f"{name}.gain"], w[f"{name}.bias"])


def feed_forward(x, w, block, rate):
    hidden = torch.relu(linear(x, w, f"{block}.feed_forward.up"))
    return add_and_normalise(x, linear(hidden, w, f"{block}.feed_forward.down"), w, f"{block}.feed_forward_norm", rate)


def loss_of(w, source, target, expected, rate):
    there = (source != PADDING)[:, None, None]
    memory = embed(source, w, "source_embedding", rate)
    for block in (f"encoder.blocks.{i}" for i in range(L)):
        change = attend_to_itself(memory, w, f"{block}.attention", attn_mask=there)
        memory = add_and_normalise(memory, change, w, f"{block}.attention_norm", rate)
        memory = feed_forward(memory, w, block, rate)
    x = embed(target, w, "target_embedding", rate)
    for block in (f"decoder.blocks.{i}" for i in range(L)):
        change = attend_to_itself(x, w, f"{block}.attention", is_causal=True)
        x = add_and_normalise(x, change, w, f"{block}.attention_norm", rate)
        change = attend_to_memory(x, memory, w, f"{block}.cross_attention", attn_mask=there)
        x = add_and_normalise(x, change, w, f"{block}.cross_norm", rate)
        x = feed_forward(x, w, block, rate)
    return F.cross_entropy(linear(x, w, "readout").view(-1, V), expected.view(-1), ignore_index=PADDING)


def make_step(rate):
    torch.manual_seed(0)
    weights = pack(parameters(args.size))
    loss_fn = torch.compile(loss_of) if args.mode == "compile" else loss_of
    adam = torch.optim.Adam(weights.values(), lr=1e-3, fused=True)

    def step(i):
        adam.zero_grad()
        loss = loss_fn(weights, *DATA[i % 4], rate)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), LONGEST_GRADIENT)
        adam.step()
        return loss.detach()

    return step


measure_training("torch-" + (args.mode or "eager"), args, make_step)
