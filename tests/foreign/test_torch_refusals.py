"""What PyTorch's export leaves out is refused by name, or said; what it keeps is read."""

import threading

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch", reason="PyTorch is not installed: python -m pip install torch==2.13.0")
nn = torch.nn
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of what PyTorch uses inside of itself


@pytest.fixture(autouse=True)
def _same_numbers():
    torch.manual_seed(0)


class NoGrad(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        with torch.no_grad():
            fixed = self.linear(x)
        return (fixed * self.linear(x)).sum()


LOST = {
    "under torch.no_grad": (NoGrad(), (2, 3), {"gradients": True}, "torch.no_grad"),
    "dropout of a recurrent net": (nn.LSTM(3, 3, num_layers=2, dropout=0.5), (4, 2, 3), {}, "drops out"),
    "of another": (nn.GRU(3, 3, num_layers=2, dropout=0.5), (4, 2, 3), {}, "drops out"),
    "running statistics": (nn.InstanceNorm1d(3, track_running_stats=True), (2, 3, 4), {}, "running statistics"),
}


@pytest.mark.parametrize(("module", "shape", "options", "message"), LOST.values(), ids=LOST)
def test_what_the_functional_graph_would_lose_is_refused(module, shape, options, message):
    """Its numbers would be others than those of PyTorch."""
    with pytest.raises(mg.CaptureError, match=message):
        mg.from_torch(module, torch.ones(shape), **options)
    mg.from_torch(module.eval(), torch.ones(shape))


class Three(torch.autograd.Function):
    """A function that says itself what its gradient is."""

    @staticmethod
    def forward(ctx, x):
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx, g):
        return 3 * g


class Own(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.linear, self.function = nn.Linear(3, 3), function

    def forward(self, x):
        return self.function(self.linear(x))


def hooked(register):
    """A module and its input, with what `register` puts on either."""
    module, x = nn.Sequential(nn.Linear(3, 3), nn.ReLU()), torch.ones(2, 3, requires_grad=True)
    register(module, x)
    return module, x


def in_forward(x):
    x.register_hook(lambda g: 2 * g)
    return x.tanh()


HOOKED = {
    "a parameter": (lambda m, x: m[0].weight.register_hook(lambda g: 2 * g), r"backward pass on 0\.weight:"),
    "a step after": (lambda m, x: m[0].bias.register_post_accumulate_grad_hook(id), r"backward pass on 0\.bias:"),
    "an input": (lambda m, x: x.register_hook(lambda g: 2 * g), "backward pass on an input:"),
    "a module": (lambda m, x: m[1].register_full_backward_hook(lambda *_: None), "backward pass on 1:"),
    "before a module": (lambda m, x: m[1].register_full_backward_pre_hook(lambda *_: None), "backward pass on 1:"),
    "the whole": (lambda m, x: m.register_full_backward_hook(lambda *_: None), "backward pass on the module:"),
}
OWN = {
    "in forward": (in_forward, "which Own registers in its forward"),
    "backward": (Three.apply, "the forward of Three, a torch.autograd.Function, and never call its backward"),
}


@pytest.mark.parametrize(("register", "message"), HOOKED.values(), ids=HOOKED)
def test_hooks_of_the_backward_pass_are_refused_by_name(register, message):
    module, x = hooked(register)
    with pytest.raises(mg.CaptureError, match=message):
        mg.from_torch(module, x, gradients=True)
    assert_same(mg.from_torch(module, x).run(x), module(x))


@pytest.mark.parametrize("which", ["register_module_full_backward_hook", "register_module_full_backward_pre_hook"])
def test_so_are_hooks_on_every_module(which):
    handle = getattr(nn.modules.module, which)(lambda *_: None)
    try:
        with pytest.raises(mg.CaptureError, match="backward pass on every module:"):
            mg.from_torch(nn.Linear(3, 3), torch.ones(2, 3), gradients=True)
    finally:
        handle.remove()


@pytest.mark.parametrize(("function", "message"), OWN.values(), ids=OWN)
def test_backward_passes_that_a_module_says_itself_are_refused_by_name(function, message):
    module, x = Own(function), torch.ones(2, 3)
    with pytest.raises(mg.CaptureError, match=message):
        mg.from_torch(module, x, gradients=True)
    assert_same(mg.from_torch(module, x).run(x), module(x))
    weights = torch.ones(2, 3, requires_grad=True)  # PyTorch is as it was
    Three.apply(weights).sum().backward()
    assert weights.grad.unique().tolist() == [3.0]


def test_hooks_of_the_forward_pass_are_read():
    module, x = nn.Sequential(nn.Linear(3, 3), nn.ReLU()).double(), torch.randn(2, 3, dtype=torch.float64)
    for part in (module, module[0]):
        part.register_forward_pre_hook(lambda _, inputs: (inputs[0] - 0.5,))
        part.register_forward_hook(lambda _, inputs, result: 3 * result)
    result, gradients = mg.from_torch(module, x, gradients=True).run(x, np.ones((2, 3)))
    assert_same(result, module(x))
    module(x).sum().backward()
    for path, parameter in module.named_parameters():
        assert_same(gradients[path], parameter.grad)


class Writes(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x, y):
        y.mul_(2)
        return self.linear(x + y).sum()


@pytest.mark.parametrize("gradients", [False, True])
def test_writing_into_an_input_is_said(gradients):
    module, x = Writes(), torch.ones(2, 3)
    with pytest.warns(UserWarning, match="the module writes into its input y; the graph does not") as said:
        graph = mg.from_torch(module, x, x.clone(), gradients=gradients)
    assert said[0].filename == __file__
    y = np.ones((2, 3), np.float32)
    result = graph.run(x, y)
    assert_same(result[0] if gradients else result, module(x, x.clone()))
    assert (y == 1).all()


class Autocast(nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.linear, self.dtype = nn.Linear(3, 3), dtype

    def forward(self, x):
        with torch.autocast("cpu", dtype=self.dtype):
            return self.linear(x)


def test_what_autocast_makes_is_refused_with_what_helps():
    x, advice = torch.ones(2, 3), "torch.autocast made it, read the module outside of that"
    with pytest.raises(mg.CaptureError, match=advice):
        mg.from_torch(Autocast(torch.bfloat16), x)
    with torch.autocast("cpu"), pytest.raises(mg.CaptureError, match=advice):
        mg.from_torch(nn.Linear(3, 3), x)
    module = Autocast(torch.float16)
    np.testing.assert_allclose(mg.from_torch(module, x).run(x), module(x).numpy(force=True), rtol=1e-3)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu")])
def test_a_graph_does_not_depend_on_where_it_runs(around):
    module, x = nn.Sequential(nn.Conv1d(3, 3, 1), nn.ReLU()), torch.randn(2, 3, 4)
    graph, g = mg.from_torch(module, x, gradients=True), np.ones((2, 3, 4), np.float32)
    expected = graph.run(x, g)
    with around():
        result = graph.run(x, g)
    np.testing.assert_array_equal(result[0], expected[0])
    np.testing.assert_array_equal(result[1]["0.weight"], expected[1]["0.weight"])


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("gradients", [False, True])
def test_a_graph_does_not_depend_on_where_it_is_read(around, gradients):
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()  # fused where no gradients are asked for
    with around():
        x = torch.ones(2, 3, 4)
        graph = mg.from_torch(layer, x, gradients=gradients)
    assert str(graph) == str(mg.from_torch(layer, torch.ones(2, 3, 4), gradients=gradients))


def test_sparse_tensors_are_refused():
    with pytest.raises(mg.CaptureError, match=r"torch.sparse_coo, which NumPy has not: make it dense, x.to_dense\(\)"):
        mg.from_torch(Own(torch.Tensor.to_sparse), torch.ones(2, 3))


class Converted(nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, x):
        return x.to(self.dtype).to(torch.float32)


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental:UserWarning")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.complex32, torch.float8_e5m2], ids=str)
def test_a_type_that_another_library_adds_to_numpy_is_refused_too(dtype):
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed: python -m pip install jax")
    with pytest.raises(mg.CaptureError, match=rf"{dtype}, .*as by module.float\(\)"):
        mg.from_torch(Converted(dtype), torch.ones(1, 3))


def test_threads_have_draws_of_their_own():
    """Where result and gradient of one thread are of one mask, however threads take turns."""
    module = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    graph = mg.from_torch(module, torch.ones(64, 3), gradients=True)
    x, g = np.ones((64, 3), np.float32), np.ones((64, 3), np.float32)
    wrong = []

    def run():
        for _ in range(20):
            result, gradients = graph.run(x, g)
            if not np.array_equal(gradients["0.bias"], 2 * (result != 0).sum(0)):
                wrong.append(result)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def assert_same(ours, theirs):
    theirs = theirs.numpy(force=True)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 if theirs.dtype == np.float64 else 1e-5)
