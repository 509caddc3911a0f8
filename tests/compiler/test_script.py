"""The script of a program: that it runs with NumPy alone, and gives what the program gives to the last bit."""

import ast
import builtins
import functools
import importlib
import math
import os
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn, optim
from minigrad.checks.cases import cases_of, cotangents_for, is_float_array, results
from minigrad.compiler.carried import carry
from minigrad.compiler.instructions import is_kernel
from minigrad.core.structure import leaves, map_leaves
from minigrad.ops import kernels
from minigrad.ops.specimens import specimens_of

FUNCTIONS = [function for function in mg.registry.values() if specimens_of(function).samples]
GOLDEN = Path(__file__).parent.parent / "golden" / "saved_script.txt"
RATE = 0.5  # what the functions below are given is half of it, or twice


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def loaded(path, name="script"):
    """The names that the script at `path` defines, run where minigrad cannot be imported."""

    def import_other(module, *args):
        if module.partition(".")[0] == "minigrad":
            raise ImportError(module)
        return __import__(module, *args)

    text = Path(path).read_text(encoding="utf-8")
    space = {
        "__builtins__": {**vars(builtins), "__import__": import_other},
        "__file__": str(path),
        "__name__": name,
    }
    exec(compile(text, str(path), "exec"), space)
    return space


def script_of(step, folder):
    """The names of the script of what `step` compiled last."""
    step.save_source(folder / "step.py")
    return loaded(folder / "step.py")


def outputs_of(tensors):
    return [x.numpy() for x in leaves(tensors)]


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        assert one.tobytes() == other.tobytes()


# --- every function on record -----------------------------------------------------------------------------------------


def values_and_gradients(function, samples):
    """What every sample gives: the outputs, and the gradients where cotangents are given."""
    for args, params, cotangents in samples:
        outputs = results(function(*args, **params))
        variables = [x for x in leaves((args, params)) if isinstance(x, Tensor) and x.requires_grad]
        yield outputs, list(mg.grad(tuple(outputs), variables, cotangents, unused="zero")) if cotangents else []


def sample_of(case):
    """The arguments of a case, floating-point arrays as Tensors, and cotangents for what it returns."""
    args, params = map_leaves(lambda x: Tensor(x, requires_grad=True) if is_float_array(x) else x, case.arguments())
    return args, params, cotangents_for(results(case(*case.floats()))) if case.differentiable else ()


def can_be_captured(function, sample):
    try:
        mg.trace(lambda given: list(values_and_gradients(function, [given])), sample)
    except mg.CaptureError:  # a list becomes an array on the way, which is no argument
        return False
    return True


@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
def test_a_script_gives_what_the_program_gives(function, tmp_path):
    samples = [sample for sample in map(sample_of, cases_of(function)) if can_be_captured(function, sample)]
    assert samples
    step = mg.compile(lambda given: list(values_and_gradients(function, given)))
    ours = step(samples)
    arguments = [x.numpy() if isinstance(x, Tensor) else x for x in leaves(samples)]
    arguments = [x for x in arguments if isinstance(x, (np.ndarray, np.generic))]
    assert_same(script_of(step, tmp_path)["step"](*arguments), outputs_of(ours))


# --- a training step --------------------------------------------------------------------------------------------------


def training_step():
    """A step of a small transformer, and its batch."""
    rng = np.random.default_rng(0)
    model = nn.LanguageModel(7, width=8, heads=2, layers=1, context=5, rng=rng, dropout=0.1)
    optimiser = optim.Adam(model.parameters(), rate=0.01)
    draws = np.random.Generator(np.random.MT19937(3))

    @mg.compile
    def step(tokens, targets):
        optimiser.zero_grad()
        with mg.generator(draws):
            loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        norm = optim.clip_gradients(model.parameters(), 0.5)
        optimiser.step()
        return {"loss": loss, "norm": norm}

    tokens = rng.integers(0, 7, (3, 6))
    return step, tokens[:, :-1], tokens[:, 1:]


def run(code, folder, *paths):
    """What Python prints: without the user's packages, with nothing to import but NumPy and `paths`."""
    numpy_alone = Path(folder) / "numpy_alone"
    numpy_alone.mkdir(exist_ok=True)
    home = Path(np.__file__).parent
    for part in [home, *home.parent.glob("numpy.libs")]:
        if not (numpy_alone / part.name).exists():
            (numpy_alone / part.name).symlink_to(part)
    begin = f"import sys; sys.path += {[str(numpy_alone), *map(str, paths)]!r}\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", begin + code], cwd=folder, text=True, capture_output=True, check=False,
        encoding="utf-8", env={"OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_training_goes_on_where_numpy_is_alone(tmp_path):
    step, tokens, targets = training_step()
    step(tokens, targets)
    step.save_source(tmp_path / "train.py")
    ours = [[float(x).hex() for x in step(tokens, targets).values()] for _ in range(5)]
    printed = run(
        "import train, numpy\n"
        "arguments = train.stored(train.__file__, 'arguments').values()\n"
        "print([[float(x).hex() for x in train.step(*arguments)] for _ in range(5)])\n"
        "assert 'minigrad' not in sys.modules\n"
        "try:\n"
        "    import minigrad\n"
        "except ImportError:\n"
        "    print('alone')\n",
        tmp_path,
        tmp_path,
    )
    theirs, alone = printed.splitlines()
    assert ast.literal_eval(theirs) == ours
    assert alone == "alone"
    assert len(set(map(tuple, ours))) == 5


def test_state_goes_on_as_in_the_program(tmp_path):
    step, tokens, targets = training_step()
    step(tokens, targets)
    script = script_of(step, tmp_path)
    for _ in range(3):
        step(tokens, targets)
        script["step"](tokens, targets)
    state = step.program.state
    assert state.keys() == script["state"].keys()
    assert_same(script["state"].values(), state.values())
    assert not any(np.shares_memory(state[name], script["state"][name]) for name in state)


def test_what_looks_into_state_sees_what_the_script_wrote(tmp_path):
    weight = Tensor(np.arange(6.0).reshape(3, 2), name="weight")
    turned, whole = weight.detach()[::-1], weight.detach()

    @mg.compile
    def step():
        before = mg.sum(turned * mg.exp(whole))
        mg.assign(weight, weight + 1.0)
        return before

    step()
    script = script_of(step, tmp_path)
    assert len(script["state"]) == 1
    for _ in range(3):
        assert_same(outputs_of(step()), script["step"]())


WRONG_ARGUMENTS = {
    "of another type": np.ones(3, np.float32), "in another order of bytes": np.ones(3, ">f8"), "whole": np.ones(3, int),
    "of another shape": np.ones(4), "without axes": np.float64(1), "a list": [1.0, 1.0, 1.0],
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
def test_arrays_that_the_program_was_not_made_for_are_refused(wrong, tmp_path):
    """The bits of another type would be read as if they were numbers of the right one."""
    weight = Tensor(np.arange(3.0), name="weight")
    step = mg.compile(lambda x, index: mg.assign(weight, weight + mg.maximum(x, 0.0) + mg.take(x, index)))
    step(np.ones(3), np.array([1]))
    script = script_of(step, tmp_path)
    with pytest.raises(TypeError, match=r"step: argument 'x' must be an array float64 \(3,\), got "):
        script["step"](wrong, np.array([1]))
    with pytest.raises(TypeError, match="missing a required argument: 'index'"):
        script["step"](np.ones(3))
    script["step"](index=np.array([1]), x=np.ones(3))
    assert script["state"]["weight"].tolist() == [4.0, 5.0, 6.0]


def test_an_argument_that_is_the_state_of_the_script_is_read_as_it_was(tmp_path):
    weight = Tensor(np.arange(3.0), name="weight")
    step = mg.compile(lambda x: mg.assign(weight, x[::-1] * 1.0))
    step(np.ones(3))
    script = script_of(step, tmp_path)
    script["state"]["weight"][...] = [1.0, 2.0, 3.0]
    script["step"](script["state"]["weight"][:])
    assert script["state"]["weight"].tolist() == [3.0, 2.0, 1.0]


def test_run_as_a_script_it_shows_what_comes_out_from_any_folder(tmp_path):
    step, tokens, targets = training_step()
    loss = float(step(tokens, targets)["loss"])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "saved").mkdir()
    step.save_source(tmp_path / "saved" / "train.py")
    saved = (tmp_path / "saved" / "train.npz").read_bytes()
    path = str(tmp_path / "saved" / "train.py")
    code = f"import runpy\nsys.argv[1:] = ['20']\nrunpy.run_path({path!r}, run_name='__main__')"
    lines = run(code, tmp_path / "elsewhere").splitlines()
    assert [line.split()[:3] for line in lines[:4]] == [
        ["step", n, name] for n in ("1:", "20:") for name in ("loss", "norm")
    ]
    assert float(lines[2].split()[-1]) < float(lines[0].split()[-1]) < loss * 1.5
    assert lines[4].endswith("µs per step")
    assert (tmp_path / "saved" / "train.npz").read_bytes() == saved


def test_the_same_program_is_saved_as_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        step, tokens, targets = training_step()
        step(tokens, targets)
        (tmp_path / folder).mkdir()
        step.save_source(tmp_path / folder / "step.py")
    for name in ("step.py", "step.npz"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with zipfile.ZipFile(tmp_path / "one" / "step.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_script_is_the_source_of_the_program_with_what_it_needs(tmp_path):
    step = mg.compile(lambda x: mg.gelu(mg.softmax(x)))
    step(np.ones((2, 3)))
    step.save_source(tmp_path / "step.py")
    text = (tmp_path / "step.py").read_text(encoding="utf-8")
    assert step.source.removeprefix("import numpy as np\n") in text
    assert text.count("\nimport numpy as np\n") == 1
    assert "minigrad" not in text.split('"""', 2)[2]
    assert ">>>" not in text
    assert "Takes: x (2, 3) float64." in text
    assert all(len(line) <= 120 for line in text.splitlines())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step.npz", "step.py"]


def test_the_script_is_laid_out_as_it_was(tmp_path):
    """As `golden/saved_script.txt` has it, but for the source of functions, which stands in their own files.

    After a change that is meant, `MINIGRAD_UPDATE_GOLDEN=1` in the environment rewrites the file.
    """
    rng, weight = np.random.default_rng(0), Tensor(np.ones((3, 3)), name="weight")
    table = mg.constant(np.arange(9.0).reshape(3, 3))

    def function(tokens, scale):
        attended = mg.softmax(tokens @ weight + table, tokens > 0.5)
        mg.assign(weight, weight * 0.5)
        noisy = attended + mg.ops.random_normal(shape=(3, 3), generator=rng)
        noisy.name = "noisy"
        erased = mg.scaled_dot_product_attention(tokens, tokens, noisy, block=2) + mg.cross_entropy(tokens, [0, 1, 2])
        return {
            "first": noisy,
            'a "quoted"\nname': (erased, [scale * 2.0, mg.erf(tokens)]),
            3: op_of_this_module(scale),
        }

    step = mg.compile(function)
    step(np.full((3, 3), 0.75), np.array([0.25, 0.5]))
    step.save_source(tmp_path / "step.py")
    text = (tmp_path / "step.py").read_text(encoding="utf-8").replace(__name__, "the_module_of_the_test")
    for node in reversed(ast.parse(text).body):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name not in ("step", "array"):
            lines = text.splitlines(keepends=True)
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            text = "".join([*lines[: first - 1], f"<{node.name}>\n", *lines[node.end_lineno :]])
    if os.environ.get("MINIGRAD_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(text, encoding="utf-8", newline="\n")
    assert GOLDEN.read_text(encoding="utf-8") == text


def test_outputs_are_called_by_their_keys_their_names_or_their_places(tmp_path):
    def function(x):
        loss = mg.sum(x)
        loss.name = "loss"
        return loss, None, 3.0, [x * 2.0, {"key": x * 3.0, 1: (x, "text")}]

    step = mg.compile(function)
    step(np.ones(2))
    step.save_source(tmp_path / "step.py")
    text = (tmp_path / "step.py").read_text(encoding="utf-8")
    names = ast.literal_eval(text.rpartition('"arguments"), ')[2].strip()[:-1])
    assert names == ["loss", "output 3 0", "key", "x"]


@pytest.mark.parametrize("bits", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_generators_draw_on_where_they_were(bits, tmp_path):
    rng = np.random.Generator(getattr(np.random, bits)(7))
    rng.random(3, np.float32)  # an odd number of 32 bits, of which some generators keep a half
    step = mg.compile(lambda x: (x + mg.ops.random_normal(shape=(5,), generator=rng), mg.dropout(x, 0.5, rng)))
    step(np.ones(5))
    script = script_of(step, tmp_path)
    for _ in range(2):
        assert_same(script["step"](np.ones(5)), outputs_of(step(np.ones(5))))


# --- functions of the user --------------------------------------------------------------------------------------------


@pytest.fixture
def declare():
    """Put functions on record for one test."""
    before = set(mg.registry)
    yield lambda forward, **record: mg.op(formula="", **record)(forward)
    for name in set(mg.registry) - before:
        del mg.registry[name]


def halved(x, rate=RATE / 2):
    return x * rate


@functools.cache
def table(count):
    return np.arange(count) * RATE


class Pair(tuple):
    """Two numbers."""

    def total(self):
        return sum(self)


def twice(function):
    @functools.wraps(function)
    def applied(x):
        return function(function(x))

    return applied


@twice
def doubled(x):
    return x * 2


WEIGHTS, NUMBERS = np.linspace(0, 1, 3), {"a": (1, -math.inf), "b": [np.float32(0.1), slice(1, None)]}
nested = twice(lambda x: x - 1), twice(lambda x: x + 3)
PAIR = Pair((1, 2))


def everything(x, *, kind=np.float64):
    """Needs one of each.

    >>> everything.__name__
    'everything'
    """
    first, second = nested  # Ⅻ: columns count bytes
    low, high = NUMBERS["a"]
    y = doubled(halved(x.astype(kind))) + table(len(x)) + WEIGHTS + PAIR.total() + NUMBERS["b"][0]
    y = mg.where(np.maximum.reduce(y) > high, "−" and y, low) * mg.sum(y[NUMBERS["b"][1]], 0) + mg.gelu.forward(y)
    y = mg.concatenate([y[:1], y[1:]], 0) + mg.ops.reshape(mg.ops.transpose(y.reshape(1, 3)), 3, 1).reshape(3)
    return first(second(y)) + abs(max(y)) + math.prod([2, 3])


def test_a_function_of_the_user_is_imported_with_all_that_it_needs(declare, tmp_path):
    declare(everything)
    for x in (np.array([0.3, -1.0, 2.0]), np.arange(3)):
        step = mg.compile(mg.registry["everything"])
        ours = step(x)
        script = script_of(step, tmp_path)
        assert_same(script["step"](x), outputs_of(ours))
        assert script["everything"] is everything
        assert f"\nfrom {__name__} import everything\n" in (tmp_path / "step.py").read_text("utf-8")


def test_names_of_tensors_that_helpers_use_otherwise_do_not_meet(declare, tmp_path, monkeypatch, capsys):
    declare(everything)
    names = [
        "math", "max", "len", "halved", "table", "np", "builtins", "functools", "stored", "restored", "run", "WEIGHTS",
        "Path", "pathlib", "time", "sys", "json", "zip", "print", "getattr", "str", "range", "int", "tuple",
    ]  # fmt: skip
    state = [Tensor(np.full(3, 1.0 + i), requires_grad=True, name=name) for i, name in enumerate(names)]
    step = mg.compile(lambda x: mg.registry["everything"](functools.reduce(mg.multiply, state, x)))
    x = np.array([0.3, -1.0, 2.0])
    ours = step(x)
    assert_same(script_of(step, tmp_path)["step"](x), outputs_of(ours))
    monkeypatch.setattr(sys, "argv", ["step.py", "3"])
    loaded(tmp_path / "step.py", "__main__")
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()[:2]] == ["1:", "3:"]


first, second, third = lambda x: x * 2, lambda x: (lambda y: y + 1)(x), (lambda a: lambda x: a - x)(5)


def test_of_several_lambdas_in_a_line_each_is_found(declare, tmp_path):
    for i, forward in enumerate([first, second, third]):
        declare(forward, name=f"lambda_{i}", arguments=("x",))
    step = mg.compile(lambda x: [mg.registry[f"lambda_{i}"](x) for i in range(3)])
    ours = step(np.ones(2))
    assert_same(script_of(step, tmp_path)["step"](np.ones(2)), outputs_of(ours))


@mg.op(formula="x³")
def op_of_this_module(x):
    return x * x * x


del mg.registry["op_of_this_module"]


def test_an_op_is_imported_where_its_function_has_no_name_of_its_own(tmp_path):
    step = mg.compile(lambda x: op_of_this_module(x) * 2.0)
    ours = step(np.arange(3.0))
    assert_same(script_of(step, tmp_path)["step"](np.arange(3.0)), outputs_of([ours]))
    assert f"\nfrom {__name__} import op_of_this_module\n" in (tmp_path / "step.py").read_text("utf-8")


def test_a_parameter_that_is_no_plain_value_is_written_down(tmp_path):
    step = mg.compile(lambda x, values, i: mg.set_at(x, (slice(1, None), i), values))
    given = np.zeros((3, 2), int), np.array([7, 8]), np.array([1, 0])
    ours = step(*given)
    assert_same(script_of(step, tmp_path)["step"](*given), outputs_of(ours))


def test_a_script_does_not_hide_what_it_imports(tmp_path):
    step = mg.compile(lambda x: op_of_this_module(x) * 2.0)
    step(np.ones(2))
    own = __name__.partition(".")[0]
    with pytest.raises(ValueError, match=rf"save_source: {own}\.py hides the module {own}, which it imports"):
        step.save_source(tmp_path / f"{own}.py")
    assert not list(tmp_path.iterdir())


def test_a_function_of_no_module_is_refused(declare, tmp_path):
    space = {}
    exec("def cubed(x):\n    return x ** 3", space)
    declare(space["cubed"])
    step = mg.compile(mg.registry["cubed"])
    step(np.ones(3))
    with pytest.raises(mg.GraphError, match=r"save_source: cubed, .* has no name in the module builtins .*define it"):
        step.save_source(tmp_path / "step.py")
    assert not list(tmp_path.iterdir())


def test_a_function_that_no_name_stands_for_is_refused(declare, tmp_path):
    handle = object()
    declare(lambda x: (x, handle)[0], name="held", arguments=("x",))
    step = mg.compile(mg.registry["held"])
    step(np.ones(3))
    with pytest.raises(mg.GraphError, match=r"save_source: held, .* has no name in the module"):
        step.save_source(tmp_path / "step.py")


def test_a_function_of_a_script_or_a_prompt_is_refused(declare, monkeypatch, tmp_path):
    monkeypatch.setattr(halved, "__module__", "__main__")
    declare(halved)
    step = mg.compile(lambda x: mg.registry["halved"](x, 0.25))
    step(np.ones(3))
    with pytest.raises(mg.GraphError, match=r"save_source: halved, .* lives in __main__.*define it in a module"):
        step.save_source(tmp_path / "step.py")


# --- what scripts carry -----------------------------------------------------------------------------------------------

FAMILIES = [path.stem for path in Path(kernels.__file__).parent.glob("*.py") if path.stem != "__init__"]
KERNELS = [kernels, *(importlib.import_module(f"{kernels.__name__}.{family}") for family in FAMILIES)]


def test_no_two_names_of_kernels_mean_two_things():
    meanings = {}
    for module in KERNELS:
        for name, value in vars(module).items():
            if not name.startswith("__") and not isinstance(value, types.ModuleType):
                assert meanings.setdefault(name, value) is value, name


@pytest.mark.parametrize("module", KERNELS, ids=lambda module: module.__name__)
def test_every_kernel_can_be_carried_and_stands_alone(module):
    own = [value for value in vars(module).values() if is_kernel(value) and value.__module__ == module.__name__]
    assert own
    for kernel in own:
        carried = carry([kernel])
        text = "\n".join(
            ["from __future__ import annotations", "import numpy as np", *carried.imports, *carried.definitions]
        )
        assert "minigrad" not in "".join(carried.imports)
        space = {}
        exec(compile(text, kernel.__name__, "exec"), space)
        assert space[kernel.__name__].__doc__ == kernel.__doc__


# --- where it is written ----------------------------------------------------------------------------------------------


@pytest.fixture
def doubling():
    step = mg.compile(lambda x: x * 2.0)
    step(np.ones(3))
    return step


def test_a_folder_that_is_missing_is_named(doubling, tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        doubling.save_source(tmp_path / "missing" / "step.py")


@pytest.mark.parametrize("name", ["step", "step.npz", "step.txt"])
def test_a_name_of_another_kind_is_refused(doubling, name, tmp_path):
    with pytest.raises(ValueError, match=rf"ends in .py, got '.*{name}'"):
        doubling.save_source(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_program_that_has_not_run_is_refused(tmp_path):
    step = mg.compile(lambda x: mg.embedding(np.ones((2, 2)), x))
    with pytest.raises(mg.GraphError, match="before the first call"):
        step.save_source(tmp_path / "step.py")


def test_a_program_whose_first_call_was_refused_has_no_arguments_to_save(tmp_path):
    weight = Tensor([1.0, 2.0], requires_grad=True)
    step = mg.compile(lambda x: mg.grad(mg.sum(weight * x), weight))
    with pytest.raises(mg.GraphError, match="that path would be lost"):
        step(weight * 2.0)
    with pytest.raises(mg.GraphError, match="save_source: the program has not run yet; call the compiled function"):
        step.save_source(tmp_path / "step.py")


def test_a_generator_that_the_script_could_not_make_again_is_refused(tmp_path):
    class Own(np.random.PCG64):
        pass

    step = mg.compile(lambda x: mg.dropout(x, 0.5, np.random.Generator(Own(0))))
    step(np.ones(3))
    with pytest.raises(mg.GraphError, match="save_source: Own is no bit generator of NumPy"):
        step.save_source(tmp_path / "step.py")


@pytest.mark.parametrize("name", ["numpy", "json", "random"])
def test_a_script_does_not_hide_what_numpy_imports(doubling, name, tmp_path):
    with pytest.raises(ValueError, match=rf"save_source: a script called {name}\.py hides the module {name}; choose"):
        doubling.save_source(tmp_path / f"{name}.py")
    assert not list(tmp_path.iterdir())


def test_path_may_be_text(doubling, tmp_path):
    doubling.save_source(str(tmp_path / "step.py"))
    (output,) = loaded(tmp_path / "step.py")["step"](np.array([1.0, 2.0, 3.0]))
    assert output.tolist() == [2.0, 4.0, 6.0]
