"""Pictures and pages of PyTorch modules and JAX functions, by the same functions and commands as minigrad's own."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.__main__ import main
from minigrad.foreign.program import read_program

FILES = {
    "jax": """
import jax, jax.numpy as jnp, numpy as np

def loss(p, x):
    with jax.named_scope("layer"):
        return jnp.sum(jnp.tanh(x @ p["weight"]))

P, X = {"weight": jnp.ones((3, 2))}, np.ones((4, 3), np.float32)

def forward():
    return loss, (P, X)

def gradient():
    return jax.value_and_grad(loss), (P, X)

def one():
    return jnp.sin, jnp.ones(3)

def refused():
    return lambda x: x if x > 0 else -x, jnp.ones(())
""",
    "torch": """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x).tanh().sum()

def forward():
    return Net(), (torch.ones(4, 3),)

def gradient():
    return Net(), torch.ones(4, 3)

def function():
    return torch.sin, torch.ones(3)
""",
    "own": """
import minigrad as mg, numpy as np

def forward():
    return lambda x: mg.sum(x * x), np.ones(3)

def several():
    return mg.tanh(mg.Tensor(1.0, requires_grad=True)), mg.Tensor(2.0)
""",
}
needed = {name: pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is missing: python -m pip install {name}")
          for name in ("jax", "torch")}  # fmt: skip


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / f"{name}_file.py").write_text(text, "utf-8")


ENGINES = [pytest.param("jax", marks=needed["jax"]), pytest.param("torch", marks=needed["torch"]), "own"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "command", [["draw", "-o", "x.dot"], ["draw", "-o", "x.dot", "--values"], ["explore", "-o", "x.html"]]
)
def test_a_function_may_return_what_to_call(engine, command, capsys):
    assert main([command[0], f"{engine}_file.py:forward", *command[1:]]) == 0
    text = Path(command[2]).read_text("utf-8")
    assert "DOCTYPE" in text or "tanh" in text or "multiply" in text
    assert " nodes" in capsys.readouterr().out


@needed["jax"]
def test_gradients_of_a_jax_function_are_part_of_the_program(capsys):
    assert main(["draw", "jax_file.py:gradient", "-o", "x.dot"]) == 0
    assert "gradient" in Path("x.dot").read_text("utf-8")
    assert main(["draw", "jax_file.py:forward", "-o", "y.dot", "--gradients"]) == 2
    assert "jax.value_and_grad(loss)" in capsys.readouterr().err
    assert main(["draw", "jax_file.py:one", "-o", "x.dot"]) == 0


@needed["torch"]
def test_gradients_of_a_module_are_read_on_request(capsys):
    assert main(["draw", "torch_file.py:gradient", "-o", "x.dot", "--gradients"]) == 0
    assert "gradient" in Path("x.dot").read_text("utf-8")
    assert main(["draw", "torch_file.py:function", "-o", "x.dot"]) == 2
    assert "write it as a torch.nn.Module" in capsys.readouterr().err


@needed["jax"]
def test_a_refused_program_is_one_line(capsys):
    assert main(["draw", "jax_file.py:refused", "-o", "x.dot"]) != 0
    written = capsys.readouterr().err.strip().splitlines()
    assert len(written) == 1
    assert "JAX cannot trace <lambda>: TracerBoolConversionError" in written[0]


def test_two_results_are_no_call(capsys):
    assert main(["draw", "own_file.py:several", "-o", "x.dot"]) == 0


@needed["jax"]
def test_draw_and_explore_read_a_jax_function(tmp_path):
    import jax.numpy as jnp

    def loss(weight, x):
        return jnp.sum(jnp.tanh(x @ weight))

    graph = mg.draw(loss, jnp.ones((3, 2)), np.ones((4, 3), np.float32), path=tmp_path / "x.dot")
    assert [node.name for node in graph.inputs] == ["weight", "x"]
    text = (tmp_path / "x.dot").read_text("utf-8")
    assert "loss" in text
    assert "not computed" not in text
    assert (
        mg.draw(loss, jnp.ones((3, 2)), np.ones((4, 3), np.float32), path=tmp_path / "x.dot", values=True)[1].value
        is not None
    )
    graph = mg.explore(loss, jnp.ones((3, 2)), np.ones((4, 3), np.float32), path=tmp_path / "x.html")
    assert all(node.value is not None for node in graph)


def test_an_engine_that_is_not_there_is_not_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert read_program(lambda x: x, np.ones(3)) is None
    with pytest.raises(
        ModuleNotFoundError, match=r"from_jax needs the library jax, minigrad's extra `jax`: python -m pip"
    ):
        mg.from_jax(lambda x: x, np.ones(3))
