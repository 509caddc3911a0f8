"""HIPS autograd."""

import autograd.numpy as np
import numpy as onp
from autograd import value_and_grad
from workload import SIZES, arguments, batches, measure, parameters, positions

args = arguments()
B, T, D, H, L, V = SIZES[args.size]
weights, POSITIONS, DATA, f32 = parameters(args.size), positions(args.size), batches(args.size), onp.float32


def linear(x, w, b):
    return np.reshape(np.dot(np.reshape(x, (-1, x.shape[-1])), w), x.shape[:-1] + (w.shape[1],)) + b


def layer_norm(x, gain, bias):
    c = x - np.mean(x, axis=-1, keepdims=True)
    return c / np.sqrt(np.mean(c * c, axis=-1, keepdims=True) + f32(1e-5)) * gain + bias


def softmax(s):
    e = np.exp(s - np.max(s, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def loss_of(weights, x, y):
    h = weights["embedding"][x] + POSITIONS
    for i in range(L):
        u = layer_norm(h, weights[f"{i}.norm1.gain"], weights[f"{i}.norm1.bias"])
        w = linear(u, weights[f"{i}.qkv.weight"], weights[f"{i}.qkv.bias"])
        q, k, v = (
            np.transpose(np.reshape(w[:, :, j * D : (j + 1) * D], (-1, T, H, D // H)), (0, 2, 1, 3)) for j in range(3)
        )
        a = np.matmul(softmax(np.matmul(q, np.swapaxes(k, -1, -2)) * f32((D // H) ** -0.5)), v)
        a = np.reshape(np.transpose(a, (0, 2, 1, 3)), (-1, T, D))
        h = h + linear(a, weights[f"{i}.out.weight"], weights[f"{i}.out.bias"])
        u = layer_norm(h, weights[f"{i}.norm2.gain"], weights[f"{i}.norm2.bias"])
        z = np.maximum(linear(u, weights[f"{i}.up.weight"], weights[f"{i}.up.bias"]), f32(0))
        h = h + linear(z, weights[f"{i}.down.weight"], weights[f"{i}.down.bias"])
    h = layer_norm(h, weights["norm.gain"], weights["norm.bias"])
    z = np.reshape(linear(h, weights["readout.weight"], weights["readout.bias"]), (-1, V))
    z = z - np.max(z, axis=-1, keepdims=True)
    logp = z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True))
    return -np.mean(logp[onp.arange(B * T), y.ravel()])


value_and_gradients = value_and_grad(loss_of)
means = {k: onp.zeros_like(v) for k, v in weights.items()}
squares = {k: onp.zeros_like(v) for k, v in weights.items()}


def step(i):
    loss, gradients = value_and_gradients(weights, *DATA[i % 4])
    c1, c2 = f32(1 - 0.9 ** (i + 1)), f32(1 - 0.999 ** (i + 1))
    for k, p in weights.items():
        g, m, s = gradients[k], means[k], squares[k]
        m *= f32(0.9)
        m += f32(0.1) * g
        s *= f32(0.999)
        s += f32(0.001) * g * g
        p -= f32(1e-3) / c1 * m / (onp.sqrt(s / c2) + f32(1e-8))
    return loss


measure("autograd", args, step)
