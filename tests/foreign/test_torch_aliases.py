"""What is one thing for PyTorch's export and two for the module: inputs that are given twice, weights on one memory."""

import io

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch", reason="PyTorch is not installed: python -m pip install torch==2.13.0")
nn = torch.nn
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of what PyTorch uses inside of itself


@pytest.fixture(autouse=True)
def _same_numbers():
    torch.manual_seed(0)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3))
        self.register_buffer("record", torch.rand(3))

    def forward(self, x, y):
        return (x * 2 + y.exp() * self.weight + x * self.record).sum()


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, *args):
        return self.attention(*args)[0].square().sum()


class Pair(nn.Module):
    def forward(self, pair, *, z):
        return (pair["x"] * 2 + pair["y"].exp() * z).sum()


def run_like_the_module(module, args, kwargs, options):
    """On numbers of its own for each input the graph gives the value and the gradients that the module does."""
    graph = mg.from_torch(module, *args, **kwargs, **options)
    tree = torch.utils._pytree.tree_map(lambda x: torch.rand(x.shape, requires_grad=True), (args, kwargs))
    expected = module(*tree[0], **tree[1])
    arrays, named = torch.utils._pytree.tree_map(lambda x: x.numpy(force=True), tree)
    found = graph.run(*arrays, *named.values())
    if options.get("gradients"):
        found, gradients = found
        expected.backward()
        leaves = (torch.utils._pytree.tree_leaves(x) for x in (tree, (args, kwargs)))
        inputs = [own.grad for own, x in zip(*leaves, strict=True) if getattr(x, "requires_grad", False)]
        theirs = {path: p.grad for path, p in module.named_parameters()}
        for path, gradient in gradients.items():
            if path in theirs:
                np.testing.assert_allclose(gradient, theirs.pop(path), rtol=1e-5, atol=1e-6)
            else:  # of inputs, in their order
                np.testing.assert_allclose(gradient, inputs.pop(0), rtol=1e-5, atol=1e-6)
        assert not theirs
    np.testing.assert_allclose(found, expected.detach(), rtol=1e-5)


def twice(x):
    return (x, x), {}


def in_dictionaries(x):
    return ({"x": x, "y": x},), {"z": x}


CALLS = {
    "the same tensor twice": (Two, lambda module: twice(torch.rand(3))),
    "twice, with a gradient": (Two, lambda module: twice(torch.rand(3, requires_grad=True))),
    "views of one memory": (Two, lambda module: ((torch.ones(4)[:3], torch.ones(4)[1:]), {})),
    "a view and the whole": (Two, lambda module: ((module.record.view(3), module.record), {})),
    "a parameter": (Two, lambda module: ((torch.rand(3), module.weight), {})),
    "a buffer": (Two, lambda module: ((module.record, torch.rand(3)), {})),
    "one array": (Two, lambda module: twice(np.ones(3, np.float32))),
    "self-attention": (Attention, lambda module: ((torch.rand(2, 4, 8),) * 3, {})),
    "in a dictionary, and by name": (Pair, lambda module: in_dictionaries(torch.ones(3))),
}


@pytest.mark.parametrize("options", [{}, {"gradients": True}, {"values": True}], ids=str)
@pytest.mark.parametrize("call", CALLS)
def test_an_input_is_itself_whatever_else_is_given(call, options):
    make, inputs = CALLS[call]
    module = make()
    args, kwargs = inputs(module)
    if options.get("gradients") and make is Pair:
        args, kwargs = torch.utils._pytree.tree_map(lambda x: x.requires_grad_(), (args, kwargs))
    run_like_the_module(module, args, kwargs, options)


@pytest.mark.parametrize("save", [False, True])
def test_a_program_that_was_exported_with_one_tensor_for_two_inputs_is_refused(save):
    module, x = Two(), torch.rand(3)
    for given in [(x, x)] if save else [(x, x), (x, module.weight), (module.record, x)]:  # a file loses the others
        program = torch.export.export(module, given)
        if save:
            stream = io.BytesIO()
            torch.export.save(program, stream)
            stream.seek(0)
            program = torch.export.load(stream)
        with pytest.raises(mg.CaptureError, match=r"one tensor for [xy].* export it with copies"):
            mg.from_torch(program)
    mg.from_torch(torch.export.export(module, (x, x.clone())))


class Tied(nn.Module):
    def __init__(self, second):
        super().__init__()
        self.first = nn.Parameter(torch.rand(3))
        self.second = second(self.first)

    def forward(self, x):
        return (self.first * x + self.second * x * x).sum()


@pytest.mark.parametrize(("second", "count"), [
    (lambda first: first, 1), (lambda first: nn.Parameter(first.data), 2), (lambda first: nn.Parameter(first + 1), 2),
])  # fmt: skip
def test_parameters_have_the_gradients_that_pytorch_gives_them(second, count):
    module, x = Tied(second), torch.rand(3)
    graph = mg.from_torch(module, x, gradients=True)
    module(x).backward()
    _, gradients = graph.run(x.numpy())
    assert len(gradients) == count == len([node for node in graph if node.role == "parameter"])
    for path, parameter in module.named_parameters():
        np.testing.assert_allclose(gradients[path], parameter.grad, rtol=1e-6)


# --- conjugate and negative views -------------------------------------------------------------------------------------


class Product(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.register_buffer("value", value)

    def forward(self, x):
        return torch.stack([x, self.value]).conj(), (self.value * x).conj().imag, x


@pytest.mark.parametrize("values", [False, True])
def test_conjugate_and_negative_views_enter_and_leave_as_their_numbers(values):
    z = torch.randn(3, dtype=torch.complex64)
    module = Product(z.conj())
    for x in (z.conj(), z.conj() * 2, z):
        found = mg.from_torch(module, x, values=values).run(x)
        for one, other in zip(found, module(x), strict=True):
            np.testing.assert_allclose(one, other.numpy(force=True), rtol=1e-6)
    negative = z.conj().imag
    assert negative.is_neg()
    double = mg.from_torch(nn.Softplus(), negative, values=values)
    np.testing.assert_allclose(double.run(negative), nn.Softplus()(negative), rtol=1e-6)


# --- what is written --------------------------------------------------------------------------------------------------


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3))

    def forward(self, x):
        rows = torch.zeros(3, 3)
        for number in range(2):
            rows[number] = x * self.weight * (number + 1)
        rows[2, 1:] = self.weight.sum()
        rows[:, 0] *= x
        rows[2, 0] = 5
        return (rows * self.weight).square().sum()


class Cast(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3, dtype=torch.float64))

    def forward(self, x):
        y = x * 2
        y[1:] = self.weight[:1]
        return (y * self.weight).sum()


@pytest.mark.parametrize("make", [Rows, Cast])
def test_what_is_written_into_a_slice_has_its_gradient(make):
    run_like_the_module(make(), (torch.rand(3, requires_grad=True),), {}, {"gradients": True})


@pytest.mark.parametrize("second", [lambda x: x, lambda x: x.view(4), lambda x: x[1:]])
@pytest.mark.parametrize("gradients", [False, True])
def test_writes_to_buffers_that_lie_in_one_memory_are_refused_by_name(second, gradients):
    class Buffers(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("first", torch.zeros(4))
            self.register_buffer("other", second(self.first))

        def forward(self, x):
            self.first.add_(1)
            self.other.add_(x)
            return x * self.first.sum() + self.other.sum()

    with pytest.raises(mg.CaptureError, match=r"buffers first and other lie in one memory.*clone"):
        mg.from_torch(Buffers(), torch.ones(1, requires_grad=True), gradients=gradients)
