"""What `t.data` is: a view that cannot be written to, by no way that NumPy has."""

import numpy as np
import pytest

from minigrad import Tensor


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__setitem__(0, 1.0), lambda x: np.add(x, 1.0, out=x), lambda x: np.add.at(x, 0, 1.0),
        lambda x: np.negative(np.ones(2), out=(x,)), lambda x: x.sort(), lambda x: x.fill(0.0),
    ],
)  # fmt: skip
def test_the_data_of_a_tensor_is_read_only(write):
    x = Tensor([2.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        write(x.data)
    assert x.tolist() == [2.0, 1.0]


def test_numpy_may_read_it_and_write_elsewhere():
    x, out = Tensor([2.0, 1.0]), np.zeros(2)
    assert np.add(x.data, 1.0, out=out) is out
    assert out.tolist() == [3.0, 2.0]
    assert type(np.exp(x.data)) is np.ndarray
