"""The public names: what `minigrad.…` offers, to people and to type checkers."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import minigrad as mg

STUB = Path(mg.__file__).with_name("__init__.pyi")
IMPORTS = [node for node in ast.walk(ast.parse(STUB.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
EXPORTS = [(node.module, alias) for node in IMPORTS for alias in node.names if alias.asname]


def in_a_new_process(code):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    return run.stdout.split()


def test_every_op_is_public():
    for name, function in mg.registry.items():
        assert getattr(mg, name) is function, name


def test_every_public_name_is_exported_explicitly():
    """As `from … import name as name`: anything else a type checker takes for private."""
    assert all(alias.asname == alias.name for _, alias in EXPORTS)


def test_no_public_name_is_listed_twice():
    tree = ast.parse(Path(mg.__file__).read_text("utf-8"))
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    served = [name for node in ast.walk(tree) if isinstance(node, ast.List) for name in ast.literal_eval(node)]
    names = [name for name in imported + served if name != "*"]
    assert sorted(names) == sorted({*names} - mg.registry.keys())


def test_every_name_is_what_type_checkers_take_it_for():
    """Also those that are imported on first use."""
    for module, alias in EXPORTS:
        found = (
            import_module(f"minigrad.{alias.name}") if module == "minigrad" else vars(import_module(module))[alias.name]
        )
        public = getattr(mg, alias.name)
        assert found in (public, getattr(public, "__wrapped__", None)), alias.name  # one that explains its misuse
    others = {*mg.__all__} - {alias.name for _, alias in EXPORTS} - mg.registry.keys()
    assert all(isinstance(getattr(mg, name), ModuleType) for name in others), others


def test_what_a_computation_does_not_need_is_not_imported():
    """What NumPy imports is there anyway; `pathlib` would take a sixth of the rest of the time."""
    use = "import minigrad as mg; mg.exp(mg.Tensor(1.0, requires_grad=True)).backward()"
    loaded = in_a_new_process(
        f"import sys, numpy; numpy_has = {{*sys.modules}}; {use}; print(*{{*sys.modules}} - numpy_has)"
    )
    assert {"minigrad.ops", "minigrad.core"} <= {*loaded}
    rooms = {f"minigrad.{alias.name}" for module, alias in EXPORTS if module == "minigrad"} - {"minigrad.ops"}
    assert not {*loaded} & {*rooms, "graphviz", "numpy.random", "numpy.polynomial", "pathlib"}
