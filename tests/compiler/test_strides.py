"""Programs compute right from and into memory in which elements do not lie side by side."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler.strides import FAULTY
from minigrad.core.op import Op

UNARY = [
    name for name, op in mg.registry.items()
    if isinstance(op, Op) and op.elementwise and len(op.arguments) == 1 and not op.effect and not op.required
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "bool"])
@pytest.mark.parametrize("name", UNARY)
def test_parts_of_a_joined_result_are_those_of_eager_code(name, dtype):
    op, rng = mg.registry[name], np.random.default_rng(0)

    def join(x):
        return mg.concatenate([op(x[:, :1]), op(x[:, -1:]), op(x[:, 1:2])], axis=1)

    for width in (2, 4, 8, 16):
        for length in (2, 5, 17, 33):
            x = (3 * rng.standard_normal((length, width))).astype(dtype)
            try:
                expected = join(x)
            except TypeError:
                return  # not of this type
            found = mg.compile(join)(mg.Tensor(x)).numpy()
            np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype != "float16" else 1e-2)


def test_what_numpy_writes_wrongly_is_all_on_the_list():
    """And is so for every machine: which elements are taken depends on its processor."""
    rng, wrong = np.random.default_rng(0), set()
    with np.errstate(all="ignore"):
        for ufunc in {x for x in vars(np).values() if isinstance(x, np.ufunc) and (x.nin, x.nout) == (1, 1)}:
            for dtype in (np.float16, np.float32, np.float64, np.int32, np.int64):
                for shape in ((2, 4), (2, 8), (17, 1), (17, 4), (33, 2), (33, 16)):
                    x, stride = (3 * rng.standard_normal(shape)).astype(dtype)[:, 0], 2
                    try:
                        expected = ufunc(x.copy())
                    except TypeError:
                        continue
                    out = np.zeros((len(x), stride), expected.dtype)[:, 0]
                    ufunc(x, out=out)
                    if not np.allclose(out.astype(float), expected.astype(float), rtol=1e-2, equal_nan=True):
                        wrong.add(ufunc)
    assert wrong <= FAULTY
