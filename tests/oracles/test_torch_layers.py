"""Convolution, pooling, normalisation over batches and recurrent nets against PyTorch, with PyTorch's weights."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn as ours
from minigrad.io import load_weights, save_weights

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
files = pytest.importorskip("safetensors.torch", reason="safetensors is not installed: pip install safetensors")
functional, nn = torch.nn.functional, torch.nn

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")

RNG = np.random.default_rng(0)
OPTIONS = {"rng": np.random.default_rng(1), "dtype": np.float64}
ROUNDING = 1e-11


def normal(*shape):
    return RNG.standard_normal(shape)


def close(actual, expected):
    expected = expected.numpy(force=True) if isinstance(expected, torch.Tensor) else expected
    np.testing.assert_allclose(np.asarray(actual.detach()), expected, rtol=ROUNDING, atol=ROUNDING)


def agree(mine, theirs, *arrays):
    """Value and gradients of two functions of the same arrays."""
    xs = [mg.Tensor(x, requires_grad=True) for x in arrays]
    ts = [torch.tensor(x, requires_grad=True) for x in arrays]
    y, t = mine(*xs), theirs(*ts)
    g = normal(*y.shape)
    close(y, t)
    for actual, expected in zip(mg.grad(y, xs, g), torch.autograd.grad(t, ts, torch.tensor(g)), strict=True):
        close(actual, expected)


# --- convolution and pooling: every keyword with every other ----------------------------------------------------------


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, 2, (1, 2)], ids=str)
@pytest.mark.parametrize("padding", [0, 1, (2, 1), "valid", "same"], ids=str)
@pytest.mark.parametrize("stride", [1, 2, (2, 1)], ids=str)
def test_convolution_over_two_axes(stride, padding, dilation, groups):
    if padding == "same" and stride != 1:
        pytest.skip("PyTorch refuses it, and so do we")
    x, weight, bias = normal(3, 4, 8, 7), normal(8, 4 // groups, 3, 2), normal(8)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    for arrays in ((x, weight, bias), (x, weight)):
        agree(lambda *a: mg.conv2d(*a, **options), lambda *a: functional.conv2d(*a, **options), *arrays)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("padding", [0, 2, "same"])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_along_one_axis(stride, padding, dilation, groups):
    if padding == "same" and stride != 1:
        pytest.skip("PyTorch refuses it, and so do we")
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    arrays = normal(3, 4, 11), normal(6, 4 // groups, 3), normal(6)
    agree(lambda *a: mg.conv1d(*a, **options), lambda *a: functional.conv1d(*a, **options), *arrays)


@pytest.mark.parametrize("ndim", [1, 2])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("stride", [None, 1, 2])
@pytest.mark.parametrize("window", [2, 3])
def test_pooling(window, stride, padding, ndim):
    x = normal(3, 4, *(8, 7)[:ndim])
    largest, mean = (getattr(functional, f"{name}_pool{ndim}d") for name in ("max", "avg"))
    for dilation in (1, 2):
        agree(
            lambda x, d=dilation: mg.max_pool(x, window, stride, padding, d),
            lambda x, d=dilation: largest(x, window, stride, padding, d), x,
        )  # fmt: skip
    for included in (True, False):
        agree(
            lambda x, i=included: mg.average_pool(x, window, stride, padding, count_include_pad=i),
            lambda x, i=included: mean(x, window, stride, padding, count_include_pad=i), x,
        )  # fmt: skip


def test_pooling_with_another_length_stride_and_padding_for_each_axis():
    args = (3, 2), (1, 2), (1, 0), (1, 3)
    agree(lambda x: mg.max_pool(x, *args), lambda x: functional.max_pool2d(x, *args), normal(2, 3, 8, 9))
    args = args[:3]
    agree(lambda x: mg.average_pool(x, *args), lambda x: functional.avg_pool2d(x, *args), normal(2, 3, 8, 9))


@pytest.mark.parametrize("row", [
    [-np.inf, 1.0, 2.0, -np.inf], [np.inf, -np.inf, 3.0, np.nan], [np.nan, 0.0, -np.inf, -np.inf],
    [-np.inf, -1e308, 1e308, np.inf],
], ids=str)  # fmt: skip
def test_pooling_of_special_values_beside_padding(row):
    row = np.array([[row]])  # no two elements of one window are the largest: those share the gradient here, not there
    agree(lambda x: mg.max_pool(x, 2, padding=1), lambda x: functional.max_pool1d(x, 2, padding=1), row)
    for included in (True, False):
        agree(
            lambda x, i=included: mg.average_pool(x, 2, padding=1, count_include_pad=i),
            lambda x, i=included: functional.avg_pool1d(x, 2, padding=1, count_include_pad=i), row,
        )  # fmt: skip


# --- modules with PyTorch's weights -----------------------------------------------------------------------------------


class TheirNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, bias=False), nn.GroupNorm(3, 6), nn.ReLU(),
        )  # fmt: skip
        self.readout = nn.Linear(24, 3)

    def forward(self, x):
        return self.readout(self.body(x).flatten(1))


class OurNet(ours.Module):
    def __init__(self):
        self.body = ours.Sequential(
            ours.Conv2d(1, 4, 3, padding=1, **OPTIONS), ours.BatchNorm(4, dtype=np.float64), mg.relu,
            lambda x: mg.max_pool(x, 2),
            ours.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, bias=False, **OPTIONS),
            ours.GroupNorm(3, 6, dtype=np.float64), mg.relu,
        )  # fmt: skip
        self.readout = ours.Linear(24, 3, **OPTIONS)

    def forward(self, x):
        x = self.body(x)
        return self.readout(mg.reshape(x, (x.shape[0], 24)))


class TheirRecurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.net = getattr(nn, kind)(5, 4, batch_first=True, **options)
        self.readout = nn.Linear(4 * (1 + options.get("bidirectional", False)), 3)

    def forward(self, x):
        return self.readout(self.net(x)[0][:, -1])


class OurRecurrent(ours.Module):
    def __init__(self, kind, **options):
        self.net = getattr(ours, kind)(5, 4, **options, **OPTIONS)
        self.readout = ours.Linear(4 * (1 + options.get("bidirectional", False)), 3, **OPTIONS)

    def forward(self, x):
        return self.readout(self.net(x)[0][:, -1])


KINDS = [
    {}, {"num_layers": 2}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True}, {"bias": False},
]  # fmt: skip


def with_their_weights(theirs, mine, path):
    """Both in float64, with the same weights; and PyTorch's own come back bit for bit."""
    theirs = theirs.double()
    files.save_file(theirs.state_dict(), path)
    load_weights(mine, path)
    before = {key: value.clone() for key, value in theirs.state_dict().items() if "num_batches" not in key}
    save_weights(mine, path)
    theirs.load_state_dict(files.load_file(path))
    assert all(torch.equal(theirs.state_dict()[key], value) for key, value in before.items())
    return theirs, mine


def recurrent(kind, options, path):
    torch.manual_seed(0)
    renamed = {"layers" if name == "num_layers" else name: value for name, value in options.items()}
    return with_their_weights(TheirRecurrent(kind, **options), OurRecurrent(kind, **renamed), path)


def convolutional(path):
    torch.manual_seed(0)
    theirs = TheirNet()
    with torch.no_grad():
        for norm in (theirs.body[1], theirs.body[5]):
            norm.weight.copy_(torch.rand(norm.weight.shape) + 0.5)
            norm.bias.copy_(torch.rand(norm.bias.shape))
    return with_their_weights(theirs, OurNet(), path)


def gradients_agree(theirs, mine, path):
    """Of all weights, told apart by the names that a file gives them."""
    found = {key: p.grad.numpy() for key, p in theirs.named_parameters()}
    for parameter in mine.parameters():
        mg.assign(parameter, np.array(parameter.grad))
    save_weights(mine, path)
    saved = files.load_file(path)
    for key, gradient in found.items():
        close(saved[key], gradient)


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_recurrent_nets_forward_and_backward(kind, options, tmp_path):
    theirs, mine = recurrent(kind, options, tmp_path / "weights.safetensors")
    x = normal(2, 6, 5)
    count = len(mine.net.input_weight)
    given = [normal(count, 2, 4) for _ in range(1 + (kind == "LSTM"))]
    for state in (None, given):
        y, last = mine.net(x, state if state is None or kind == "LSTM" else state[0])
        states = None if state is None else tuple(map(torch.tensor, state))
        t, end = theirs.net(torch.tensor(x), states if states is None or kind == "LSTM" else states[0])
        close(y, t)
        for actual, expected in zip(*([last, end] if kind == "LSTM" else [[last], [end]]), strict=True):
            close(actual, expected)
    g = normal(2, 3)
    mg.sum(mine(x) * g).backward()
    (theirs(torch.tensor(x)) * torch.tensor(g)).sum().backward()
    gradients_agree(theirs, mine, tmp_path / "gradients.safetensors")


@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5), (3, 4, 5, 2)])
def test_batch_normalisation_while_training_and_after(shape, tmp_path):
    theirs = [nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d][len(shape) - 2](4, eps=1e-3, momentum=0.3)
    mine = ours.BatchNorm(4, epsilon=1e-3, momentum=0.3, dtype=np.float64)
    theirs, mine = with_their_weights(theirs, mine, tmp_path / "weights.safetensors")
    for _ in range(3):
        x = normal(*shape) * 2 + 1
        agree(mine, theirs, x)
        close(mine.running_mean, theirs.running_mean)
        close(mine.running_variance, theirs.running_var)
    theirs.eval(), mine.eval()
    agree(mine, theirs, normal(*shape))


def test_a_batch_of_one_value_for_each_channel_is_refused_as_in_pytorch():
    with pytest.raises(ValueError, match="1 values for each channel"):
        ours.BatchNorm(4)(np.ones((1, 4), np.float32))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm1d(4)(torch.ones(1, 4))


def test_a_convolutional_net_forward_and_backward(tmp_path):
    theirs, mine = convolutional(tmp_path / "weights.safetensors")
    x, g = normal(5, 1, 8, 8), normal(5, 3)
    y, t = mine(x), theirs(torch.tensor(x))
    close(y, t)
    mg.sum(y * g).backward()
    (t * torch.tensor(g)).sum().backward()
    gradients_agree(theirs, mine, tmp_path / "gradients.safetensors")


# --- fifty steps of training ------------------------------------------------------------------------------------------

NETS = {
    "convolutions": (convolutional, (1, 8, 8)),
    **{
        f"{kind}, {options}": (lambda path, kind=kind, options=options: recurrent(kind, options, path), (6, 5))
        for kind, options in itertools.product(["GRU", "LSTM"], [{}, {"num_layers": 2, "bidirectional": True}])
    },
}
OPTIMISERS = {
    "Adam": (lambda p: mg.optim.Adam(p, rate=0.01), lambda p: torch.optim.Adam(p, lr=0.01), None),
    "RMSprop": (lambda p: mg.optim.RMSprop(p, rate=0.003), lambda p: torch.optim.RMSprop(p, lr=0.003), None),
    "RMSprop with momentum, in steps": (
        lambda p: mg.optim.RMSprop(p, 0.003, 0.9, momentum=0.5, schedule=mg.optim.StepDecay(7, 0.5)),
        lambda p: torch.optim.RMSprop(p, lr=0.003, alpha=0.9, momentum=0.5),
        lambda optimiser: torch.optim.lr_scheduler.StepLR(optimiser, 7, 0.5),
    ),
    "SGD with milestones": (
        lambda p: mg.optim.SGD(p, 0.1, momentum=0.9, schedule=mg.optim.Milestones((5, 30), 0.3)),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        lambda optimiser: torch.optim.lr_scheduler.MultiStepLR(optimiser, [5, 30], 0.3),
    ),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("net", NETS)
def test_fifty_steps_of_a_compiled_program_are_those_of_pytorch(net, optimiser, tmp_path):
    make, shape = NETS[net]
    theirs, mine = make(tmp_path / "weights.safetensors")
    make_mine, make_theirs, make_schedule = OPTIMISERS[optimiser]
    own, other = make_mine(mine.parameters()), make_theirs(theirs.parameters())
    schedule = make_schedule and make_schedule(other)

    @mg.compile
    def step(x, targets):
        own.zero_grad()
        loss = mg.cross_entropy(mine(x), targets)
        loss.backward()
        own.step()
        return loss

    x, targets = normal(12, *shape), RNG.integers(0, 3, 12)
    curves = [], []
    for _ in range(50):
        curves[0].append(float(step(x, targets)))
        other.zero_grad()
        loss = functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(targets))
        loss.backward()
        other.step()
        if schedule:
            schedule.step()
        curves[1].append(float(loss.detach()))
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-6)
    assert curves[0][-1] < curves[0][0]
