"""Habits from PyTorch that do not fit, and what to write here: one table, for error messages and docs/from-pytorch.md.

The tests run both columns of every row, with these names: `x`, `y` and `p` (2, 3), `w` (3, 2) and the scalar `loss`
require gradients, `allowed` and `chosen` are boolean, `places` are integers, `tokens` are (2, 5, 8), `model` is a
`Linear`, and the rest is what it is called.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Collection, Iterable
from typing import NamedTuple, NoReturn

import numpy as np


class Habit(NamedTuple):
    name: str  # the argument or attribute
    there: str  # how it is used in PyTorch; an error here
    here: str  # what to write instead
    why: str = ""
    ours: tuple[str, ...] = ()  # of an argument: what it is called here, in one function or another; () for nothing


def rename_argument(name: str, there: str, *ours: str, why: str = "") -> Habit:
    """The habit of an argument that takes the same here, by another name; in some functions by the second, …"""
    return Habit(name, there, there.replace(f"{name}=", f"{ours[0]}="), why, ours)


ARGUMENTS = (
    rename_argument("dim", "x.sum(dim=0)", "axis", "axes", why="NumPy's name"),
    rename_argument("dims", "mg.flip(x, dims=0)", "axis", "axes", why="NumPy's name"),
    rename_argument("shifts", "mg.roll(x, shifts=1, axis=0)", "shift", why="NumPy's name"),
    rename_argument("keepdim", "x.mean(-1, keepdim=True)", "keepdims", why="NumPy's name"),
    Habit("unbiased", "x.var(unbiased=True)", "x.var(ddof=1)", "ddof is 0 by default, as in NumPy", ("ddof",)),
    rename_argument("correction", "x.std(correction=1)", "ddof", why="ddof is 0 by default, as in NumPy"),
    Habit("input", "mg.exp(input=x)", "mg.exp(x)", "", ("x", "x1", "logits")),
    Habit("other", "x.add(other=y)", "x.add(y)", "", ("x2",)),
    Habit("tensors", "mg.stack(tensors=[x, y])", "mg.stack([x, y])", "", ("arrays",)),
    rename_argument("size", "mg.broadcast_to(x, size=(4, 2, 3))", "shape"),
    rename_argument("diagonal", "mg.tril(x, diagonal=1)", "k", why="NumPy's name"),
    Habit("descending", "mg.sort(x, descending=True)", "mg.sort(x)[..., ::-1]", "turn the result around"),
    rename_argument("num_classes", "mg.one_hot([2, 0], num_classes=3)", "classes"),
    Habit("inplace", "mg.relu(x, inplace=True)", "mg.relu(x)", "results are new tensors"),
    Habit("p", "mg.dropout(x, p=0.1)", "mg.dropout(x, rate=0.1, rng=rng)", "", ("rate", "ord")),
    rename_argument("negative_slope", "mg.leaky_relu(x, negative_slope=0.1)", "slope"),
    rename_argument("target", "mg.cross_entropy(x, target=[0, 2])", "targets"),
    rename_argument("pos_weight", "mg.bce_with_logits(x, chosen, pos_weight=2.0)", "positive_weight"),
    rename_argument("eps", "mg.layer_norm(x, eps=1e-6)", "epsilon"),
    rename_argument("attn_mask", "attention(tokens, attn_mask=allowed)", "mask",
                    why="True where a query may attend, the opposite of nn.MultiheadAttention"),
    Habit("key_padding_mask", "attention(tokens, key_padding_mask=allowed)", "attention(tokens, key_mask=allowed[:2])",
          "True for a token and False for padding, the opposite of PyTorch", ("key_mask",)),
    rename_argument("is_causal", "attention(tokens, is_causal=True)", "causal"),
    Habit("need_weights", "attention(tokens, need_weights=True)", "attention(tokens); attention.weights",
          "the weights of the last call are in attention.weights"),
    Habit("dropout_p", "mg.scaled_dot_product_attention(x, x, x, dropout_p=0.1)",
          "nn.MultiHeadAttention(8, 2, dropout=0.1, rng=rng)", "nn.MultiHeadAttention has dropout="),
    rename_argument("gradient", "x.backward(gradient=y)", "cotangent"),
    Habit("retain_graph", "loss.backward(retain_graph=True)", "loss.backward()",
          "the graph stays as long as somebody holds it"),
    Habit("create_graph", "loss.backward(create_graph=True)", "mg.grad(loss, x, create_graph=True)",
          "minigrad.grad(loss, x, create_graph=True) is for that"),
    rename_argument("grad_outputs", "mg.grad(x * y, x, grad_outputs=y)", "cotangents"),
    Habit("allow_unused", "mg.grad(loss, [x, y], allow_unused=True)", "mg.grad(loss, [x, y], unused=None)",
          'unused=None gives None, unused="zero" zeros', ("unused",)),
    Habit("set_to_none", "optimiser.zero_grad(set_to_none=True)", "optimiser.zero_grad()", "gradients become None"),
    Habit("device", 'nn.Linear(3, 2, rng=rng, device="cuda")', "nn.Linear(3, 2, rng=rng)",
          "everything runs on the CPU"),
    rename_argument("in_features", "nn.Linear(in_features=3, outputs=2, rng=rng)", "inputs"),
    rename_argument("out_features", "nn.Linear(3, out_features=2, rng=rng)", "outputs"),
    rename_argument("num_embeddings", "nn.Embedding(num_embeddings=9, width=4, rng=rng)", "count"),
    rename_argument("embedding_dim", "nn.Embedding(9, embedding_dim=4, rng=rng)", "width"),
    rename_argument("normalized_shape", "nn.LayerNorm(normalized_shape=8)", "width", why="the last axis"),
    rename_argument("embed_dim", "nn.MultiHeadAttention(embed_dim=8, heads=2, rng=rng)", "width"),
    rename_argument("num_heads", "nn.MultiHeadAttention(8, num_heads=2, rng=rng)", "heads"),
    Habit("batch_first", "nn.MultiHeadAttention(8, 2, batch_first=True, rng=rng)",
          "nn.MultiHeadAttention(8, 2, rng=rng)", "the axes are always (…, tokens, width)"),
    rename_argument("d_model", "nn.TransformerBlock(d_model=8, heads=2, rng=rng)", "width"),
    rename_argument("nhead", "nn.TransformerBlock(8, nhead=2, rng=rng)", "heads"),
    rename_argument("dim_feedforward", "nn.TransformerBlock(8, 2, dim_feedforward=16, rng=rng)", "hidden"),
    Habit("norm_first", "nn.TransformerBlock(8, 2, norm_first=True, rng=rng)",
          'nn.TransformerBlock(8, 2, norm="pre", rng=rng)', 'norm is "pre" or "post"', ("norm",)),
    rename_argument("num_layers", "nn.Encoder(num_layers=1, width=8, heads=2, rng=rng)", "layers"),
    rename_argument("lr", "optim.Adam([x], lr=1e-3)", "rate"),
    rename_argument("params", "optim.SGD(params=[x], rate=0.1)", "parameters"),
    Habit("weight_decay", "optim.Adam([x], weight_decay=0.1)", "optim.AdamW([x], weight_decay=0.1)",
          "optim.AdamW has it"),
)  # fmt: skip

TENSOR = (
    Habit("view", "x.view(3, 2)", "x.reshape(3, 2)", "NumPy's name"),
    Habit("view_as", "x.view_as(w)", "x.reshape(w.shape)"),
    Habit("permute", "x.permute(1, 0)", "x.transpose(1, 0)", "NumPy's transpose takes all axes"),
    Habit("t", "x.t()", "x.T"),
    Habit("trace", "x.trace()", "x.matrix_trace()", "minigrad.trace captures a function; np.trace(x) works too"),
    Habit("unsqueeze", "x.unsqueeze(0)", "x.expand_dims(0)", "or x[None]"),
    Habit("expand", "x.expand(4, 2, 3)", "x.broadcast_to((4, 2, 3))", "NumPy's name"),
    Habit("expand_as", "x.expand_as(y)", "x.broadcast_to(y.shape)"),
    Habit("contiguous", "x.contiguous()", "x", "leave it out: nothing here asks for a layout"),
    Habit("mm", "x.mm(w)", "x @ w"),
    Habit("bmm", "tokens.bmm(tokens.swapaxes(-1, -2))", "tokens @ tokens.swapaxes(-1, -2)"),
    Habit("mv", "x.mv(w[:, 0])", "x @ w[:, 0]"),
    Habit("dim", "x.dim()", "x.ndim"),
    Habit("numel", "x.numel()", "x.size", "size is a number, as in NumPy; the lengths are x.shape"),
    Habit("abs", "x.abs()", "abs(x)"),
    Habit("neg", "x.neg()", "-x"),
    Habit("pow", "x.pow(2)", "x**2"),
    Habit("sub", "x.sub(y)", "x - y"),
    Habit("mul", "x.mul(y)", "x * y"),
    Habit("div", "x.div(y)", "x / y"),
    Habit("rsqrt", "x.rsqrt()", "1 / x.sqrt()"),
    Habit("eq", "x.eq(y)", "x == y"),
    Habit("ne", "x.ne(y)", "x != y"),
    Habit("lt", "x.lt(y)", "x < y"),
    Habit("le", "x.le(y)", "x <= y"),
    Habit("gt", "x.gt(y)", "x > y"),
    Habit("ge", "x.ge(y)", "x >= y"),
    Habit("clamp", "x.clamp(0, 1)", "x.clip(0, 1)", "NumPy's name"),
    Habit("masked_fill", "x.masked_fill(chosen, 0.0)", "mg.where(chosen, 0.0, x)"),
    Habit("masked_fill_", "x.masked_fill_(chosen, 0.0)", "mg.where(chosen, 0.0, x)", "a new tensor"),
    Habit("masked_select", "x.masked_select(chosen)", "x[chosen]"),
    Habit("gather", "x.gather(1, places)", "x.take_along_axis(places, axis=1)", "NumPy's name"),
    Habit("scatter", "x.scatter(1, places, 0.0)", "mg.set_at(x, ([[0], [1]], places), 0.0)", "a new tensor"),
    Habit("index_select", "x.index_select(1, places[0])", "x.take(places[0], axis=1)", "or x[:, places]"),
    Habit("narrow", "x.narrow(1, 0, 2)", "x[:, 0:2]"),
    Habit("select", "x.select(1, 0)", "x[:, 0]"),
    Habit("chunk", "x.chunk(2)", "x.split(2)", "split takes the number of parts, as in NumPy"),
    Habit("unbind", "x.unbind()", "list(x)"),
    Habit("topk", "x.topk(2)", "x.sort(axis=-1)[:, -2:]", "in ascending order; argsort for the places"),
    Habit("clone", "x.clone()", "x", "leave it out: values are never written into; x.numpy() copies them"),
    Habit("type", "x.type(np.float64)", "x.astype(np.float64)", "NumPy's name; x.dtype tells"),
    Habit("to", "x.to(np.float64)", "x.astype(np.float64)", "there are types to go to, and no devices"),
    Habit("float", "x.float()", "x.astype(np.float32)"),
    Habit("double", "x.double()", "x.astype(np.float64)"),
    Habit("half", "x.half()", "x.astype(np.float16)"),
    Habit("long", "x.long()", "x.astype(np.int64)"),
    Habit("int", "x.int()", "x.astype(np.int32)"),
    Habit("bool", "x.bool()", "x.astype(bool)"),
    Habit("cuda", "x.cuda()", "x", "leave it out: everything runs on the CPU"),
    Habit("cpu", "x.cpu()", "x", "leave it out: everything runs on the CPU"),
    Habit("device", "x.device", "x", "leave it out: everything runs on the CPU"),
    Habit("is_leaf", "x.is_leaf", "x.op is None"),
    Habit("grad_fn", "loss.grad_fn", "loss.op", "with loss.inputs, the node itself; print(loss.graph()) shows all"),
    Habit("requires_grad_", "x.requires_grad_()", "mg.Tensor(x, requires_grad=True)"),
    Habit("retain_grad", "x.retain_grad()", "loss.backward(keep=True)", "keeps the gradient of every node"),
    Habit("register_hook", "x.register_hook(print)", "loss.backward(keep=True)", "then x.grad is there to look at"),
    Habit("zero_grad", "x.zero_grad()", "x.grad = None", "or zero_grad of the optimiser or module"),
    Habit("detach_", "x.detach_()", "x.detach()", "a new tensor"),
    Habit("zero_", "p.zero_()", "mg.assign(p, mg.zeros_like(p))", "only leaves are written to"),
    Habit("fill_", "p.fill_(1.0)", "mg.assign(p, mg.ones_like(p))", "only leaves are written to"),
    Habit("copy_", "p.copy_(y)", "mg.assign(p, y)", "only leaves are written to"),
    Habit("add_", "p.add_(y)", "mg.assign(p, p + y)", "or p.data += y, and the optimisers"),
    Habit("sub_", "p.sub_(y)", "mg.assign(p, p - y)", "or p.data -= y, and the optimisers"),
    Habit("mul_", "p.mul_(2.0)", "mg.assign(p, p * 2.0)", "or p.data *= 2.0"),
    Habit("relu_", "x.relu_()", "x.relu()", "a new tensor, as of every name that ends in _ in PyTorch"),
)  # fmt: skip

MINIGRAD = (
    Habit("tensor", "mg.tensor([1.0])", "mg.Tensor([1.0])", "a list of floats is float64, as in NumPy"),
    Habit("as_tensor", "mg.as_tensor(a)", "mg.Tensor(a)", "it copies"),
    Habit("from_numpy", "mg.from_numpy(a)", "mg.Tensor(a)", "it copies; operations take arrays as they are"),
    Habit("zeros", "mg.zeros(2, 3)", "mg.Tensor(np.zeros((2, 3)))"),
    Habit("ones", "mg.ones(2, 3)", "mg.Tensor(np.ones((2, 3)))"),
    Habit("full", "mg.full((2, 3), 0.5)", "mg.Tensor(np.full((2, 3), 0.5))"),
    Habit("eye", "mg.eye(3)", "np.eye(3)", "operations take arrays as they are"),
    Habit("randn", "mg.randn(2, 3)", "mg.Tensor(rng.standard_normal((2, 3)))", "rng = numpy.random.default_rng(seed)"),
    Habit("rand", "mg.rand(2, 3)", "mg.Tensor(rng.random((2, 3)))", "rng = numpy.random.default_rng(seed)"),
    Habit("manual_seed", "mg.manual_seed(0)", "np.random.default_rng(0)",
          "pass it as rng=, or compute inside `with mg.generator(rng):`"),
    Habit("cat", "mg.cat([x, y], 1)", "mg.concatenate([x, y], 1)", "NumPy's name"),
    Habit("autograd", "mg.autograd.grad(loss, x)", "mg.grad(loss, x)"),
    Habit("func", "mg.func.jacrev(mg.exp)(x)", "mg.jacobian(mg.exp, [x])", "also vjp, jvp, hvp, hessian"),
    Habit("enable_grad", "mg.enable_grad()", "x * y", "leave it out: only no_grad() switches recording off"),
    Habit("inference_mode", "mg.inference_mode()", "mg.no_grad()"),
    Habit("float32", "mg.float32", "np.float32", "types are NumPy's"),
    Habit("float64", "mg.float64", "np.float64", "types are NumPy's"),
    Habit("save", 'mg.save(model.state_dict(), "x.pt")', 'mg.save_checkpoint("x.safetensors", model)',
          "a safetensors file, never a pickle; for a PyTorch model minigrad.io.save_weights"),
    Habit("load", 'mg.load("x.pt")', 'mg.load_checkpoint("x.safetensors", model)',
          "a safetensors file, never a pickle; of a PyTorch model minigrad.io.load_weights"),
)  # fmt: skip

MODULE = (
    Habit("to", "model.to(np.float64)", "model.astype(np.float64)", "a copy; there are no devices to go to"),
    Habit("cuda", "model.cuda()", "model", "leave it out: everything runs on the CPU"),
    Habit("cpu", "model.cpu()", "model", "leave it out: everything runs on the CPU"),
    Habit("float", "model.float()", "model.astype(np.float32)", "a copy"),
    Habit("double", "model.double()", "model.astype(np.float64)", "a copy"),
    Habit("half", "model.half()", "model.astype(np.float16)", "a copy"),
    Habit("register_buffer", 'model.register_buffer("step", x.detach())', "model.step = mg.Tensor(0.0)",
          "a Tensor held as an attribute is a buffer"),
    Habit("register_parameter", 'model.register_parameter("p", x)', "model.gain = p",
          "a Tensor held as an attribute that requires a gradient is a parameter"),
    Habit("add_module", 'model.add_module("block", block)', "model.block = block",
          "a module held as an attribute, or in a list or dictionary that is one"),
    Habit("children", "model.children()", "model.modules()", "the module itself and all below it"),
    Habit("buffers", "model.buffers()", "[t for _, t in model.named_tensors() if not t.requires_grad]"),
    Habit("apply", "model.apply(print)", "[print(m) for m in model.modules()]"),
    Habit("requires_grad_", "model.requires_grad_(False)", "optim.SGD([model.weight], rate=0.1)",
          "give the optimiser the parameters that are to be trained"),
    Habit("register_forward_hook", "model.register_forward_hook(print)", "model(x).graph()",
          "every value is in the graph, by scope and name"),
)  # fmt: skip

OPTIMISER = (
    Habit("param_groups", "optimiser.param_groups[0]", "optimiser.rate = 0.01",
          "one optimiser for each group of parameters"),
    Habit("add_param_group", "optimiser.add_param_group({})", "optim.SGD([p], rate=0.1)", "one for each group"),
    Habit("state", "optimiser.state", "optimiser.state_dict()"),
)  # fmt: skip

NN = (
    Habit("MultiheadAttention", "nn.MultiheadAttention(8, 2)", "nn.MultiHeadAttention(8, 2, rng=rng)",
          "a mask is True where a query may attend"),
    Habit("TransformerEncoderLayer", "nn.TransformerEncoderLayer(8, 2)", "nn.TransformerBlock(8, 2, rng=rng)"),
    Habit("TransformerDecoderLayer", "nn.TransformerDecoderLayer(8, 2)",
          "nn.TransformerBlock(8, 2, causal=True, cross=True, rng=rng)"),
    Habit("TransformerEncoder", "nn.TransformerEncoder(block, 2)", "nn.Encoder(2, 8, 2, rng=rng)"),
    Habit("TransformerDecoder", "nn.TransformerDecoder(block, 2)", "nn.Decoder(2, 8, 2, cross=True, rng=rng)"),
    Habit("Parameter", "nn.Parameter(x)", "mg.Tensor(x, requires_grad=True)", "held as an attribute it is a parameter"),
    Habit("ModuleList", "nn.ModuleList([model])", "[model]", "lists held as attributes are walked"),
    Habit("ModuleDict", 'nn.ModuleDict({"a": model})', '{"a": model}', "dictionaries held as attributes are walked"),
    Habit("BatchNorm1d", "nn.BatchNorm1d(5)", "nn.BatchNorm(5)", "over all axes but that of the channels"),
    Habit("BatchNorm2d", "nn.BatchNorm2d(5)", "nn.BatchNorm(5)", "over all axes but that of the channels"),
    Habit("MaxPool1d", "nn.MaxPool1d(2)(tokens)", "mg.max_pool(tokens, 2)", "what holds no parameters is a function"),
    Habit("MaxPool2d", "nn.MaxPool2d((2, 2))(x)", "mg.max_pool(x, (2, 2))", "what holds no parameters is a function"),
    Habit("AvgPool1d", "nn.AvgPool1d(2)(tokens)", "mg.average_pool(tokens, 2)",
          "what holds no parameters is a function"),
    Habit("AvgPool2d", "nn.AvgPool2d((2, 2))(x)", "mg.average_pool(x, (2, 2))",
          "what holds no parameters is a function"),
    Habit("Flatten", "nn.Flatten()(tokens)", "tokens.reshape(2, -1)", "in a Sequential, a lambda does it"),
    Habit("ReLU", "nn.ReLU()(x)", "mg.relu(x)", "what holds no parameters is a function"),
    Habit("GELU", "nn.GELU()(x)", "mg.gelu(x)", "what holds no parameters is a function"),
    Habit("SiLU", "nn.SiLU()(x)", "mg.silu(x)", "what holds no parameters is a function"),
    Habit("Tanh", "nn.Tanh()(x)", "mg.tanh(x)", "what holds no parameters is a function"),
    Habit("Sigmoid", "nn.Sigmoid()(x)", "mg.sigmoid(x)", "what holds no parameters is a function"),
    Habit("Softmax", "nn.Softmax(-1)(x)", "mg.softmax(x, axis=-1)", "what holds no parameters is a function"),
    Habit("CrossEntropyLoss", "nn.CrossEntropyLoss()(x, [0, 2])", "mg.cross_entropy(x, [0, 2])",
          "the class axis is the last"),
    Habit("NLLLoss", "nn.NLLLoss()(x, [0, 2])", "mg.nll(x, [0, 2])", "the class axis is the last"),
    Habit("KLDivLoss", 'nn.KLDivLoss(reduction="batchmean")(x, y)', "mg.kl_div(x, y)", "the class axis is the last"),
    Habit("BCEWithLogitsLoss", "nn.BCEWithLogitsLoss()(x, chosen)", "mg.bce_with_logits(x, chosen)"),
    Habit("MSELoss", "nn.MSELoss()(x, y)", "mg.mse(x, y)"),
    Habit("L1Loss", "nn.L1Loss()(x, y)", "mg.l1(x, y)"),
    Habit("HuberLoss", "nn.HuberLoss()(x, y)", "mg.huber(x, y)"),
    Habit("functional", "nn.functional.softmax(x, -1)", "mg.softmax(x)", "functions are in minigrad itself"),
    Habit("utils", "nn.utils.clip_grad_norm_([x], 1.0)", "optim.clip_gradients([x], maximum=1.0)"),
    Habit("init", "nn.init.zeros_(model.weight)", "mg.assign(model.weight, mg.zeros_like(model.weight))"),
)  # fmt: skip

OPTIM = (
    Habit("Optimizer", "optim.Optimizer([x], {})", "optim.Optimiser"),
    Habit("lr_scheduler", "optim.lr_scheduler.LambdaLR(optimiser, mg.exp)",
          "optim.Adam([x], schedule=optim.WarmupCosine(10, 100))",
          "a schedule is an argument of the optimiser: a function from the step to a factor of the rate"),
)  # fmt: skip

LINALG = (
    Habit("svd", "linalg.svd(w)", "linalg.eigh(w.T @ w)",
          "it has no derivative here; the squares of the singular values are eigenvalues"),
    Habit("svdvals", "linalg.svdvals(w)", "linalg.eigvalsh(w.T @ w).sqrt()", "in ascending order"),
    Habit("pinv", "linalg.pinv(w)", "linalg.solve(w.T @ w, w.T)", "of a matrix with independent columns"),
    Habit("lstsq", "linalg.lstsq(w, p.T)", "linalg.solve(w.T @ w, w.T @ p.T)",
          "of a matrix with independent columns"),
)  # fmt: skip

TABLES = {
    "argument": ARGUMENTS, "Tensor": TENSOR, "Module": MODULE, "Optimiser": OPTIMISER,
    "minigrad": MINIGRAD, "minigrad.linalg": LINALG, "minigrad.nn": NN, "minigrad.optim": OPTIM,
}  # fmt: skip
_BY_NAME = {place: {habit.name: habit for habit in table} for place, table in TABLES.items()}
_BY_NAME["minigrad"] = _BY_NAME["Tensor"] | _BY_NAME["minigrad"]  # most methods are functions there, too


def find_argument_hints(given: Iterable[str], takes: Collection[str]) -> list[str]:
    """What each argument that is not taken is called here, where it is a habit that has a place in this function.

    >>> find_argument_hints(["dim", "keepdims"], {"x", "axis", "keepdims"})
    ["PyTorch's `dim` is `axis` here (NumPy's name)"]
    """
    known = _BY_NAME["argument"]
    habits = [known[name] for name in given if name in known and name not in takes]
    return [hint for habit in habits if (hint := _make_argument_hint(habit, takes))]


def _make_argument_hint(habit: Habit, takes: Collection[str]) -> str:
    if not habit.ours:
        return f"PyTorch's `{habit.name}` has no place here: {habit.why}"
    ours = next((name for name in habit.ours if name in takes), None)
    why = f" ({habit.why})" if habit.why else ""
    return f"PyTorch's `{habit.name}` is `{ours}` here{why}" if ours else ""


def find_habit(place: str, name: str) -> Habit | None:
    """The habit of a name in one of `TABLES`, if there are such."""
    return _BY_NAME.get(place, {}).get(name)


def describe_missing(owner: str, place: str, name: str) -> str:
    """The message of an AttributeError; `place` is one of `TABLES`, if there are such habits.

    >>> describe_missing("a Tensor", "Tensor", "view")
    "a Tensor has no attribute 'view': for PyTorch's `x.view(3, 2)` write `x.reshape(3, 2)` (NumPy's name)"
    """
    habit = find_habit(place, name)
    if habit is None:
        arrays_have_it = place == "Tensor" and hasattr(np.ndarray, name)
        return f"{owner} has no attribute {name!r}" + (": x.numpy(), a plain array, has it" if arrays_have_it else "")
    why = f" ({habit.why})" if habit.why else ""
    return f"{owner} has no attribute {name!r}: for PyTorch's `{habit.there}` write `{habit.here}`{why}"


def teach(module: str) -> None:
    """Let a name that a module does not have raise with its habit.

    Not by a `__getattr__` in the module itself: to type checkers every name would then be there.
    """
    vars(sys.modules[module])["__getattr__"] = functools.partial(refuse_missing_name, module)


def refuse_missing_name(module: str, name: str) -> NoReturn:
    """Raise the AttributeError of a name that `module` does not have."""
    raise AttributeError(describe_missing(module, module, name), name=name, obj=sys.modules[module])
