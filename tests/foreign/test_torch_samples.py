"""PyTorch's own samples of its operations: what runs is right, what does not is refused in one error."""

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch", reason="PyTorch is not installed: python -m pip install torch==2.13.0")
pytest.importorskip("expecttest", reason="expecttest is not installed: python -m pip install expecttest")
pytestmark = [pytest.mark.deep, pytest.mark.filterwarnings("ignore")]
leaves = torch.utils._pytree.tree_leaves
WERE_WRONG = {"as_strided", "as_strided_scatter", "index_select", "linalg.qr", "ormqr", "pow", "to_sparse"}
EVERY = 12  # of the others; all of them took a quarter of an hour
ANYTHING = {"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided"}


class Call(torch.nn.Module):
    def __init__(self, op, settings):
        super().__init__()
        self.op, self.settings = op, settings

    def forward(self, *inputs):
        return self.op(*inputs, **self.settings)


def sample_operations():
    from torch.testing._internal.common_methods_invocations import op_db

    chosen = (x for i, x in enumerate(op_db) if i % EVERY == 0 or x.name in WERE_WRONG)
    return [x for x in chosen if torch.float64 in x.supported_dtypes("cpu") and x.name not in ANYTHING]


@pytest.mark.parametrize("gradients", [False, True])
def test_samples_of_pytorch_are_right_or_refused(gradients):
    wrong, right, refused = [], 0, 0
    for operation in sample_operations():
        if gradients and not operation.supports_autograd:
            continue
        sample = next(iter(operation.sample_inputs("cpu", torch.float64, requires_grad=gradients)))
        inputs = (sample.input, *sample.args)
        if any(isinstance(x, torch.Tensor) for x in leaves(sample.kwargs)):
            continue
        try:
            graph = mg.from_torch(Call(operation.op, sample.kwargs), *inputs, gradients=gradients)
        except (mg.CaptureError, mg.GraphError):
            refused += 1
            continue
        except Exception as error:
            wrong.append((operation.full_name, error))
            continue
        theirs = operation.op(*inputs, **sample.kwargs)
        given, incoming = [x for x in leaves(inputs) if isinstance(x, torch.Tensor)], []
        with np.errstate(all="ignore"):
            if gradients:
                ends = [x for x in leaves(theirs) if x.is_floating_point()]
                ends = ends[:1] if not ends[0].shape else ends
                incoming = [] if not ends[0].shape else [torch.rand_like(x) for x in ends]
                ours = list(graph.run(*given, *incoming)[1].values())
                starts, ends = [x for x in given if x.requires_grad], [x for x in ends if x.requires_grad]
                theirs = torch.autograd.grad(ends, starts, incoming or None, allow_unused=True)
            else:
                ours = graph.run(*given)
        same = [is_same(x, y) for x, y in zip(leaves(ours), leaves(theirs), strict=True)]
        right += 1
        if not (all(same) or graph.effects):
            wrong.append((operation.full_name, ours, theirs))
    assert wrong == []
    assert right > 4 * refused


def is_same(x, y):
    if not isinstance(y, torch.Tensor):
        return x == y
    y = y.resolve_conj().resolve_neg().numpy(force=True)
    within = 1e-12 * max(1.0, np.abs(y[np.isfinite(y)]).max(initial=0.0))
    return (x.dtype, x.shape) == (y.dtype, y.shape) and np.allclose(x, y, rtol=1e-12, atol=within, equal_nan=True)
