"""PyTorch. Modes: eager (default; fused attention kernel, fused Adam) and compile."""

import torch
import torch.nn.functional as F
from workload import SIZES, arguments, batches, measure, parameters, positions

args = arguments()
torch.set_num_threads(torch.get_num_threads())  # honours OMP_NUM_THREADS
_, T, D, H, L, V = SIZES[args.size]
weights = {k: torch.tensor(v, requires_grad=True) for k, v in parameters(args.size).items()}
POSITIONS = torch.tensor(positions(args.size))
DATA = [(torch.tensor(x), torch.tensor(y)) for x, y in batches(args.size)]


def loss_of(weights, x, y):
    h = F.embedding(x, weights["embedding"]) + POSITIONS
    for i in range(L):
        u = F.layer_norm(h, (D,), weights[f"{i}.norm1.gain"], weights[f"{i}.norm1.bias"])
        qkv = (u @ weights[f"{i}.qkv.weight"] + weights[f"{i}.qkv.bias"]).split(D, -1)
        q, k, v = (z.view(-1, T, H, D // H).transpose(1, 2) for z in qkv)
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, T, D)
        h = h + a @ weights[f"{i}.out.weight"] + weights[f"{i}.out.bias"]
        u = F.layer_norm(h, (D,), weights[f"{i}.norm2.gain"], weights[f"{i}.norm2.bias"])
        z = torch.relu(u @ weights[f"{i}.up.weight"] + weights[f"{i}.up.bias"])
        h = h + z @ weights[f"{i}.down.weight"] + weights[f"{i}.down.bias"]
    h = F.layer_norm(h, (D,), weights["norm.gain"], weights["norm.bias"])
    return F.cross_entropy((h @ weights["readout.weight"] + weights["readout.bias"]).view(-1, V), y.view(-1))


loss_fn = torch.compile(loss_of) if args.mode == "compile" else loss_of
adam = torch.optim.Adam(weights.values(), lr=1e-3, fused=True)


def step(i):
    x, y = DATA[i % 4]
    adam.zero_grad()
    loss = loss_fn(weights, x, y)
    loss.backward()
    adam.step()
    return loss.detach()


measure("torch-" + (args.mode or "eager"), args, step)
