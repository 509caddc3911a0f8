"""PyTorch modules as graphs: they run as PyTorch does, belong to their modules, and say what PyTorch refuses."""

import re
import sys

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch", reason="PyTorch is not installed: python -m pip install torch==2.13.0")
nn, functional = torch.nn, torch.nn.functional
leaves = torch.utils._pytree.tree_leaves
WIDTH, HEADS = 8, 2
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of what PyTorch uses inside of itself


@pytest.fixture(autouse=True)
def _same_numbers():
    torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(x + self.norm2(self.second(self.act(self.norm1(self.first(x))))))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4)
        self.pool, self.blocks = nn.MaxPool2d(2), nn.Sequential(Block(4), Block(4))
        self.average, self.classify = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 5)

    def forward(self, x):
        x = self.blocks(self.pool(functional.relu(self.norm(self.stem(x)))))
        return self.classify(torch.flatten(self.average(x), 1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(3, 4, 2, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        states, (last, _) = self.lstm(x)
        return {"states": self.out(states), "last": last}


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerDecoderLayer(WIDTH, HEADS, 16, batch_first=True)

    def forward(self, target, memory):
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1], dtype=target.dtype)
        return self.layer(target, memory, tgt_mask=mask, tgt_is_causal=True)


class Classifier(nn.Module):
    """A module that returns its loss, as a training step has it."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Embedding(10, 6), nn.LayerNorm(6), nn.Linear(6, 6), nn.GELU(), nn.Linear(6, 10))

    def forward(self, tokens, targets):
        return functional.cross_entropy(self.body(tokens).flatten(0, 1), targets.flatten())


def encoder(layers):
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 16, batch_first=True)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).eval()


def floats(*shape):
    return torch.randn(*shape, dtype=torch.float64)


MODELS = {  # a module and its inputs
    "encoder of 2 layers": lambda: (encoder(2), [floats(2, 5, WIDTH)]),
    "encoder of 6 layers": lambda: (encoder(6), [floats(2, 5, WIDTH)]),
    "decoder layer": lambda: (Decoder().eval(), [floats(2, 5, WIDTH), floats(2, 7, WIDTH)]),
    "residual network in training": lambda: (Residual(), [floats(2, 3, 16, 16)]),
    "residual network in evaluation": lambda: (Residual().eval(), [floats(2, 3, 16, 16)]),
    "LSTM": lambda: (Recurrent(), [floats(2, 5, 3)]),
    "loss": lambda: (Classifier(), [torch.randint(0, 10, (3, 4)), torch.randint(0, 10, (3, 4))]),
}
PYTORCHS = {  # what no row says
    "aten.max_pool2d_with_indices", "aten.max_pool2d_with_indices_backward", "aten.nll_loss_forward",
    "aten.nll_loss_backward",
}  # fmt: skip


def model(name):
    module, inputs = MODELS[name]()
    return module.double(), inputs


def assert_same(results, expected, within=1e-12):
    results, expected = leaves(results), leaves(expected)
    assert len(results) == len(expected)
    for ours, theirs in zip(results, expected, strict=True):
        theirs = theirs.numpy(force=True)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=within)


def foreign_ops(graph):
    return {node.op for node in graph if "." in (node.op or "")}


# --- whole models -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_a_model_runs_as_pytorch_runs_it(name):
    module, inputs = model(name)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    graph = mg.from_torch(module, *inputs)
    assert_same({key: value.numpy() for key, value in module.state_dict().items()}, before, within=0)
    results = graph.run(*(x.numpy() for x in inputs))
    written = {key: value.numpy().copy() for key, value in module.state_dict().items()}
    module.load_state_dict(before)
    expected = module(*inputs)
    assert_same(results, expected)
    assert_same(written, dict(module.state_dict()))
    assert foreign_ops(graph) <= PYTORCHS


@pytest.mark.parametrize("name", MODELS)
def test_the_gradients_are_those_of_pytorch(name):
    module, inputs = model(name)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with torch.no_grad():  # in which the reader is not
        graph = mg.from_torch(module, *inputs, gradients=True)
    assert_same({key: value.numpy() for key, value in module.state_dict().items()}, before, within=0)
    expected = module(*inputs)
    incoming = [torch.randn_like(x) for x in leaves(expected)] if name != "loss" else []
    parameters = dict(module.named_parameters())
    theirs = torch.autograd.grad(leaves(expected), list(parameters.values()), incoming or None)
    module.load_state_dict(before)
    results, gradients = graph.run(*(x.numpy() for x in (*inputs, *incoming)))
    assert_same(results, expected)
    assert gradients.keys() == parameters.keys()
    assert_same(gradients, dict(zip(parameters, theirs, strict=True)))
    assert foreign_ops(graph) <= PYTORCHS


def test_a_program_decomposed_to_core_aten_is_read_too():
    module, inputs = model("encoder of 2 layers")
    exported = torch.export.export(module, tuple(inputs)).run_decompositions()
    graph = mg.from_torch(exported)
    assert_same(graph.run(inputs[0].numpy()), module(*inputs))
    assert not foreign_ops(graph)
    assert len(graph) > len(mg.from_torch(module, *inputs))


@pytest.mark.parametrize("gradients", [False, True])
def test_every_reader_reads_it(gradients, tmp_path):
    module, inputs = model("residual network in training")
    graph = mg.from_torch(module, *inputs, gradients=gradients, values=True)
    assert len(str(graph).splitlines()) == len(graph) + len(graph.updates) + 1
    assert len(graph.updates) == 3 * 5  # mean, variance and count of each norm
    assert re.search(rf"\b{len(list(module.parameters()))} parameter\b", str(graph.stats()))
    assert graph.stats().orders.keys() == ({0, 1} if gradients else {0})
    assert graph.cost().by_op["matmul"].nodes >= 5 * (3 if gradients else 1)  # of convolutions
    part = graph.between("x", "norm/sqrt")
    assert {node.scope for node in part if node.op} == {"stem", "norm"}
    assert str(graph.diff(mg.from_torch(module, *inputs, gradients=gradients))) == "no difference"
    assert "num_batches_tracked" in str(graph.diff(mg.from_torch(module.eval(), *inputs, gradients=gradients)))
    pictures = []
    for theme in ("light", "dark"):
        graph.draw(tmp_path / f"{theme}.svg", theme=theme, values=True)
        pictures.append((tmp_path / f"{theme}.svg").read_text("utf-8"))
    assert all(name in text for text in pictures for name in ("stem", "blocks", "classify"))
    assert pictures[0] != pictures[1]
    graph.explore(tmp_path / "page.html")
    assert "stem" in (tmp_path / "page.html").read_text("utf-8")
    assert all(name in graph.mermaid(depth=1) for name in ("stem", "blocks", "classify"))


# --- what is in the graph ---------------------------------------------------------------------------------------------


def test_modules_are_scopes_and_parameters_have_their_paths_and_values():
    module, inputs = model("encoder of 2 layers")
    graph = mg.from_torch(module, *inputs)
    parameters = {node.path: node for node in graph if node.role == "parameter"}
    assert {path.replace("/", ".") for path in parameters} == {name for name, _ in module.named_parameters()}
    for name, parameter in module.named_parameters():
        np.testing.assert_array_equal(parameters[name.replace(".", "/")].value, parameter.numpy(force=True))
    assert graph.find("layers/1/self_attn/softmax").shape == (2, HEADS, 5, 5)
    assert [node.name for node in graph.inputs] == ["src"]


def test_values_are_those_of_the_inputs():
    module, (x,) = model("encoder of 2 layers")
    graph = mg.from_torch(module, x, values=True)
    assert all(node.value is not None for node in graph)
    np.testing.assert_allclose(graph.outputs[0].value, module(x).numpy(force=True), rtol=0, atol=1e-12)
    assert all(node.value is None for node in mg.from_torch(module, x) if node.op or node.role == "input")


def test_the_weights_are_the_modules_own():
    """What is trained later is what the graph computes with, as with the live Tensors of a graph of minigrad."""
    module = nn.Linear(3, 2).double()
    x = floats(4, 3)
    graph = mg.from_torch(module, x)
    with torch.no_grad():
        module.weight += 1
    assert_same(graph.run(x.numpy()), module(x))


def test_orders_are_those_of_the_passes_and_no_purpose_is_invented():
    module, inputs = model("loss")
    graph = mg.from_torch(module, *inputs, gradients=True)
    forward = mg.from_torch(module, *inputs)
    assert {node.order for node in graph} == {0, 1}
    assert {node.order for node in forward} == {0}
    assert all(node.origin is None and not node.purpose for node in graph)
    assert " for ∂" not in str(graph)
    backward = [node for node in graph if node.op and node.order == 1]
    assert {node.scope.split("/")[0] for node in backward} <= {"", "body"}
    assert graph.find("body/4/∂output/∂weight").order == 1
    (start,) = [node for node in graph if node.role == "cotangent"]
    assert start.value == 1.0
    assert start.name == "∂output"


def test_what_is_not_a_number_has_what_flows_back_as_an_input():
    module, inputs = model("LSTM")
    graph = mg.from_torch(module, *inputs, gradients=True)
    assert [node.name for node in graph.inputs] == ["x", "∂output1", "∂output2"]


def test_inputs_that_require_a_gradient_have_one_and_frozen_parameters_have_none():
    module = nn.Linear(3, 2).double()
    module.bias.requires_grad_(False)
    x = floats(4, 3).requires_grad_()
    graph = mg.from_torch(module, x, gradients=True)
    assert graph.find("bias").role == "constant"
    _, gradients = graph.run(x.detach().numpy(), np.ones((4, 2)))
    assert gradients.keys() == {"weight", "input"}
    np.testing.assert_allclose(gradients["input"], np.ones((4, 2)) @ module.weight.numpy(force=True), atol=1e-12)


def test_a_parameter_that_nothing_depends_on_has_no_gradient():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.used(x).sum()

    _, gradients = mg.from_torch(Half(), torch.ones(1, 2), gradients=True).run(np.ones((1, 2), np.float32))
    assert gradients["unused.weight"] is None
    assert gradients["used.weight"].shape == (2, 2)


def test_a_tied_weight_is_one_parameter():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.head = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
            self.head.weight = self.tokens.weight

        def forward(self, x):
            return self.head(self.tokens(x)).square().sum()

    module, x = Tied().double(), torch.tensor([0, 3, 3])
    graph = mg.from_torch(module, x, gradients=True)
    assert len([node for node in graph if node.role == "parameter"]) == 1
    module(x).backward()
    _, gradients = graph.run(x.numpy())
    assert_same(gradients, {"tokens.weight": module.tokens.weight.grad})


# --- foreign operations -----------------------------------------------------------------------------------------------


def test_several_results_are_of_one_evaluation_and_have_a_node_each_if_used():
    class Largest(nn.Module):
        def forward(self, x):
            values, places = torch.topk(x, 2)
            least, _ = torch.sort(x)
            return values, places, least[0]

    x = floats(3, 5)
    graph = mg.from_torch(Largest(), x)
    assert [node.op for node in graph if node.op] == ["aten.topk", "aten.topk", "aten.sort", "getitem"]
    assert_same(graph.run(x.numpy()), Largest()(x))
    assert graph.find_all("aten.topk")[0].expression == "aten.topk(%0, result=0, k=2)"


def test_dropout_in_training_is_a_random_draw_of_pytorch():
    module = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    graph = mg.from_torch(module, torch.ones(50, 3))
    assert [node.op for node in graph.effects] == ["aten.native_dropout"]
    assert graph.effects[0].role == "random"
    assert graph.effects[0].scope == "1"
    x = np.ones((50, 3), np.float32)
    torch.manual_seed(3)
    first = graph.run(x)
    torch.manual_seed(3)
    np.testing.assert_array_equal(graph.run(x), first)
    assert (graph.run(x) != first).any()
    whole = mg.from_torch(module.eval(), torch.ones(50, 3)).run(x)
    assert set(np.unique(np.isclose(first, whole * 2) | (first == 0))) == {True}
    assert 0.3 < (first == 0).mean() < 0.7


@pytest.mark.parametrize("gradients", [False, True])
def test_the_weights_of_attention_are_seen_before_and_after_dropout(gradients):
    module, (x,) = model("encoder of 2 layers")
    graph = mg.from_torch(module.train(), x, gradients=gradients)
    for layer in "01":
        weights = graph.find(f"layers/{layer}/self_attn/softmax")
        dropped = graph.find(f"layers/{layer}/self_attn/aten.native_dropout") if not gradients else None
        assert weights.shape[-2:] == (5, 5)
        assert dropped is None or dropped.inputs == (weights,)
    assert {node.op for node in graph.effects} <= {"aten.native_dropout", "aten.bernoulli"}
    first, second = (graph.run(x.numpy(), *[np.ones(x.shape)] * gradients) for _ in range(2))
    assert not np.array_equal(leaves(first)[0], leaves(second)[0])


def test_arrows_to_foreign_operations_say_what_pytorch_calls_their_operands():
    graph = mg.from_torch(nn.ConvTranspose1d(2, 3, 1).double(), floats(1, 2, 4))
    node = graph.find("aten.conv_transpose1d")
    assert [node.function.argument(position) for position in range(3)] == ["input", "weight", "bias"]


def test_an_operation_that_depends_on_how_its_operand_lies_in_memory_has_it_so():
    class Strided(nn.Module):
        def forward(self, x):
            return x.t().as_strided((2, 3), (1, 2)), x.t() + 1

    x = floats(4, 5).requires_grad_()
    graph = mg.from_torch(Strided(), x)
    assert_same(graph.run(x), Strided()(x))
    # PyTorch's derivative writes through views of one memory, which arrays of a graph do not share.
    graph, incoming = mg.from_torch(Strided(), x, gradients=True), [floats(2, 3), floats(5, 4)]
    assert_same(graph.run(x, incoming)[1], torch.autograd.grad(Strided()(x), x, incoming))
    assert not {op for op in foreign_ops(graph) if op.endswith("_")}


def test_dropout_of_both_passes_is_one_draw():
    module = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)).double()
    graph = mg.from_torch(module, floats(50, 3), gradients=True)
    x, g = np.ones((50, 3)), np.ones((50, 3))
    result, gradients = graph.run(x, g)
    np.testing.assert_allclose(gradients["0.bias"], 2.0 * (result != 0).sum(0))


def test_constants_are_computed_once():
    class Positions(nn.Module):
        def forward(self, x):
            return x + torch.arange(x.shape[-1], dtype=x.dtype) * torch.tensor([2.0, 3.0], dtype=x.dtype)

    x = floats(4, 2)
    graph = mg.from_torch(Positions(), x)
    assert_same(graph.run(x.numpy()), Positions()(x))
    assert {node.role for node in graph if not node.op} == {"input", "constant"}
    assert [node.op for node in graph if node.op] == ["add"]


def test_a_condition_is_a_foreign_operation():
    class Choice(nn.Module):
        def forward(self, x):
            return torch.cond(x.sum() > 0, lambda x: x * 2, lambda x: x - 1, (x,))

    graph = mg.from_torch(Choice(), floats(3))
    for x in (torch.ones(3).double(), -torch.ones(3).double()):
        assert_same(graph.run(x.numpy()), Choice()(x))


def test_what_runs_without_gradients_is_read_into_the_same_graph():
    class Scaled(nn.Module):
        def forward(self, x):
            with torch.no_grad():
                scale = x.abs().amax()
            return x / scale

    x = floats(4)
    graph = mg.from_torch(Scaled(), x)
    assert_same(graph.run(x.numpy()), Scaled()(x))


# --- how it is asked for ----------------------------------------------------------------------------------------------


def test_run_takes_tensors_of_pytorch_and_structures():
    class Sum(nn.Module):
        def forward(self, pair, *, scale, times=2, note=None):
            return {"sum": (pair[0] + pair[1]) * scale * times, "note": note, "parts": [pair[0], 3]}

    x, y, scale = floats(3).requires_grad_(), floats(3), floats(())
    graph = mg.from_torch(Sum(), (x, y), scale=scale)
    result = graph.run((x, y), scale)
    assert_same(result["sum"], Sum()((x, y), scale=scale)["sum"])
    assert result.keys() == {"sum", "note", "parts"}
    assert result["note"] is None
    assert result["parts"][1] == 3
    with pytest.raises(ValueError, match="run takes"):
        graph.run(x.detach().numpy())


def test_arrays_and_tensors_stand_for_inputs():
    module = nn.Linear(3, 2)
    x = np.ones((4, 3), np.float32)
    for given in (x, mg.Tensor(x)):
        assert mg.from_torch(module, given).inputs[0].shape == (4, 3)


def test_sizes_that_vary_are_read_as_the_program_was_given_them():
    x = torch.ones(4, 3)
    exported = torch.export.export(nn.Linear(3, 2), (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    assert mg.from_torch(exported).inputs[0].shape == (4, 3)
    assert mg.from_torch(exported, torch.ones(7, 3)).inputs[0].shape == (7, 3)


def test_scopes_and_paths_stay_where_sizes_vary():
    module, x = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), torch.ones(4, 3)
    exported = torch.export.export(module, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    assert str(mg.from_torch(exported)) == str(mg.from_torch(module, x))


def test_inputs_by_name_come_in_any_order():
    class Ratio(nn.Module):
        def forward(self, x, *, above, below):
            return x * above / below

    x, above, below = floats(3), floats(3), floats(3)
    exported = torch.export.export(Ratio(), (x,), {"above": above, "below": below})
    graph = mg.from_torch(exported, x, below=below, above=above, values=True)
    assert [node.name for node in graph.inputs] == ["x", "above", "below"]
    assert_same(graph.outputs[0].value, Ratio()(x, above=above, below=below))


@pytest.mark.parametrize("inputs", [[floats(4, 2)], [floats(4, 3), floats(4, 3)], [torch.ones(4, 3)], [3.0]])
def test_inputs_for_which_a_program_was_not_exported_are_refused(inputs):
    exported = torch.export.export(nn.Linear(3, 2).double(), (floats(4, 3),))
    with pytest.raises(ValueError, match=r"was exported for \(input: \(4, 3\) torch.float64\)"):
        mg.from_torch(exported, *inputs)


def test_a_program_that_is_saved_and_loaded_is_the_same(tmp_path):
    module, (x,) = model("encoder of 2 layers")
    torch.export.save(torch.export.export(module, (x,)), tmp_path / "program.pt2")
    graph = mg.from_torch(torch.export.load(tmp_path / "program.pt2"))
    assert str(graph) == str(mg.from_torch(module, x))


# --- refusals ---------------------------------------------------------------------------------------------------------


class Undecided(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Broken(nn.Module):
    def forward(self, x):
        return x @ x


class Selected(nn.Module):
    def forward(self, x):
        return x[x > 0]


class Read(nn.Module):
    def forward(self, x):
        return x * x.sum().item()


@pytest.mark.parametrize(
    ("module", "inputs", "says"),
    [
        (Undecided(), [floats(3)], r"torch.export cannot trace Undecided: \w+: .*[Dd]ata-dependent"),
        (Broken(), [floats(2, 3)], "torch.export cannot trace Broken: "),
        (Selected(), [floats(3)], "aten.index is of a shape that depends on values"),
        (nn.Linear(3, 2).bfloat16(), [torch.ones(1, 3).bfloat16()], r"torch.bfloat16, .*as by module.float\(\)"),
    ],
    ids=lambda x: type(x).__name__,
)  # fmt: skip
def test_what_pytorch_refuses_is_refused_in_one_line(module, inputs, says):
    with pytest.raises(mg.CaptureError, match=says) as caught:
        mg.from_torch(module, *inputs)
    assert "\n" not in str(caught.value)


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match=r"expected a torch.nn.Module .* got function"):
        mg.from_torch(lambda x: x, floats(3))


def test_gradients_of_nothing_are_refused():
    with pytest.raises(mg.GraphError, match="nothing that requires a gradient"):
        mg.from_torch(nn.ReLU(), floats(3), gradients=True)


def test_without_pytorch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match="minigrad's extra `torch`: python -m pip install torch"):
        mg.from_torch(object())


class Windows(torch.nn.Module):
    """Returns windows of a buffer, and adds to it afterwards."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.arange(4.0))

    def forward(self, x):
        windows = self.seen.unfold(0, 2, 1)
        before = windows.clone()
        self.seen.add_(x)
        return before, self.seen.clone().unfold(0, 2, 1)


def test_results_do_not_look_into_buffers_that_are_written():
    graph = mg.from_torch(Windows(), torch.ones(4))
    expected = [x.numpy() for x in Windows()(torch.ones(4))]
    for result, right in zip(graph.run(np.ones(4, np.float32)), expected, strict=True):
        assert np.array_equal(result, right)


class Mixture(nn.Module):
    def forward(self, parts, x, *, scale):
        return parts["weight"] * x * scale - parts["rest"]["bias"]


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("names", [("weight", "rest"), ("rest", "weight")])
def test_dictionaries_are_taken_by_their_keys(gradients, names):
    a, b, x, g = (torch.tensor([number, number + 1.0]) for number in (2.0, 30.0, 500.0, 1.0))
    parts = {"weight": a.clone().requires_grad_(gradients), "rest": {"flag": None, "bias": b}}
    graph = mg.from_torch(Mixture(), parts, x, scale=torch.tensor(7.0), gradients=gradients)
    given = {name: {"weight": a, "rest": {"bias": b}}[name] for name in names}
    results = graph.run(given, x, torch.tensor(7.0), *([g] if gradients else []))
    output, gradient = (results[0], next(iter(results[1].values()))) if gradients else (results, g * x * 7.0)
    np.testing.assert_array_equal(output, a * x * 7.0 - b)
    np.testing.assert_array_equal(gradient, g * x * 7.0)
    with pytest.raises(ValueError, match=r"expected a dictionary with the keys \['weight', 'rest'\], got one with the"):
        graph.run({"weight": a, "bias": b}, x, torch.tensor(7.0), *([g] if gradients else []))
