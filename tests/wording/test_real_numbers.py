"""What stays out says so first: complex numbers, Fourier transforms, singular values. What is real stays as it is."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

X = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
COMPLEX = "minigrad computes with real numbers only, never with complex ones"


@pytest.mark.parametrize("call", [lambda: 1j * X, lambda: X + np.array([1j, 2.0]), lambda: mg.Tensor([1j]),
                                  lambda: np.exp(X) * complex(1, 2)])  # fmt: skip
def test_complex_numbers_are_refused_with_what_to_do(call):
    with pytest.raises(TypeError, match=f"complex128.*; {COMPLEX}: hold real and imaginary parts in two Tensors"):
        call()


@pytest.mark.parametrize("name", ["fft", "ifft2", "rfft", "fftshift"])
def test_fourier_transforms_are_refused_by_name(name):
    with pytest.raises(TypeError, match=f"^numpy.fft.{name} is not supported on Tensors: {COMPLEX}; of x.numpy"):
        getattr(np.fft, name)(X)


def test_singular_values_name_what_to_write():
    with pytest.raises(TypeError, match=r"^numpy.linalg.svd is not supported on Tensors: write"):
        np.linalg.svd(X)


def test_any_other_function_says_what_to_do_before_it_lists_what_there_is():
    with pytest.raises(TypeError, match=r"^numpy.percentile is not supported on Tensors: x.numpy\(\) has the values"):
        np.percentile(X, 50)


def test_of_real_numbers_the_real_part_is_all():
    assert X.real is np.real(X) is np.conjugate(X) is X
    assert np.imag(X).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert np.isrealobj(X)
    assert not np.iscomplexobj(X)
