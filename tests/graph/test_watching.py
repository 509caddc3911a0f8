"""Several who look on."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.modes import Watch, current_mode, within
from minigrad.graph.watching import Lines, Watches, join_watches


class Listing(Watch):
    def __init__(self):
        self.seen = []

    def node(self, tensor, op, inputs):
        self.seen.append(("node", op and op.name))

    def contribution(self, node, position, incoming, value):
        self.seen.append(("contribution", node.op.name, position))

    def strong_zero(self, fired):
        self.seen.append(("strong zero",))


def test_each_sees_everything():
    first, second = Listing(), Listing()
    with within(watch=Watches(first, second)):
        mg.sqrt(mg.Tensor(0.0, requires_grad=True) * 1.0).backward(0.0)
    assert first.seen == second.seen
    assert {kind[0] for kind in first.seen} == {"node", "contribution", "strong zero"}


def test_a_watch_takes_its_place_beside_others_or_instead_of_its_kind():
    first, second, third = Listing(), Lines(), Listing()
    assert join_watches(None, first) is first
    both = join_watches(first, second)
    assert both.watches == (first, second)
    assert join_watches(both, third).watches == (first, second, third)
    assert join_watches(both, third, instead_of=Listing).watches == (second, third)
    assert join_watches(first, third, instead_of=Listing) is third


def test_lines_and_anomalies_are_looked_for_at_the_same_time():
    with mg.trace_lines(), mg.trace_lines():
        assert isinstance(current_mode().watch, Lines)
    seen = Listing()
    with within(watch=seen), mg.trace_lines(), mg.detect_anomaly() as found:
        y = mg.Tensor([1.0]) * 2.0
        assert found in current_mode().watch.watches
        with mg.detect_anomaly(infinities=False):
            mg.Tensor([np.inf])  # which the innermost allows
    assert y.line.startswith("test_watching.py:")
    assert ("node", "multiply") in seen.seen


@pytest.mark.parametrize(("known", "line"), [(True, "In[3]:2"), (False, "3819792264.py:2")])
def test_the_file_of_a_cell_in_a_notebook_is_the_cell(known, line, monkeypatch):
    path = "/tmp/ipykernel_7/3819792264.py"

    def format_code_name(name):  # as IPython's compiler does
        return ("Cell", "In[3]") if known and name == path else None

    shell = SimpleNamespace(compile=SimpleNamespace(format_code_name=format_code_name))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    names = {"mg": mg}
    exec(compile("with mg.trace_lines():\n    y = mg.Tensor(1.0) * 2.0", path, "exec"), names)
    assert names["y"].line == line
    with mg.trace_lines():
        assert (mg.Tensor(1.0) * 2.0).line.startswith("test_watching.py:")
    x = mg.Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="must be equal"), mg.recording() as recording:
        exec(compile("\nx @ mg.Tensor([1.0])", path, "exec"), {"x": x, "mg": mg})
    assert recording.graph()[-1].line == line, "of what failed too"


@pytest.mark.parametrize("shell", [None, SimpleNamespace(compile=SimpleNamespace())], ids=["no shell", "IPython 7"])
def test_where_ipython_does_not_name_cells_lines_have_their_files(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    with mg.trace_lines():
        assert (mg.Tensor(1.0) * 2.0).line.startswith("test_watching.py:")
