"""What stays out says so first: complex numbers, Fourier transforms, singular values. What is real stays as it is."""

import numpy as np
import pytest
import safetensors.numpy

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


@pytest.mark.parametrize("call", [lambda x: np.percentile(x, 50), lambda x: np.save("x.npy", x), np.array_equiv])
def test_any_other_function_says_what_to_do_in_one_line(call):
    refused = r"^numpy\.\w+ is not supported on Tensors: x.numpy\(\) has the values, without a gradient"
    with pytest.raises(TypeError, match=refused) as failure:
        call(*[X] * (2 if call is np.array_equiv else 1))
    assert len(str(failure.value)) < 200
    assert ("similar: array_equal" in str(failure.value)) is (call is np.array_equiv)


def test_attributes_of_arrays_alone_say_where_they_are():
    with pytest.raises(
        AttributeError, match=r"^a Tensor has no attribute 'ctypes': x.numpy\(\), a plain array, has it$"
    ):
        safetensors.numpy.save({"x": X})  # type: ignore[dict-item]
    with pytest.raises(AttributeError, match=r"^a Tensor has no attribute 'sofmax'$"):
        X.sofmax  # type: ignore[attr-defined]


def test_other_libraries_get_a_copy_by_dlpack_unless_a_gradient_would_be_lost():
    array = np.from_dlpack(X.detach())
    assert array.tolist() == X.tolist()
    assert not np.shares_memory(array, X.numpy())
    assert X.__dlpack_device__() == array.__dlpack_device__()
    with pytest.raises(TypeError, match=r"would lose the gradient of .*: use .numpy\(\) for its values"):
        np.from_dlpack(X)


def test_of_real_numbers_the_real_part_is_all():
    assert X.real is np.real(X) is np.conjugate(X) is X
    assert np.imag(X).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert np.isrealobj(X)
    assert not np.iscomplexobj(X)
