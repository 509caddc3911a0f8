"""MyGrad, memory guarding off (its fast setting)."""

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import softmax
from mygrad.nnet.losses import softmax_crossentropy
from workload import SIZES, arguments, batches, measure, parameters, positions

args = arguments()
mg.turn_memory_guarding_off()
B, T, D, H, L, V = SIZES[args.size]
weights = {k: mg.tensor(v) for k, v in parameters(args.size).items()}
POSITIONS, DATA, f32 = positions(args.size), batches(args.size), np.float32


def layer_norm(x, gain, bias):
    c = x - mg.mean(x, axis=-1, keepdims=True)
    return c / mg.sqrt(mg.mean(c * c, axis=-1, keepdims=True) + f32(1e-5)) * gain + bias


def loss_of(weights, x, y):
    h = weights["embedding"][x] + POSITIONS
    for i in range(L):
        u = layer_norm(h, weights[f"{i}.norm1.gain"], weights[f"{i}.norm1.bias"])
        w = mg.matmul(u, weights[f"{i}.qkv.weight"]) + weights[f"{i}.qkv.bias"]
        q, k, v = (
            mg.transpose(mg.reshape(w[:, :, j * D : (j + 1) * D], (-1, T, H, D // H)), (0, 2, 1, 3)) for j in range(3)
        )
        a = mg.matmul(softmax(mg.matmul(q, mg.swapaxes(k, -1, -2)) * f32((D // H) ** -0.5), axis=-1), v)
        a = mg.reshape(mg.transpose(a, (0, 2, 1, 3)), (-1, T, D))
        h = h + mg.matmul(a, weights[f"{i}.out.weight"]) + weights[f"{i}.out.bias"]
        u = layer_norm(h, weights[f"{i}.norm2.gain"], weights[f"{i}.norm2.bias"])
        z = mg.maximum(mg.matmul(u, weights[f"{i}.up.weight"]) + weights[f"{i}.up.bias"], f32(0))
        h = h + mg.matmul(z, weights[f"{i}.down.weight"]) + weights[f"{i}.down.bias"]
    h = layer_norm(h, weights["norm.gain"], weights["norm.bias"])
    z = mg.matmul(h, weights["readout.weight"]) + weights["readout.bias"]
    return softmax_crossentropy(mg.reshape(z, (-1, V)), y.ravel())


means = {k: np.zeros_like(v.data) for k, v in weights.items()}
squares = {k: np.zeros_like(v.data) for k, v in weights.items()}


def step(i):
    loss = loss_of(weights, *DATA[i % 4])
    loss.backward()
    c1, c2 = f32(1 - 0.9 ** (i + 1)), f32(1 - 0.999 ** (i + 1))
    for k, p in weights.items():
        g, m, s = p.grad, means[k], squares[k]
        m *= f32(0.9)
        m += f32(0.1) * g
        s *= f32(0.999)
        s += f32(0.001) * g * g
        p.data.setflags(write=True)
        p.data[...] -= f32(1e-3) / c1 * m / (np.sqrt(s / c2) + f32(1e-8))
        p.null_grad()
    return loss.item()


measure("mygrad", args, step)
