"""Every row of the table of habits is true: what PyTorch has raises here and names ours, and ours works."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, linalg, nn, optim
from minigrad.wording import habits
from minigrad.wording.habits import TABLES

ROWS = [(place, habit) for place, table in TABLES.items() for habit in table]
each_row = pytest.mark.parametrize(("place", "habit"), ROWS, ids=[f"{place}-{habit.name}" for place, habit in ROWS])


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the code in the rows is about; rows that write a file do it in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x, y, p = (Tensor(rng.random((2, 3)) + 0.5, requires_grad=True) for _ in range(3))
    w = Tensor(rng.standard_normal((3, 2)), requires_grad=True)
    model = nn.Linear(3, 2, rng=rng, dtype=np.float64)
    mg.save_checkpoint("x.safetensors", model)
    return {
        "mg": mg, "np": np, "linalg": linalg, "nn": nn, "optim": optim, "rng": rng, "x": x, "y": y, "w": w, "p": p,
        "loss": (x * x).sum(), "a": np.ones((2, 3)), "tokens": Tensor(np.ones((2, 5, 8), np.float32)),
        "allowed": np.ones((5, 5), bool), "chosen": x.numpy() > 1, "places": np.array([[0, 2], [1, 0]]),
        "model": model, "attention": nn.MultiHeadAttention(8, 2, rng=rng),
        "block": nn.TransformerBlock(8, 2, rng=rng), "optimiser": optim.SGD([w], rate=0.1),
    }  # fmt: skip


@each_row
def test_what_pytorch_has_raises_and_names_ours(place, habit, names):
    error = TypeError if place == "argument" else AttributeError
    with pytest.raises(error) as caught:
        exec(habit.there, names)
    message = str(caught.value)
    assert habit.name in message
    if habit.ours:
        named = [name for name in habit.ours if f"`{name}` here" in message]
        assert len(named) == 1
    elif place == "argument":
        assert f"PyTorch's `{habit.name}` has no place here: {habit.why}" in message
    else:
        assert f"write `{habit.here}`" in message
    assert habit.why in message


OTHERWISE_AS_A_FUNCTION = {habit.name for habit in habits.MINIGRAD} | set(dir(mg))


@pytest.mark.parametrize("habit", habits.TENSOR, ids=lambda habit: habit.name)
def test_a_function_that_is_missing_is_told_what_its_method_is(habit):
    if habit.name not in OTHERWISE_AS_A_FUNCTION:
        with pytest.raises(AttributeError) as caught:
            getattr(mg, habit.name)
        there, here = f"PyTorch's `{habit.there}`", f"write `{habit.here}`"
        assert str(caught.value).startswith(f"minigrad has no attribute '{habit.name}': for {there} {here}")


@each_row
def test_what_to_write_instead_works(place, habit, names):
    exec(habit.here, names)
    assert habit.there != habit.here


@pytest.mark.parametrize("place", TABLES)
def test_a_habit_is_listed_once(place):
    listed = [habit.name for habit in TABLES[place]]
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    ("owner", "place"),
    [
        (Tensor([1.0]), "Tensor"), (nn.RMSNorm(2), "Module"),
        (optim.SGD([Tensor(1.0, requires_grad=True)], 0.1), "Optimiser"),
        (mg, "minigrad"), (linalg, "minigrad.linalg"), (nn, "minigrad.nn"), (optim, "minigrad.optim"),
    ],
)  # fmt: skip
def test_hasattr_and_getattr_work_as_ever(owner, place):
    for name in (TABLES[place][0].name, "no_such_thing"):
        assert not hasattr(owner, name)
        assert getattr(owner, name, 3) == 3
    with pytest.raises(AttributeError, match=r"has no attribute 'no_such_thing'$") as caught:
        owner.no_such_thing
    assert (caught.value.name, caught.value.obj) == ("no_such_thing", owner)


def test_a_habit_that_has_no_place_in_the_function_is_not_mentioned():
    with pytest.raises(TypeError, match=r"exp: argument dim is not supported; it takes \(x\)$"):
        mg.exp(Tensor(1.0), dim=0)
    assert habits.find_argument_hints(["nonsense"], {"x"}) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda: mg.var(Tensor([1.0]), nonsense=1), lambda: mg.sum(Tensor([1.0]), nonsense=1),
        lambda: nn.Linear(2, 3, rng=np.random.default_rng(0), nonsense=1),
        lambda: nn.RMSNorm(2)(Tensor([1.0]), nonsense=1),
        lambda: optim.Adam([Tensor(1.0, requires_grad=True)], nonsense=1),
        lambda: mg.grad(Tensor(1.0), Tensor(1.0), nonsense=1), lambda: Tensor(1.0).backward(nonsense=1),
        lambda: nn.RMSNorm(2).zero_grad(nonsense=1),
        lambda: nn.Decoder(1, 8, 2, rng=np.random.default_rng(0), nonsense=1),
    ],
)  # fmt: skip
def test_E9_every_function_refuses_an_unknown_argument_in_the_same_words(call):
    with pytest.raises(TypeError, match=r"^\w+: argument nonsense is not supported; it takes \(.*\)$"):
        call()
