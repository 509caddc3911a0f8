"""Hand-written NumPy: forward, backward and Adam with every array allocated once. What careful manual work reaches."""

import numpy as np
from workload import SIZES, arguments, batches, measure, parameters, positions

args = arguments()
B, T, D, H, L, V = SIZES[args.size]
d, N, f32 = D // H, B * T, np.float32
P0, DATA = parameters(args.size), batches(args.size)
total = sum(v.size for v in P0.values())
flat_p, flat_g, flat_m, flat_s, flat_t = (np.zeros(total, f32) for _ in range(5))
P, G, at = {}, {}, 0
for key, value in P0.items():
    P[key] = flat_p[at : at + value.size].reshape(value.shape)
    G[key] = flat_g[at : at + value.size].reshape(value.shape)
    P[key][...] = value
    at += value.size

NAMES = (
    "norm1.gain", "norm1.bias", "qkv.weight", "qkv.bias", "out.weight", "out.bias",
    "norm2.gain", "norm2.bias", "up.weight", "up.bias", "down.weight", "down.bias",
)  # fmt: skip
mul, add, sub, mm, vecdot = np.multiply, np.add, np.subtract, np.matmul, np.vecdot


def new(*shape):
    return np.empty(shape, f32)


class Saved:
    """What one block keeps for its backward pass."""

    def __init__(self):
        self.n1, self.u1, self.r1 = new(N, D), new(N, D), new(N)
        self.n2, self.u2, self.r2 = new(N, D), new(N, D), new(N)
        self.qkv, self.heads, self.z = new(N, 3 * D), new(N, D), new(N, 4 * D)
        self.q, self.kT, self.v, self.s = new(B, H, T, d), new(B, H, d, T), new(B, H, T, d), new(B, H, T, T)


saved = [Saved() for _ in range(L + 1)]
h, dh, t1, t2, dz, dqkv = new(N, D), new(N, D), new(N, D), new(N, D), new(N, 4 * D), new(N, 3 * D)
a, da, dq, dk, dv, ds, row = *(new(B, H, T, d) for _ in range(5)), new(B, H, T, T), new(B, H, T, 1)
rn, rn2, logits, probs, Z = new(N), new(N), new(N, V), new(N, V), new(N)
mask, zero, index = np.empty((N, 4 * D), bool), np.zeros((N, 4 * D), f32), np.arange(N)
ones_n, mean_d, ones_t = np.ones(N, f32), np.full(D, 1 / D, f32), np.ones(T, f32)
tiled = np.tile(positions(args.size), (B, 1))


def heads_of(x):
    return x.reshape(B, T, H, d).transpose(0, 2, 1, 3)


def norm(x, gain, bias, n, u, r):
    mm(x, mean_d, out=rn)
    sub(x, rn[:, None], out=n)
    vecdot(n, n, out=r)
    mul(r, f32(1 / D), out=r)
    add(r, f32(1e-5), out=r)
    np.sqrt(r, out=r)
    np.reciprocal(r, out=r)
    mul(n, r[:, None], out=n)
    mul(n, gain, out=u)
    add(u, bias, out=u)


def norm_back(dy, gain, n, r, dgain, dbias):
    mul(dy, n, out=t2)
    mm(ones_n, t2, out=dgain)
    mm(ones_n, dy, out=dbias)
    mul(dy, gain, out=dy)
    mm(dy, mean_d, out=rn)
    vecdot(dy, n, out=rn2)
    mul(rn2, f32(1 / D), out=rn2)
    sub(dy, rn[:, None], out=dy)
    mul(n, rn2[:, None], out=t2)
    sub(dy, t2, out=dy)
    mul(dy, r[:, None], out=dy)
    add(dh, dy, out=dh)


def linear(x, w, b, out):
    mm(x, w, out=out)
    add(out, b, out=out)


def linear_back(x, dy, w, dw, db, dx):
    mm(x.T, dy, out=dw)
    mm(ones_n, dy, out=db)
    mm(dy, w.T, out=dx)


def step(i):
    x, y = DATA[i % 4]
    x, y = x.ravel(), y.ravel()
    np.take(P["embedding"], x, 0, out=h, mode="clip")
    add(h, tiled, out=h)
    for j, b in enumerate(saved[:L]):
        p = {k: P[f"{j}.{k}"] for k in NAMES}
        norm(h, p["norm1.gain"], p["norm1.bias"], b.n1, b.u1, b.r1)
        linear(b.u1, p["qkv.weight"], p["qkv.bias"], b.qkv)
        w = b.qkv.reshape(B, T, 3, H, d)
        mul(w[:, :, 0].transpose(0, 2, 1, 3), f32(d**-0.5), out=b.q)
        np.copyto(b.kT, w[:, :, 1].transpose(0, 2, 3, 1))
        np.copyto(b.v, w[:, :, 2].transpose(0, 2, 1, 3))
        s = b.s
        mm(b.q, b.kT, out=s)
        np.maximum.reduce(s, -1, out=row, keepdims=True)
        sub(s, row, out=s)
        np.exp(s, out=s)
        mm(s, ones_t, out=row[..., 0])
        np.reciprocal(row, out=row)
        mul(s, row, out=s)
        mm(s, b.v, out=a)
        np.copyto(heads_of(b.heads), a)
        linear(b.heads, p["out.weight"], p["out.bias"], t1)
        add(h, t1, out=h)
        norm(h, p["norm2.gain"], p["norm2.bias"], b.n2, b.u2, b.r2)
        linear(b.u2, p["up.weight"], p["up.bias"], b.z)
        np.maximum(b.z, zero, out=b.z)
        linear(b.z, p["down.weight"], p["down.bias"], t1)
        add(h, t1, out=h)
    b = saved[L]
    norm(h, P["norm.gain"], P["norm.bias"], b.n1, b.u1, b.r1)
    linear(b.u1, P["readout.weight"], P["readout.bias"], logits)
    np.maximum.reduce(logits, -1, out=Z)
    sub(logits, Z[:, None], out=logits)
    np.exp(logits, out=probs)
    np.add.reduce(probs, -1, out=Z)
    loss = (np.log(Z) - logits[index, y]).mean()
    np.reciprocal(Z, out=Z)
    mul(probs, Z[:, None], out=probs)
    probs[index, y] -= f32(1)
    mul(probs, f32(1 / N), out=probs)

    linear_back(b.u1, probs, P["readout.weight"], G["readout.weight"], G["readout.bias"], t1)
    dh[...] = 0
    norm_back(t1, P["norm.gain"], b.n1, b.r1, G["norm.gain"], G["norm.bias"])
    for j in reversed(range(L)):
        b = saved[j]
        p, g = ({k[len(f"{j}.") :]: v for k, v in q.items() if k.startswith(f"{j}.")} for q in (P, G))
        linear_back(b.z, dh, p["down.weight"], g["down.weight"], g["down.bias"], dz)
        np.greater(b.z, f32(0), out=mask)
        mul(dz, mask, out=dz)
        linear_back(b.u2, dz, p["up.weight"], g["up.weight"], g["up.bias"], t1)
        norm_back(t1, p["norm2.gain"], b.n2, b.r2, g["norm2.gain"], g["norm2.bias"])
        linear_back(b.heads, dh, p["out.weight"], g["out.weight"], g["out.bias"], t1)
        np.copyto(da, heads_of(t1))
        s = b.s
        mm(da, b.v.swapaxes(-1, -2), out=ds)
        mm(s.swapaxes(-1, -2), da, out=dv)
        vecdot(ds, s, out=row[..., 0])
        sub(ds, row, out=ds)
        mul(ds, s, out=ds)
        mm(ds, b.kT.swapaxes(-1, -2), out=dq)
        mm(ds.swapaxes(-1, -2), b.q, out=dk)
        mul(dq, f32(d**-0.5), out=dq)
        w = dqkv.reshape(B, T, 3, H, d)
        for k, grad in enumerate((dq, dk, dv)):
            np.copyto(w[:, :, k].transpose(0, 2, 1, 3), grad)
        linear_back(b.u1, dqkv, p["qkv.weight"], g["qkv.weight"], g["qkv.bias"], t1)
        norm_back(t1, p["norm1.gain"], b.n1, b.r1, g["norm1.gain"], g["norm1.bias"])
    G["embedding"][...] = 0
    np.add.at(G["embedding"], x, dh)

    c1, c2 = f32(1 - 0.9 ** (i + 1)), f32(1 - 0.999 ** (i + 1))
    mul(flat_m, f32(0.9), out=flat_m)
    mul(flat_g, f32(0.1), out=flat_t)
    add(flat_m, flat_t, out=flat_m)
    mul(flat_s, f32(0.999), out=flat_s)
    mul(flat_g, flat_g, out=flat_t)
    mul(flat_t, f32(0.001), out=flat_t)
    add(flat_s, flat_t, out=flat_s)
    mul(flat_s, f32(1) / c2, out=flat_t)
    np.sqrt(flat_t, out=flat_t)
    add(flat_t, f32(1e-8), out=flat_t)
    np.divide(flat_m, flat_t, out=flat_t)
    mul(flat_t, f32(1e-3) / c1, out=flat_t)
    sub(flat_p, flat_t, out=flat_p)
    return loss


measure("numpy-by-hand", args, step)
