"""tinygrad on the CPU (needs clang), the whole step under TinyJit."""

import os

os.environ.setdefault("DEV", "CPU")
from tinygrad import Context, Tensor, TinyJit, nn
from workload import SIZES, arguments, batches, measure, parameters, positions

args = arguments()
_, T, D, H, L, V = SIZES[args.size]
weights = {k: Tensor(v) for k, v in parameters(args.size).items()}
POSITIONS = Tensor(positions(args.size))
DATA = [(Tensor(x.astype("int32")).realize(), Tensor(y.astype("int32")).realize()) for x, y in batches(args.size)]
adam = nn.optim.Adam(list(weights.values()), lr=1e-3)


def loss_of(x, y):
    h = weights["embedding"][x] + POSITIONS
    for i in range(L):
        u = h.layernorm(eps=1e-5) * weights[f"{i}.norm1.gain"] + weights[f"{i}.norm1.bias"]
        qkv = (u @ weights[f"{i}.qkv.weight"] + weights[f"{i}.qkv.bias"]).split(D, -1)
        q, k, v = (z.reshape(-1, T, H, D // H).transpose(1, 2) for z in qkv)
        a = (q @ k.transpose(-1, -2) * (D // H) ** -0.5).softmax(-1) @ v
        h = h + a.transpose(1, 2).reshape(-1, T, D) @ weights[f"{i}.out.weight"] + weights[f"{i}.out.bias"]
        u = h.layernorm(eps=1e-5) * weights[f"{i}.norm2.gain"] + weights[f"{i}.norm2.bias"]
        z = (u @ weights[f"{i}.up.weight"] + weights[f"{i}.up.bias"]).relu()
        h = h + z @ weights[f"{i}.down.weight"] + weights[f"{i}.down.bias"]
    h = h.layernorm(eps=1e-5) * weights["norm.gain"] + weights["norm.bias"]
    logits = (h @ weights["readout.weight"] + weights["readout.bias"]).reshape(-1, V)
    return logits.sparse_categorical_crossentropy(y.reshape(-1))


@TinyJit
def train(x, y):
    with Context(TRAINING=1):
        adam.zero_grad()
        loss = loss_of(x, y).backward()
        return loss.realize(*adam.schedule_step())


measure("tinygrad-jit", args, lambda i: train(*DATA[i % 4]).item())
