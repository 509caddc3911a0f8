"""`minigrad train … --data`: texts, tables and images of one's own, beside baselines; what is refused, and how."""

import csv
import itertools
import json
import os
import random
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from minigrad.__main__ import main
from minigrad.cli import run as runs
from minigrad.cli.labelled import ImageData, TableData
from minigrad.cli.run import SETTINGS, resume_run
from minigrad.cli.train import read_data
from minigrad.io import load_arrays
from minigrad.io.checkpoint import NOTES

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: python -m pip install Pillow")
ImageDraw = pytest.importorskip("PIL.ImageDraw")


@pytest.fixture(autouse=True)
def _folder(folder):
    """Every test in a folder of its own."""


def write_text():
    rng = random.Random(0)
    words = ["the boat", "a lamp", "her letter", "was late", "came home", "shone"]
    Path("story.txt").write_text(" ".join(rng.choice(words) for _ in range(400)), "utf-8")


def write_table(count=400, target="price"):
    """The price is large where exactly one of the two is there, which no sum over columns can say; `sold` likewise."""
    rng = random.Random(0)
    with open("houses.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["area", "garden", "garage", "owner", target])
        for number in range(count):
            area, garden, garage = rng.randint(40, 160), rng.random() < 0.5, rng.random() < 0.5
            price = area + 200 * (garden != garage)
            row = ["NA" if rng.random() < 0.05 else area, ["no", "yes"][garden], [0, 1][garage]]
            table.writerow([*row, f"owner {number}", price if target == "price" else ["slowly", "fast"][price > 200]])


def write_images(count=60, colours=True):
    """Discs and squares of the same areas anywhere: no pixel says which it is."""
    rng = random.Random(0)
    for shape in ("disc", "square"):
        Path("shapes", shape).mkdir(parents=True)
        for number in range(count):
            mode = "RGB" if colours else "L"
            ground, ink = (rng.randint(170, 255) for _ in range(3)), (rng.randint(0, 110) for _ in range(3))
            image = Image.new(mode, (40, 32), tuple(ground) if colours else 230)
            x, y, size = rng.randint(1, 14), rng.randint(1, 8), rng.randint(14, 20)
            draw = getattr(ImageDraw.Draw(image), {"disc": "ellipse", "square": "rectangle"}[shape])
            draw([x, y, x + size, y + size], fill=tuple(ink) if colours else 60)
            image.save(f"shapes/{shape}/{number:03}.png")


WRITERS = {"text": write_text, "table": write_table, "images": lambda: write_images(12)}
COMMANDS = {
    "text": "text --data story.txt",
    "table": "table --data houses.csv --target price",
    "images": "images --data shapes",
}


@pytest.fixture
def small_models(monkeypatch):
    for task in COMMANDS:
        small = runs.replace(SETTINGS[task], tokens=32 if task == "text" else 0, width=16, heads=2, layers=1)
        monkeypatch.setitem(SETTINGS, task, small)


def train(command, *options):
    return main(["train", *command.split(), *options])


def losses(shown):
    return {name.strip(): float(loss) for name, loss in re.findall(r"^  (\S+(?: \S+)*) +(\d+\.\d{4})", shown, re.M)}


def test_an_interaction_of_columns_is_learned_where_regression_is_blind(capsys):
    write_table()
    assert train("table --data houses.csv --target price", "--steps", "300") == 0
    shown = capsys.readouterr().out
    assert "columns   2 of numbers and 1 of categories" in shown
    found = losses(shown)
    assert found["linear regression"] > 0.8
    assert found["this model"] < 0.2
    off = dict(re.findall(r"^  (\S+(?: \S+)*) +\d\.\d{4}  off by ([\d.]+), root mean square", shown, re.M))
    rows = csv.DictReader(Path("houses.csv").read_text("utf-8").splitlines())
    prices = [float(row["price"]) for row in rows]
    assert float(off["mean"]) == pytest.approx(np.std(prices), rel=0.2)
    assert "better than mean, linear regression" in shown


def test_classes_are_told_from_columns(capsys):
    write_table(target="sold")
    assert train("table --data houses.csv --target sold", "--steps", "200") == 0
    shown = capsys.readouterr().out
    assert "target    sold, 2 classes: " in shown
    assert "left out  owner: 400 different texts, such as 'owner 0'\n" in shown
    shares = dict(re.findall(r"^  (\S+(?: \S+)*) +\d\.\d{4}  ([\d.]+)% right", shown, re.M))
    assert float(shares["softmax regression"]) < 70
    assert float(shares["this model"]) > 95


@pytest.mark.deep
def test_shapes_are_told_apart_where_regression_on_pixels_is_weak(capsys):
    write_images(80)
    assert train("images --data shapes", "--steps", "200") == 0
    shown = capsys.readouterr().out
    assert "32 images, every fifth of each class" in shown
    shares = dict(re.findall(r"^  (\S+(?: \S+)*) +\d\.\d{4}  ([\d.]+)% right", shown, re.M))
    assert float(shares["this model"]) >= 95 > float(shares["softmax regression"])


@pytest.mark.usefixtures("small_models")
@pytest.mark.parametrize("task", COMMANDS)
def test_equal_runs_write_equal_bytes_and_what_was_interrupted_goes_on(task, capsys, interrupt_at):
    WRITERS[task]()
    for folder, seed in (("whole", "1"), ("again", "1"), ("other", "2")):
        assert train(COMMANDS[task], "--steps", "6", "--out", folder, "--seed", seed) == 0
    checkpoint = f"{task}.safetensors"
    whole = Path("whole", checkpoint).read_bytes()
    assert whole == Path("again", checkpoint).read_bytes() != Path("other", checkpoint).read_bytes()

    interrupt_at(3)
    capsys.readouterr()
    assert train(COMMANDS[task], "--steps", "6", "--out", "parts", "--seed", "1") == 130
    hint = f"interrupted after step 3 of 6; to go on: minigrad train {COMMANDS[task]} --out parts --resume\n"
    shown = capsys.readouterr().out
    assert shown.endswith(hint)
    assert main(hint.strip().split(" minigrad ")[1].split()) == 0  # what it says is what to type
    assert Path("parts", checkpoint).read_bytes() == whole
    assert {path.name: path.read_bytes() for path in Path("parts").iterdir()} == {
        path.name: path.read_bytes() for path in Path("whole").iterdir()
    }


def read_files(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.mark.usefixtures("small_models")
@pytest.mark.parametrize("task", COMMANDS)
def test_what_was_left_of_a_run_whose_steps_are_all_done_is_written_and_nothing_is_trained(task, capsys, monkeypatch):
    WRITERS[task]()
    command = [*COMMANDS[task].split(), "--report", "--out"]
    assert main(["train", *command, "whole", "--steps", "4"]) == 0
    results = capsys.readouterr().out.split("\n\n", 1)[1]
    whole = read_files("whole")
    page = whole.pop(f"{task}.html")
    report = "report_text" if task == "text" else "report_answers"
    with monkeypatch.context() as patch:
        patch.setattr(f"minigrad.cli.train.{report}", lambda *arguments: os.kill(os.getpid(), signal.SIGINT))
        assert main(["train", *command, "parts", "--steps", "4"]) == 130
    shown = capsys.readouterr().out
    hint = f"to go on: minigrad train {COMMANDS[task]} --out parts --resume --report"
    assert shown.endswith(f"interrupted at once; parts/{task}.safetensors has step 4 of 4; {hint}\n")
    assert read_files("parts").keys() < {*whole, f"{task}.html"}
    Path("parts", f"{task}.html").unlink()
    pages = set()
    for _ in range(2):  # the second time nothing changes
        with monkeypatch.context() as patch:
            patch.setattr(runs, "fit", None)  # the loop of steps
            assert main(hint.split(" minigrad ")[1].split()) == 0
        output = capsys.readouterr()
        assert "all 4 steps are done; a larger --steps goes on\n" in output.out
        assert output.out.split("\n\n", 1)[1].replace(" parts:", " whole:") == results
        assert output.err == ""
        found = read_files("parts")
        pages.add(found.pop(f"{task}.html"))
        assert found == whole
    (again,) = pages
    assert b"finished" in again
    assert len(again) == pytest.approx(len(page), rel=0.3)


@pytest.mark.usefixtures("small_models")
@pytest.mark.parametrize("task", COMMANDS)
def test_pictures_report_and_checks_come_with_all_of_them(task, capsys):
    WRITERS[task]()
    assert train(COMMANDS[task], "--steps", "4", "--out", "r", "--report", "--check-gradients", "2") == 0
    layers = [f"{task}_attention_layer_{number}.svg" for number in range(SETTINGS[task].layers)]
    pictures = ["images_attention.svg"] if task == "images" else layers
    files = {f"{task}.safetensors", f"{task}.html", f"{task}_loss.svg", *pictures}
    assert {path.name for path in Path("r").iterdir()} == files
    shown = capsys.readouterr()
    assert "1 checked" in shown.err
    named = {"text": "1-gram", "table": "linear regression", "images": "softmax regression"}[task]
    curve = Path("r", f"{task}_loss.svg").read_text("utf-8")
    assert all(text in curve for text in ("training", "validation", named))
    page = Path("r", f"{task}.html").read_text("utf-8")
    assert "finished" in page
    assert "attention" in page
    assert {"text": "story.txt", "table": "houses.csv", "images": "shapes"}[task] in shown.out.splitlines()[0]
    assert max(map(len, shown.out.split("it fills in")[0].splitlines())) <= 80


def test_a_map_of_attention_names_columns_with_their_values():
    write_table()
    assert train(COMMANDS["table"], "--steps", "1") == 0
    picture = Path("minigrad-train/table_attention_layer_0.svg").read_text("utf-8")
    assert ">answer<" in picture
    assert re.search(r">garden (yes|no)<", picture)
    assert re.search(r">area \d+<", picture)


def test_numbers_far_from_those_that_are_learned_from_stay_finite():
    rows = [f"{i},0.1,{i % 7}" for i in range(60)]
    Path("t.csv").write_text("\n".join(["x,same,y", *rows]), "utf-8")
    held_out = TableData(Path("t.csv"), "y").validation
    rows[held_out[0]] = "1e40,1e9,3"
    Path("t.csv").write_text("\n".join(["x,same,y", *rows]), "utf-8")
    found = TableData(Path("t.csv"), "y")
    assert found.numbers.max() == 1000
    model = found.new_model(8, 2, 1, np.random.default_rng(0))
    answers = found.baselines() | {"model": found.predict(model, found.validation)}
    assert all(np.isfinite(found.rate(outputs)[0]) for outputs in answers.values())


def test_a_unit_of_any_size_is_learned_the_same():
    def read(unit):
        Path("t.csv").write_text("\n".join(["x,y", *(f"{i}{unit},{i % 7}{unit}" for i in range(60))]), "utf-8")
        return TableData(Path("t.csv"), "y")

    for unit in ("e-300", "e100"):
        assert np.allclose(read(unit).numbers, read("").numbers)
        assert np.allclose(read(unit).targets, read("").targets)


def test_grey_images_have_one_channel_and_colours_three():
    write_images(4, colours=False)
    assert ImageData(Path("shapes")).read(np.arange(2))[0].shape == (2, 64, 16)
    Image.new("RGB", (5, 5), (255, 0, 0)).save("shapes/disc/red.png")
    assert ImageData(Path("shapes")).read(np.arange(2))[0].shape == (2, 64, 48)


def test_what_is_held_out_has_no_say_in_what_is_learned():
    """Neither in means and deviations, nor in which categories are known; those that it alone has count as missing."""
    write_table(100)
    before = TableData(Path("houses.csv"), "price")
    header, *rows = Path("houses.csv").read_text("utf-8").splitlines()
    for row in before.validation:
        cells = rows[row].split(",")
        rows[row] = ",".join(["1000000", "perhaps", *cells[2:]])
    Path("houses.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")
    after = TableData(Path("houses.csv"), "price")
    assert after.labels == before.labels
    for old, new in zip(before.read(before.train), after.read(after.train), strict=True):
        assert np.array_equal(old, new)
    assert {after.labels[code] for code in after.codes[after.validation, 1]} == {"garden missing"}


@pytest.mark.parametrize("task", ["table", "images"])
def test_batches_have_what_is_not_held_out_each_with_its_own_answer(task, monkeypatch):
    monkeypatch.setattr("minigrad.cli.labelled.SHIFT", 0)
    WRITERS[task]()
    found = TableData(Path("houses.csv"), "price") if task == "table" else ImageData(Path("shapes"))
    assert not {*found.train} & {*found.validation}
    *inputs, targets = (array.tolist() for array in (*found.read(found.train), found.targets[found.train]))
    known = {repr(row) for row in zip(*inputs, targets, strict=True)}
    drawn = set()
    for batch in itertools.islice(found.batches(np.random.default_rng(0), 16), 40):
        drawn |= {repr(row) for row in zip(*(array.tolist() for array in batch), strict=True)}
    assert drawn <= known
    assert len(drawn) > 0.7 * len(known)


def test_an_image_is_shifted_by_two_pixels_at_most_and_its_edges_go_on():
    write_images(2)
    found = ImageData(Path("shapes"))
    places = np.zeros((2, 32, 32, 3), np.uint8)
    places[:, 8, 20] = 255
    places[:, :, 0] = 90
    found.images = found.images._replace(pixels=np.concatenate([places, places]))
    found.reader = found.reader._replace(centre=0.0, deviation=1.0)
    drawn = set()
    for patches, _ in itertools.islice(found.batches(np.random.default_rng(0), 2), 100):
        for image in patches:
            first = image.reshape(8, 8, 4, 4, 3).swapaxes(1, 2).reshape(32, 32, 3)[..., 0]
            ((row, column),) = np.argwhere(first == 255)
            drawn.add((row - 8, column - 20))
            assert (first[:, 0] == 90).all() == (column >= 20)
    assert drawn == {*itertools.product(range(-2, 3), repeat=2)}


def test_what_could_be_thousands_is_named_once(capsys):
    names = "price;net;gross;weight;tax;sold"
    rows = [
        ";".join([f"{i % 9 + 1},{i + 100}"] * 2 + [f"{i % 9 + 1}.{i + 100}"] + [f"0,{i + 100}"] * 2 + [str(i)])
        for i in range(12)
    ]
    Path("t.csv").write_text("\n".join([names, *rows]), "utf-8")
    assert train("table --data t.csv --target sold", "--steps", "1") == 0
    assert (
        """
columns   5 of numbers
          price: commas are read as decimal points, as in 1,100
          net: commas are read as decimal points, as in 1,100
          gross: points are read as decimal points, as in 1.100
target    sold, a number"""
        in capsys.readouterr().out
    )
    assert train("table --data t.csv --target price", "--steps", "1") == 0
    assert capsys.readouterr().out.count("price: commas are read as decimal points, as in 1,100") == 1


def test_rows_that_also_stand_in_training_are_counted_with_their_targets_and_what_is_left_out():
    rng = random.Random(0)
    same = [f"{rng.randint(0, 2)},{'ab'[rng.randint(0, 1)]},{rng.randint(0, 3)},a name" for _ in range(50)]
    for rows in (
        same,
        [f"{row} {number}" for number, row in enumerate(same)],
        [*same, *[f"{i},a,{i},b" for i in range(9)]],
    ):
        Path("t.csv").write_text("\n".join(["x,kind,y,name", *rows]), "utf-8")
        found = TableData(Path("t.csv"), "y")
        repeated = len([row for row in found.validation if rows[row] in {rows[other] for other in found.train}])
        assert (repeated > 0) == (rows[0] in same)
        said = f",\n          {repeated} of which also stand in training" if repeated else ""
        line = f"{len(found.validation)} rows, every fifth, by a draw that no seed changes{said}"
        assert found.describe()["held out"] == line


def test_one_image_that_also_stands_in_training_is_counted_whatever_its_class_and_format():
    write_images(20)
    found = ImageData(Path("shapes"))
    assert found.repeated == 0
    assert "training" not in found.describe()["held out"]
    held_out, learned_from = found.validation[0], found.train[-1]
    files = sorted(Path("shapes").glob("*/*.png"))
    Image.open(files[held_out]).save(files[learned_from], "BMP")  # of the other class
    found = ImageData(Path("shapes"))
    assert found.repeated == 1
    assert found.describe()["held out"].endswith(",\n          1 of which also stands in training")


def test_numbers_far_from_0_are_told_apart(capsys):
    rng = random.Random(0)
    rows = [f"{x},{1_000_000_000 + x}" for x in (rng.randint(0, 9) for _ in range(60))]
    Path("t.csv").write_text("\n".join(["x,y", *rows]), "utf-8")
    assert train("table --data t.csv --target y", "--steps", "60", "--report") == 0
    assert "target    y, a number, 1000000000 to 1000000009\n" in capsys.readouterr().out
    right = {f"right is {1_000_000_000 + x}" for x in range(10)}
    shown = set(re.findall(r"right is [^<\n]+", Path("minigrad-train/table.html").read_text("utf-8")))
    assert len(shown) > 1
    assert shown <= right
    assert main(["predict", "minigrad-train/table.safetensors", "--data", "t.csv"]) == 0
    answers = [float(line) for line in capsys.readouterr().out.splitlines()[1:]]
    assert len(set(answers)) == 10
    off = np.subtract(answers, [float(row.split(",")[1]) for row in rows])
    assert np.abs(off).max() < 3


def test_a_long_name_is_cut_where_it_is_shown(capsys):
    write_table(20)
    text = (
        Path("houses.csv").read_text("utf-8").replace("owner,", f"{'owner ' * 10_000},").replace("garden", "g" * 10_000)
    )
    Path("houses.csv").write_text(text, "utf-8")
    assert train(COMMANDS["table"], "--steps", "1") == 0
    shown = capsys.readouterr().out
    assert "left out  owner owner" in shown
    assert max(map(len, shown.splitlines())) <= 200


def test_a_gap_is_a_code_of_its_own_and_no_number():
    write_table()
    found = TableData(Path("houses.csv"), "price")
    texts = np.array(found.table.columns[0].texts)
    gaps = texts == ""
    assert gaps.any()
    assert (found.numbers[gaps, 0] == 0).all()
    assert [found.labels[code] for code in found.codes[gaps, 0]] == ["area missing"] * gaps.sum()
    assert found.numbers[found.train, 0][~gaps[found.train]].std() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("table", "train table needs --target COLUMN"),
        ("table --target price", "train table needs --data PATH; minigrad train --help shows an example"),
        ("table --data houses.csv", "train table needs --target COLUMN"),
        ("table --data houses.csv --target cost", "houses.csv has no column 'cost'; it has: area, garden, garage, "
         "owner, price"),
        ("table --data nothing.csv --target y", "nothing.csv: No such file or directory"),
        ("table --data shapes --target y", "shapes: Is a directory"),
        ("images", "train images needs --data PATH; minigrad train --help shows an example"),
        ("images --data nothing", "nothing: No such file or directory"),
        ("images --data houses.csv", "houses.csv: Not a directory"),
        ("images --data shapes/disc", "shapes/disc is to have a folder of images for each class, two at least; it has "
         "none"),
        ("images --data shapes --target y", "train images has no --target"),
        ("text --data nothing.txt", "nothing.txt: No such file or directory"),
        ("text --data short.txt", "short.txt has 5 characters; at least 1,290 are needed, as the last tenth is held "
         "out and a context is 128 characters"),
        ("text --data shapes/disc/000.png", "shapes/disc/000.png is not UTF-8 text: byte 0x89 at 0; save it as UTF-8"),
        ("text --target price", "train text has no --target"),
        ("copy --data story.txt", "train copy makes its own data; --data is for text, table, images"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_one_line_and_nothing_is_written(arguments, message, capsys):
    write_table(20)
    write_images(2)
    Path("short.txt").write_text("short", "utf-8")
    assert train(arguments, "--out", "results") == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"minigrad: {message}\n")
    assert not Path("results").exists()


def test_a_run_goes_on_with_the_data_that_it_began_with(capsys):
    write_table(40)
    assert train(COMMANDS["table"], "--steps", "2") == 0
    os.rename("houses.csv", "homes.csv")  # the name does not matter
    assert train("table --data homes.csv --target price --resume --steps 3") == 0
    for change in ("--data homes.csv --target area", "--data other.csv --target price"):
        Path("other.csv").write_text(Path("homes.csv").read_text("utf-8").replace("yes", "no", 1), "utf-8")
        assert train(f"table {change} --resume --steps 4") == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert re.search(
            r"was trained on other data \(40 rows, CRC \w+\) than there is here \(40 rows, CRC", error
        ) or ("the target 'area' is missing" in error)
    run = resume_run(
        Path("minigrad-train/table.safetensors"), "table", None, None, data=TableData(Path("homes.csv"), "price")
    )
    assert run.done == 3
    assert json.loads(load_arrays(Path("minigrad-train/table.safetensors"))[1][NOTES])["settings"]["task"] == "table"


def test_data_of_the_package_has_no_path():
    assert read_data("text", None, None) is None
    assert read_data("reverse", None, None) is None
