"""PyTorch. Modes: eager (default; fused attention kernel, fused Adam), compile, and linear.

The last computes products and biases by one call, as `torch.nn.Linear` does; the others write them out, as the steps of
the other libraries do.
"""

import torch
import torch.nn.functional as F
from workload import SIZES, arguments, batches, measure, parameters, positions

args = arguments()
torch.set_num_threads(torch.get_num_threads())  # honours OMP_NUM_THREADS
_, T, D, H, L, V = SIZES[args.size]
weights = {k: torch.tensor(v, requires_grad=True) for k, v in parameters(args.size).items()}
POSITIONS = torch.tensor(positions(args.size))
DATA = [(torch.tensor(x), torch.tensor(y)) for x, y in batches(args.size)]


def project(weights, x, name):
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return F.linear(x, weight.T, bias) if args.mode == "linear" else x @ weight + bias


def loss_of(weights, x, y):
    h = F.embedding(x, weights["embedding"]) + POSITIONS
    for i in range(L):
        u = F.layer_norm(h, (D,), weights[f"{i}.norm1.gain"], weights[f"{i}.norm1.bias"])
        qkv = project(weights, u, f"{i}.qkv").split(D, -1)
        q, k, v = (z.view(-1, T, H, D // H).transpose(1, 2) for z in qkv)
        a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, T, D)
        h = h + project(weights, a, f"{i}.out")
        u = F.layer_norm(h, (D,), weights[f"{i}.norm2.gain"], weights[f"{i}.norm2.bias"])
        z = torch.relu(project(weights, u, f"{i}.up"))
        h = h + project(weights, z, f"{i}.down")
    h = F.layer_norm(h, (D,), weights["norm.gain"], weights["norm.bias"])
    return F.cross_entropy(project(weights, h, "readout").view(-1, V), y.view(-1))


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
