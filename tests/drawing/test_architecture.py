"""Architectures: which boxes and arrows a model has, where they stand, and what every file of them shows."""

import importlib.util
import itertools
import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.drawing.architecture import draw_architecture
from minigrad.drawing.architecture_layout import Layout, find_columns
from minigrad.drawing.architecture_names import MODULES, OF_WINDOWS, OPERATIONS, WINDOWS
from minigrad.drawing.architecture_sheet import BETWEEN, FILLS, _Painter
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.sheet import Ellipse, Rectangle, Text, walk_elements

RNG = np.random.default_rng(0)
TOKENS = np.array([[1, 2, 3]])
VECTORS = np.ones((3, 8), np.float32)


def load_example(name):
    specification = importlib.util.spec_from_file_location(name, Path("examples") / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def make_transformer(norm="post", layers=2):
    return load_example("transformer").Transformer(20, 8, 2, layers, norm, RNG)


class Chain(nn.Module):
    """Modules one after the other, with what `between` does to what each returns."""

    def __init__(self, *layers, between=lambda x: x):
        self.layers, self._between = list(layers), between

    def forward(self, x):
        for layer in self.layers:
            x = self._between(layer(x))
        return x


class Gated(nn.Module):
    def __init__(self):
        self.norm, self.gate, self.up = nn.RMSNorm(8), new_linear(8, 16), new_linear(8, 16)
        self.down = new_linear(16, 8)

    def forward(self, x):
        y = self.norm(x)
        return x + self.down(mg.silu(self.gate(y)) * self.up(y))


class Towers(nn.Module):
    def __init__(self):
        self.image, self.text = (nn.Encoder(2, 8, 2, rng=RNG) for _ in range(2))
        self.readout = new_linear(16, 2)

    def forward(self, image, text):
        return self.readout(mg.concatenate([self.image(image), self.text(text)], axis=-1))


class Hourglass(nn.Module):
    def __init__(self):
        self.down, self.up = [new_linear(8, 8) for _ in range(3)], [new_linear(16, 8) for _ in range(3)]

    def forward(self, x):
        kept = []
        for layer in self.down:
            kept.append(x)
            x = mg.relu(layer(x))
        for layer in self.up:
            x = layer(mg.concatenate([x, kept.pop()], axis=-1))
        return x


class Attentive(nn.Module):
    """Attention written by hand, with a place for a first token, and two results."""

    def __init__(self):
        self.first = mg.Tensor(np.ones((1, 8), np.float32), requires_grad=True, name="first token")
        self.query, self.key, self.value = (new_linear(8, 8) for _ in range(3))
        self.left, self.right = new_linear(8, 2), new_linear(8, 3)

    def forward(self, x):
        x = mg.concatenate([self.first, x], axis=0)
        weights = mg.softmax(self.query(x) @ mg.transpose(self.key(x)))
        x = weights @ self.value(x)
        return self.left(x), self.right(x)


class Stage(nn.Module):
    def __init__(self):
        self.blocks, self.mix = [Gated() for _ in range(3)], new_linear(8, 8)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return mg.tanh(self.mix(x))


class Recurrent(nn.Module):
    def __init__(self):
        self.embedding, self.enter, self.again = nn.Embedding(9, 8, RNG), new_linear(8, 8), new_linear(8, 8)

    def forward(self, tokens):
        entered = self.enter(self.embedding(tokens))
        state = mg.zeros_like(entered[:, 0])
        for place in range(tokens.shape[1]):
            state = mg.tanh(entered[:, place] + self.again(state))
        return state


class Tangle(nn.Module):
    """Any data flow: each step takes what any of the steps before has made."""

    def __init__(self, seed):
        self.seed = seed
        self.layers = [new_linear(8, 8) for _ in range(8)]
        self.attentions = [nn.MultiHeadAttention(8, 2, rng=RNG) for _ in range(8)]

    def forward(self, x, y):
        rng, values = np.random.default_rng(self.seed), [x, y]
        for layer, attention in zip(self.layers, self.attentions, strict=True):
            first, second = values[-1], values[rng.integers(len(values))]
            steps = (lambda a, b: a + b, attention, lambda a, b: mg.relu(a) * b, lambda a, b, layer=layer: layer(b))
            values.append(steps[rng.integers(4)](first, second))
        return values[-1] + self.layers[0](values[rng.integers(len(values))])


def new_linear(inputs, outputs):
    return nn.Linear(inputs, outputs, rng=RNG)


MODELS = {
    "transformer": (make_transformer, (TOKENS, TOKENS)),
    "norms before": (lambda: make_transformer("pre"), (TOKENS, TOKENS)),
    "language model": (lambda: nn.LanguageModel(9, 8, 2, layers=12, context=4, rng=RNG), (TOKENS,)),
    "decoder": (lambda: nn.Decoder(2, 8, 2, cross=True, rng=RNG), (VECTORS[None], VECTORS[None])),
    "chain": (lambda: Chain(*(new_linear(8, 8) for _ in range(4)), between=mg.relu), (VECTORS,)),
    "deep": (lambda: Chain(*(new_linear(8, 8) for _ in range(30)), between=mg.relu), (VECTORS,)),
    "gated": (lambda: Chain(*(Gated() for _ in range(3))), (VECTORS,)),
    "stages": (lambda: Chain(*(Stage() for _ in range(4))), (VECTORS,)),
    "towers": (Towers, (VECTORS, VECTORS)),
    "hourglass": (Hourglass, (VECTORS,)),
    "attentive": (Attentive, (VECTORS,)),
    "recurrent": (Recurrent, (np.zeros((1, 40), int),)),
}
each_model = pytest.mark.parametrize("name", MODELS)
both_ways = pytest.mark.parametrize("rightwards", [False, True])


def draw(name, **options):
    make, arguments = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of small letters
        return draw_architecture(make(), *arguments, **options)


def list_boxes(architecture):
    """(title, titles of what enters), each as often as arrows do, in order."""
    titles = {part.number: part.title for part in architecture.parts}
    return [
        (part.title, [titles[source] for source, arrows in part.sources.items() for _ in range(arrows)])
        for part in architecture.parts
    ]


# --- figure 1 ---------------------------------------------------------------------------------------------------------

FIGURE_1 = [  # each box of the figure from below, the encoder first, with the arrows that enter it
    ("Positional Encoding", []),
    ("Positional Encoding", []),
    ("Inputs", []),
    ("Outputs", []),
    ("Input Embedding", ["Inputs"]),
    ("+", ["Positional Encoding", "Input Embedding"]),
    ("Multi-Head Attention", ["+", "+", "+"]),
    ("Add & Norm", ["+", "Multi-Head Attention"]),
    ("Feed Forward", ["Add & Norm"]),
    ("Add & Norm", ["Add & Norm", "Feed Forward"]),
    ("Output Embedding", ["Outputs"]),
    ("+", ["Positional Encoding", "Output Embedding"]),
    ("Masked Multi-Head Attention", ["+", "+", "+"]),
    ("Add & Norm", ["+", "Masked Multi-Head Attention"]),
    ("Multi-Head Attention", ["Add & Norm", "Add & Norm", "Add & Norm"]),
    ("Add & Norm", ["Add & Norm", "Multi-Head Attention"]),
    ("Feed Forward", ["Add & Norm"]),
    ("Add & Norm", ["Add & Norm", "Feed Forward"]),
    ("Linear", ["Add & Norm"]),
    ("Softmax", ["Linear"]),
    ("Output Probabilities", ["Softmax"]),
]


def test_the_example_is_figure_1_box_for_box_and_arrow_for_arrow():
    assert list_boxes(draw("transformer")) == FIGURE_1


def test_the_memory_enters_the_middle_attention_as_keys_and_values_and_blocks_are_repeated():
    figure = draw_architecture(make_transformer(layers=6), TOKENS, TOKENS)
    by_number = {part.number: part for part in figure.parts}
    encoder, decoder = ([p for p in figure.parts if p.frames and p.frames[0][0] == f"{stack}/blocks/0"]
                        for stack in ("encoder", "decoder"))  # fmt: skip
    assert [len(encoder), len(decoder)] == [4, 6]
    assert {part.frames for part in (*encoder, *decoder)} == {(("encoder/blocks/0", 6),), (("decoder/blocks/0", 6),)}
    assert decoder[2].sources == {decoder[1].number: 1, encoder[-1].number: 2}
    assert by_number[max(by_number)].kind == "output"


def test_the_encoder_stands_left_of_the_decoder_loops_are_outside_and_both_begin_at_the_bottom():
    parts = {part.number: part for part in draw("transformer").parts}
    layout = Layout(parts, _Painter(False).measure, BETWEEN[False])
    left, right = (next(n for n, part in parts.items() if part.title == title) for title in ("Inputs", "Outputs"))
    assert layout.places[left].centre < layout.places[right].centre
    assert layout.places[left].side == -1
    assert layout.places[right].side == 1
    assert layout.places[left].low == layout.places[right].low == 0


def test_with_norms_before_a_sum_is_a_sign_of_its_own():
    titles = [title for title, _ in list_boxes(draw("norms before"))]
    assert "Add & Norm" not in titles
    assert titles.count("+") == 7
    assert titles.count("Layer Norm") == 7


# --- other models -----------------------------------------------------------------------------------------------------


def test_parallel_branches_meet_in_a_sign_and_the_longest_way_round_is_a_residual():
    assert list_boxes(draw("gated"))[1:7] == [
        ("RMS Norm", ["x"]),
        ("Linear", ["RMS Norm"]),
        ("SiLU", ["Linear"]),
        ("Linear", ["RMS Norm"]),
        ("×", ["SiLU", "Linear"]),
        ("Linear", ["×"]),
    ]


def test_a_parameter_that_is_no_weight_of_a_box_enters_by_its_name_and_every_result_leaves():
    boxes = list_boxes(draw("attentive"))
    assert ("‖", ["First Token", "x"]) in boxes
    assert ("MatMul", ["Linear", "Linear"]) in boxes
    assert ("MatMul", ["Softmax", "Linear"]) in boxes
    assert [title for title, _ in boxes if "Output" in title] == ["Output 1", "Output 2"]


def test_loops_and_layers_with_something_between_them_are_drawn_once():
    assert [part.frames[0][1] for part in draw("deep").parts if part.frames] == [29, 29]
    assert [(part.title, part.frames[0][1]) for part in draw("recurrent").parts if part.frames] == [
        ("Linear", 38), ("+", 38), ("Tanh", 38)
    ]  # fmt: skip


def test_repeats_stand_in_repeats():
    counts = {tuple(count for _, count in part.frames) for part in draw("stages").parts}
    assert counts == {(), (4,), (4, 3)}


def test_few_layers_are_each_drawn():
    assert [title for title, _ in list_boxes(draw("chain"))] == ["x", *["Linear", "ReLU"] * 4, "Output"]


def test_weights_written_by_hand_belong_to_their_product_and_constants_are_left_out():
    class Plain(nn.Module):
        def __init__(self):
            self.weight = mg.Tensor(np.ones((8, 8), np.float32), requires_grad=True, name="weight")
            self.bias = mg.Tensor(np.ones(8, np.float32), requires_grad=True, name="bias")
            self.readout = new_linear(8, 2)

        def forward(self, x):
            return mg.log_softmax(self.readout(mg.exp(2 * (x @ self.weight) + self.bias)[None]))

    assert list_boxes(draw_architecture(Plain(), VECTORS)) == [
        ("x", []), ("Linear", ["x"]), ("Exp", ["Linear"]), ("Linear", ["Exp"]), ("Log Softmax", ["Linear"]),
        ("Output", ["Log Softmax"]),
    ]  # fmt: skip


@pytest.mark.parametrize("padding", [0, 1])
def test_convolutions_and_poolings_that_are_functions_are_called_so(padding):
    class Net(nn.Module):
        def __init__(self):
            self.kernel = mg.Tensor(np.ones((4, 1, 3, 3), np.float32), requires_grad=True, name="kernel")
            self.readout = new_linear(4, 2)

        def forward(self, x):
            x = mg.max_pool(mg.relu(mg.conv2d(x, self.kernel, padding="same")), 2, padding=padding)
            x = mg.average_pool(x, 2, 2, padding, count_include_pad=False)
            return self.readout(mg.max(mg.mean(x, axis=-1), axis=-1))

    images = np.ones((2, 1, 8, 8), np.float32)
    assert list_boxes(draw_architecture(Net(), images)) == [
        ("x", []), ("Convolution", ["x"]), ("ReLU", ["Convolution"]), ("Max Pooling", ["ReLU"]),
        ("Average Pooling", ["Max Pooling"]), ("Mean", ["Average Pooling"]), ("Max", ["Mean"]), ("Linear", ["Max"]),
        ("Output", ["Linear"]),
    ]  # fmt: skip


def test_what_is_chosen_by_a_mask_comes_from_what_it_chooses_from():
    class Gate(nn.Module):
        def __init__(self):
            self.readout = new_linear(8, 2)

        def forward(self, x):
            x = self.readout(x)
            return mg.astype(mg.where(x > 0, mg.exp(x), x) > 1.0, "float32")

    assert list_boxes(draw_architecture(Gate(), VECTORS)) == [
        ("x", []), ("Linear", ["x"]), ("Exp", ["Linear"]), ("Where", ["Exp", "Linear"]), ("Greater", ["Where"]),
        ("Output", ["Greater"]),
    ]  # fmt: skip


def test_a_module_is_drawn_wherever_it_is_called_also_on_its_own_result():
    class Cell(nn.Module):
        def __init__(self):
            self.weight = mg.Tensor(np.ones((8, 8), np.float32), requires_grad=True, name="weight")

        def forward(self, x):
            return mg.tanh(x @ self.weight)

    class Shared(nn.Module):
        def __init__(self):
            self.cell, self.norm = Cell(), nn.LayerNorm(8)

        def forward(self, x):
            return self.cell(self.norm(self.cell(self.cell(x))))

    assert [title for title, _ in list_boxes(draw_architecture(Shared(), VECTORS))] == [
        "x", "Cell", "Cell", "Layer Norm", "Cell", "Output",
    ]  # fmt: skip


def test_masks_that_are_given_are_not_drawn_and_mask_nothing_by_themselves():
    class Reader(nn.Module):
        def __init__(self):
            self.attention, self.positions = (
                nn.MultiHeadAttention(8, 2, rng=RNG),
                nn.SinusoidalPositions(2, "concatenate"),
            )

        def forward(self, x, mask):
            return self.positions(self.attention(x, mask=mask))

    boxes = list_boxes(draw_architecture(Reader(), VECTORS, np.ones((3, 3), bool)))
    assert boxes[1:] == [
        ("x", []), ("Multi-Head Attention", ["x"] * 3), ("‖", ["Positional Encoding", "Multi-Head Attention"]),
        ("Output", ["‖"]),
    ]  # fmt: skip


def test_labels_name_a_module_by_path_or_class_and_make_it_one_box():
    boxes = list_boxes(draw("transformer", labels={"encoder": "Encoder", nn.FeedForward: "MLP", "output": "p"}))
    titles = [title for title, _ in boxes]
    assert ("Encoder", ["+"]) in boxes
    assert titles.count("MLP") == 1
    assert titles[-1] == "p"
    dotted, slashed = (
        draw("transformer", labels={path: "Attention"})
        for path in ("decoder.blocks.0.attention", "decoder/blocks/0/attention")
    )
    assert str(dotted) == str(slashed)
    assert "= Attention(" in str(dotted)
    assert "Masked" not in str(dotted)


def test_long_titles_in_any_script_make_their_boxes_wider():
    labels = {nn.MultiHeadAttention: "注意力" * 9, nn.FeedForward: "A-feed-forward-part-of-two-linear-maps"}
    layouts = [
        Layout({part.number: part for part in draw("transformer", labels=labels).parts}, _Painter(way).measure, 46)
        for way in (False, True)
    ]
    for layout in layouts:
        rooms = [place.corners for place in layout.places.values()]
        assert not any(overlap(*pair) for pair in itertools.combinations(rooms, 2))


def test_a_model_of_signs_alone_has_no_boxes():
    boxes = list_boxes(draw_architecture(Chain(nn.SinusoidalPositions(8), nn.LearnedPositions(4, 8, RNG)), VECTORS))
    assert [title for title, _ in boxes if title == "+"] == ["+", "+"]


def test_a_label_may_say_where_its_lines_end():
    figure = draw("transformer", labels={"outputs": "Outputs\n(shifted right)"})
    assert "%3 = Outputs (shifted right)" in str(figure)
    texts = [element.text for element in walk_elements(figure.sheet.children) if isinstance(element, Text)]
    assert {"Outputs", "(shifted right)"} <= {*texts}


def test_the_model_stays_as_it_was():
    model = nn.LanguageModel(9, 8, 2, layers=1, context=4, dropout=0.5, rng=RNG)
    model.transformer.eval()
    before = [module.training for module in model.modules()]
    draw_architecture(model, TOKENS)
    assert [module.training for module in model.modules()] == before


def test_every_row_of_the_tables_stands_for_something_that_there_is():
    assert {*MODULES} <= {*vars(nn)}
    assert {*OPERATIONS, *OF_WINDOWS, WINDOWS} <= {*mg.registry}
    kinds = {row.kind for row in (*MODULES.values(), *OPERATIONS.values(), *OF_WINDOWS.values())}
    assert kinds - {"hidden", "positions", "sign", "shape"} <= {*FILLS}


# --- the picture ------------------------------------------------------------------------------------------------------


@each_model
@both_ways
def test_parts_do_not_overlap_and_no_line_runs_through_one(name, rightwards):
    parts = {part.number: part for part in draw(name).parts}
    layout = Layout(parts, _Painter(rightwards).measure, BETWEEN[rightwards])
    assert layout.places.keys() == parts.keys()
    rooms = [place.corners for place in layout.places.values()]
    for room, other in itertools.combinations(rooms, 2):
        assert not overlap(room, other)
    for line in layout.lines:
        for start, end in itertools.pairwise(line):
            segment = (min(start[0], end[0]), min(start[1], end[1])), (max(start[0], end[0]), max(start[1], end[1]))
            assert start[0] == end[0] or start[1] == end[1]
            assert not any(overlap(segment, room) for room in rooms)


@both_ways
def test_parts_of_any_data_flow_do_not_overlap(rightwards):
    for seed in range(40):
        parts = {part.number: part for part in draw_architecture(Tangle(seed), VECTORS, VECTORS).parts}
        layout = Layout(parts, _Painter(rightwards).measure, BETWEEN[rightwards])
        rooms = [place.corners for place in layout.places.values()]
        assert not any(overlap(*pair) for pair in itertools.combinations(rooms, 2)), seed


@each_model
@both_ways
def test_every_arrow_of_the_list_is_drawn(name, rightwards):
    parts = {part.number: part for part in draw(name).parts}
    layout = Layout(parts, _Painter(rightwards).measure, BETWEEN[rightwards])
    for number, part in parts.items():
        (low, left), (high, right) = layout.places[number].corners
        ends = [line[-1] for line in layout.lines]
        entering = [(x, y) for x, y in ends if low - 1e-6 <= x <= high + 1e-6 and left - 1e-6 <= y <= right + 1e-6]
        assert len(entering) == sum(part.sources.values())


@each_model
@both_ways
def test_frames_hold_their_parts_and_no_others(name, rightwards):
    parts = {part.number: part for part in draw(name).parts}
    layout = Layout(parts, _Painter(rightwards).measure, BETWEEN[rightwards])
    for frame in layout.frames:
        for number, place in layout.places.items():
            inside = (frame.path, frame.count) in parts[number].frames
            assert overlap((frame.low, frame.high), place.corners) == inside


def read_size(path):
    root = ElementTree.parse(path).getroot()
    return tuple(float(root.attrib[side].removesuffix("pt")) for side in ("width", "height"))


def overlap(room, other):
    (low, left), (high, right) = room
    (bottom, begin), (top, end) = other
    near = 1e-6
    return low < top - near and bottom < high - near and left < end - near and begin < right - near


@each_model
@pytest.mark.parametrize("slide", [False, True])
def test_texts_are_on_the_page_and_inside_their_boxes(name, slide):
    sheet = draw(name, slide=slide).sheet
    for element in walk_elements(sheet.children):
        if isinstance(element, Text):
            half = measure_text(element.text, element.size, element.bold) / 2
            assert half <= element.x <= sheet.width - half
            assert element.size <= element.y <= sheet.height
    for element in sheet.children:
        shapes = [x for x in walk_elements([element]) if isinstance(x, Rectangle)]
        for text in walk_elements([element]):
            if isinstance(text, Text) and shapes:
                half = measure_text(text.text, text.size) / 2
                assert shapes[0].x <= text.x - half
                assert text.x + half <= shapes[0].x + shapes[0].width


def test_columns_are_chains_and_hold_every_part_once():
    parts = {part.number: part for part in draw("attentive").parts}
    columns, targets = find_columns(parts)
    assert sorted(itertools.chain(*columns)) == sorted(parts)
    for column, target in zip(columns, targets, strict=True):
        assert all(a in parts[b].sources for a, b in itertools.pairwise(column))
        assert target is None or column[-1] in parts[target].sources


def test_what_reads_aloud_is_the_list_of_parts():
    figure = draw("transformer", title="Figure 1")
    assert figure.sheet.title == "Figure 1"
    assert figure.sheet.description == str(figure)
    assert "%14 = Multi-Head Attention(%13, %9, %9)  ×2" in str(figure).splitlines()
    assert figure._repr_svg_().startswith("<svg")
    assert repr(figure) == str(figure)


def test_a_column_is_as_wide_as_asked_and_a_slide_is_16_by_9(tmp_path):
    for name in MODELS:
        draw(name, path=tmp_path / "column.svg", width="8.4cm")
        assert read_size(tmp_path / "column.svg")[0] == pytest.approx(238.11, abs=0.01)
        draw(name, path=tmp_path / "slide.svg", slide=True)
        assert read_size(tmp_path / "slide.svg") == (960, 540)


def test_letters_of_figure_1_are_legible_in_a_column():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_architecture(make_transformer(), TOKENS, TOKENS, width="8.4cm")
    with pytest.warns(UserWarning, match=r"smallest letters are .* pt: name what is to be one box"):
        draw_architecture(make_transformer(), TOKENS, TOKENS, width="3cm")


def test_small_pictures_are_not_blown_up(tmp_path):
    draw("chain", path=tmp_path / "chain.svg", width="20cm")
    root = ElementTree.parse(tmp_path / "chain.svg").getroot()
    assert root.attrib["viewBox"].split()[2] == root.attrib["width"].removesuffix("pt")


def test_themes_and_files(tmp_path):
    for theme in ("light", "dark", "auto"):
        for ending in ("svg", "png", "pdf", "tex"):
            path = tmp_path / f"figure-{theme}.{ending}"
            pytest.importorskip({"png": "resvg_py", "pdf": "svg2pdf_py"}.get(ending, "numpy"))
            draw("transformer", path=path, theme=theme, width="8.4cm")
            assert path.stat().st_size > 1_000
    texts = [re.findall(">([^<>]+)</text>", (tmp_path / f"figure-{theme}.svg").read_text("utf-8"))
             for theme in ("light", "dark", "auto")]  # fmt: skip
    assert texts[0] == texts[1] == texts[2]
    assert "prefers-color-scheme:dark" in (tmp_path / "figure-auto.svg").read_text("utf-8")
    assert "Add \\& Norm" in (tmp_path / "figure-light.tex").read_text("utf-8")


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        draw("stages", path=tmp_path / f"{name}.svg")
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_a_sign_has_its_own_strokes_and_two_leaves_stand_on_both_sides():
    class Between(nn.Module):
        def __init__(self):
            self.layer = new_linear(8, 8)

        def forward(self, x, y, z):
            return self.layer(x) - y / z

    figure = draw_architecture(Between(), VECTORS, VECTORS, VECTORS)
    assert ("−", ["Linear", "÷"]) in list_boxes(figure)
    assert sum(isinstance(element, Ellipse) for element in walk_elements(figure.sheet.children)) == 2


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_cannot_be_drawn_is_refused_in_one_line(tmp_path):
    class Alone(nn.Module):
        def forward(self, x):
            return mg.exp(x)

    with pytest.raises(TypeError, match=r"draws modules, got <lambda>: see minigrad\.draw"):
        draw_architecture(lambda x: x, VECTORS)
    with pytest.raises(ValueError, match="Alone calls no modules that it holds"):
        draw_architecture(Alone(), VECTORS)
    with pytest.raises(ValueError, match="labels: Transformer has no encoder/blokcs; its repr shows"):
        draw("transformer", labels={"encoder.blokcs": "Blocks"})
    with pytest.raises(ValueError, match="a picture is saved as"):
        draw("chain", path=tmp_path / "chain.gif")
    with pytest.raises(TypeError, match="argument"):
        draw_architecture(make_transformer(), TOKENS)
    with pytest.raises(ValueError, match="expected a length"):
        draw("chain", width="wide")
    with pytest.raises(ValueError, match="theme must be"):
        draw("chain", path=tmp_path / "chain.svg", theme="blue")
