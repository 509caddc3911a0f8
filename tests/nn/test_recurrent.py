"""GRU and LSTM: their equations, their state, both directions, and the programs made of them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

RNG = np.random.default_rng(0)


def make(kind, inputs=3, width=4, **options):
    return kind(inputs, width, rng=np.random.default_rng(1), dtype=np.float64, **options)


def normal(*shape):
    return RNG.standard_normal(shape)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(x, h, w, u, b, c):
    (xr, xz, xn), (hr, hz, hn) = np.split(x @ w + b, 3, -1), np.split(h @ u + c, 3, -1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    return (1 - z) * np.tanh(xn + r * hn) + z * h


def lstm(x, h, cell, w, u, b, c):
    i, f, g, o = np.split(x @ w + b + h @ u + c, 4, -1)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(cell), cell


def weights(net, name="0"):
    return [held[name].numpy() for held in (net.input_weight, net.state_weight, net.input_bias, net.state_bias)]


def test_a_gru_is_its_equations():
    net, x, h = make(nn.GRU), normal(2, 5, 3), np.zeros((2, 4))
    y, last = net(x)
    for token in range(5):
        h = gru(x[:, token], h, *weights(net))
        np.testing.assert_allclose(y.numpy()[:, token], h, rtol=1e-12)
    np.testing.assert_array_equal(last.numpy()[0], y.numpy()[:, -1])


def test_an_lstm_is_its_equations():
    net, x, h, cell = make(nn.LSTM), normal(2, 5, 3), np.zeros((2, 4)), np.zeros((2, 4))
    y, (last, last_cell) = net(x)
    for token in range(5):
        h, cell = lstm(x[:, token], h, cell, *weights(net))
        np.testing.assert_allclose(y.numpy()[:, token], h, rtol=1e-12)
    np.testing.assert_allclose(last_cell.numpy()[0], cell, rtol=1e-12)
    np.testing.assert_allclose(last.numpy()[0], h, rtol=1e-12)


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_two_halves_with_the_state_between_them_are_the_whole(kind):
    net, x = make(kind, layers=2), normal(2, 6, 3)
    whole, _ = net(x)
    first, state = net(x[:, :2])
    second, _ = net(x[:, 2:], state)
    np.testing.assert_allclose(np.concatenate([first.numpy(), second.numpy()], 1), whole.numpy(), rtol=1e-12)


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_the_second_direction_reads_backwards(kind):
    net, x = make(kind, bidirectional=True), normal(2, 5, 3)
    y = net(x)[0].numpy()
    for name in ("input_weight", "state_weight", "input_bias", "state_bias"):
        held = getattr(net, name)
        mg.assign(held["0"], held["0_reverse"].numpy())
    np.testing.assert_allclose(net(x[:, ::-1])[0].numpy()[:, ::-1, :4], y[:, :, 4:], rtol=1e-12)


def test_any_axes_may_stand_before_the_tokens():
    net, x = make(nn.GRU), normal(2, 3, 5, 3)
    y, state = net(x)
    assert state.shape == (1, 2, 3, 4)
    np.testing.assert_allclose(net(x[1, 2])[0].numpy(), y.numpy()[1, 2], rtol=1e-12)


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_gradients_of_both_orders_and_compiled(kind):
    net, x = make(kind, layers=2, bidirectional=True), normal(2, 3, 3)
    assert mg.check_gradients(lambda x: net(x)[0], [x], order=2).passed
    assert mg.check_gradients(lambda x, w: net(x)[0], [x, net.state_weight["1"]]).passed
    parameters = net.parameters()

    def step(x):
        return mg.grad(mg.sum(mg.square(net(x)[0])), parameters)

    for fast, slow in zip(mg.compile(step)(x), step(x), strict=True):
        np.testing.assert_allclose(fast.numpy(), slow.numpy(), rtol=1e-10, atol=1e-12)


def test_dropout_is_between_layers_and_while_training_alone():
    net, x = make(nn.GRU, layers=2, dropout=0.5), normal(2, 3, 3)
    with mg.generator(np.random.default_rng(0)):
        assert (net(x)[0].numpy() != net(x)[0].numpy()).any()
    net.eval()
    assert (net(x)[0].numpy() == net(x)[0].numpy()).all()


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(ValueError, match=r"GRU: expected x \(…, tokens, 3\), got \(2, 5, 4\)"):
        make(nn.GRU)(normal(2, 5, 4))
    with pytest.raises(ValueError, match=r"LSTM: expected a state of 2 × \(1, 2, 4\), got \[\(1, 2, 4\), \(2, 4\)\]"):
        make(nn.LSTM)(normal(2, 5, 3), (normal(1, 2, 4), normal(2, 4)))
    with pytest.raises(ValueError, match="GRU: layers=0"):
        make(nn.GRU, layers=0)
