"""JAX, the whole step under one jax.jit, written by hand. `exported_step.py` takes its steps from here too."""

import jax
import jax.numpy as jnp
from workload import SIZES, arguments, batches, measure, parameters, positions


def layer_norm(x, gain, bias):
    c = x - x.mean(-1, keepdims=True)
    return c * jax.lax.rsqrt((c * c).mean(-1, keepdims=True) + 1e-5) * gain + bias


def make_step(size):
    """`step(i) -> loss` on the batches in turn."""
    _, tokens, width, heads, layers, _ = SIZES[size]
    encoding = jnp.array(positions(size))

    def loss_of(weights, x, y):
        h = weights["embedding"][x] + encoding
        for i in range(layers):
            u = layer_norm(h, weights[f"{i}.norm1.gain"], weights[f"{i}.norm1.bias"])
            qkv = jnp.split(u @ weights[f"{i}.qkv.weight"] + weights[f"{i}.qkv.bias"], 3, -1)
            q, k, v = (z.reshape(-1, tokens, heads, width // heads).transpose(0, 2, 1, 3) for z in qkv)
            a = jax.nn.softmax(q @ k.swapaxes(-1, -2) * (width // heads) ** -0.5, -1) @ v
            a = a.transpose(0, 2, 1, 3).reshape(-1, tokens, width)
            h = h + a @ weights[f"{i}.out.weight"] + weights[f"{i}.out.bias"]
            u = layer_norm(h, weights[f"{i}.norm2.gain"], weights[f"{i}.norm2.bias"])
            z = jax.nn.relu(u @ weights[f"{i}.up.weight"] + weights[f"{i}.up.bias"])
            h = h + z @ weights[f"{i}.down.weight"] + weights[f"{i}.down.bias"]
        h = layer_norm(h, weights["norm.gain"], weights["norm.bias"])
        logp = jax.nn.log_softmax(h @ weights["readout.weight"] + weights["readout.bias"])
        return -jnp.take_along_axis(logp, y[..., None], -1).mean()

    @jax.jit
    def train(weights, means, squares, t, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
        means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, gradients)
        squares = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, squares, gradients)
        weights = jax.tree.map(
            lambda p, m, s: p - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(s / (1 - 0.999**t)) + 1e-8),
            weights, means, squares,
        )  # fmt: skip
        return weights, means, squares, loss

    data = [(jnp.array(x), jnp.array(y)) for x, y in batches(size)]
    weights = {k: jnp.array(v) for k, v in parameters(size).items()}
    state = (weights, jax.tree.map(jnp.zeros_like, weights), jax.tree.map(jnp.zeros_like, weights))

    def step(i):
        nonlocal state
        *state, loss = train(*state, float(i + 1), *data[i % len(data)])
        return loss.block_until_ready()

    return step


def main():
    args = arguments()
    measure("jax-jit", args, make_step(args.size))


if __name__ == "__main__":
    main()
