"""`minigrad predict`: what a saved model of tables or images says of rows and images, by the checkpoint alone."""

import csv
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import data, nn
from minigrad.__main__ import main
from minigrad.cli import readers
from minigrad.cli.labelled import ImageData, TableData
from minigrad.cli.run import SETTINGS, Run
from minigrad.io import load_arrays, save_arrays, save_checkpoint
from minigrad.io.checkpoint import NOTES

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: python -m pip install Pillow")
COLUMNS = ["area", "garden", "garage", "price", "sold", "rooms"]
KINDS = {"price": "off by", "sold": "right", "garage": "right"}  # targets: a number, texts, two numbers


def write_houses():
    rng = random.Random(0)
    with open("houses.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for _ in range(120):
            area, garden, garage = rng.randint(40, 160), rng.choice(["yes", "no"]), rng.choice([0, 1])
            price = area * 1.5 + 200 * (garden == "yes")
            row = ["" if rng.random() < 0.1 else area, "NA" if rng.random() < 0.1 else garden, garage, price]
            table.writerow([*row, "slowly, at last" if price > 250 else "fast", rng.randint(1, 9)])


def write_shapes(folder, mode):
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        Path(folder, name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.normal(level, 60, (12, 16, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).convert(mode).save(Path(folder, name, f"{number}.png"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model for each target of a table, and for grey images and coloured ones; what their trainings printed."""
    folder, here = tmp_path_factory.mktemp("trained"), Path.cwd()
    before, shown = dict(SETTINGS), {}
    os.chdir(folder)
    try:
        for task in ("table", "images", "text"):
            SETTINGS[task] = replace(SETTINGS[task], width=16, heads=2, layers=1, tokens=16 * (task == "text"))
        write_houses()
        for name, mode in (("colours", "RGB"), ("greys", "L")):
            write_shapes(name, mode)
        commands = {target: f"table --data houses.csv --target {target} --steps 40" for target in KINDS}
        commands |= {name: f"images --data {name} --steps 4" for name in ("colours", "greys")}
        for name, command in commands.items():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "stdout", output := io.StringIO())
                assert train(f"{command} --out {name}_model") == 0
            shown[name] = output.getvalue()
            Path(name + ".safetensors").write_bytes(next(Path(name + "_model").glob("*.safetensors")).read_bytes())
    finally:
        SETTINGS.update(before)
        os.chdir(here)
    return folder, shown


@pytest.fixture(autouse=True)
def shown(trained, folder):
    """Each test has files of its own, and nothing else of the trainings than what they printed."""
    source, shown = trained
    for path in source.iterdir():
        if path.suffix in (".safetensors", ".csv"):
            shutil.copy(path, folder)
        elif path.name in ("colours", "greys"):
            shutil.copytree(path, folder / path.name)
    return shown


def train(line):
    return main(["train", *line.split()])


def predict(capsys, name, *paths):
    """The rows that are written, and what is said beside them."""
    assert main(["predict", f"{name}.safetensors", "--data", *map(str, paths)]) == 0
    captured = capsys.readouterr()
    return list(csv.reader(io.StringIO(captured.out))), captured.err


def refuse(capsys, name, *paths):
    assert main(["predict", f"{name}.safetensors", "--data", *map(str, paths)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("minigrad: ")
    assert captured.err.count("\n") == 1
    return captured.err


def read_houses():
    with open("houses.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(rows, names=COLUMNS, path="new.csv", separator=",", encoding="utf-8"):
    with open(path, "w", newline="", encoding=encoding) as file:
        table = csv.DictWriter(file, names, extrasaction="ignore", delimiter=separator)
        table.writeheader()
        table.writerows(rows)
    return path


def figures_of(training):
    """The loss of the model, and how good it is in words, as its training printed them."""
    return re.search(r"\n  this model +(\S+)  (\S+% right|off by \S+, root mean square)", training).groups()


@pytest.mark.parametrize("target", KINDS)
def test_the_rows_held_out_give_the_figures_of_the_training_to_the_last_digit(target, shown, capsys):
    held_out = TableData(Path("houses.csv"), target).validation
    rows = [read_houses()[row] for row in held_out]
    predicted, said = predict(capsys, target, write(rows))
    loss, words = figures_of(shown[target])
    measure = "squared error {}, in variances" if target == "price" else "loss {}, in nats"
    assert said == f"{target}, known of {len(rows)} rows: {words}; {measure.format(loss)}\n"
    header, *answers = predicted
    assert header == ([target] if target == "price" else [target, "probability"])
    assert len(answers) == len(rows)
    if target == "price":  # what is written is as good as what is said
        errors = [float(answer[0]) - float(row["price"]) for answer, row in zip(answers, rows, strict=True)]
        assert f"off by {np.mean(np.square(errors)) ** 0.5:.4g}, root" in words
    else:
        right = np.mean([answer[0] == row[target] for answer, row in zip(answers, rows, strict=True)])
        assert words == f"{right:.1%} right"
        assert all(0.5 <= float(answer[1]) <= 1 for answer in answers)


@pytest.mark.parametrize("name", ["colours", "greys"])
def test_the_images_held_out_give_the_figures_of_the_training_to_the_last_digit(name, shown, capsys):
    found = ImageData(Path(name))
    files = sorted(Path(name).glob("*/*.png"), key=lambda path: (path.parent.name, path.name))
    for row in found.train:
        files[row].unlink()
    held_out = [files[row] for row in found.validation]
    (header, *answers), said = predict(capsys, name, name)
    loss, words = figures_of(shown[name])
    assert said == f"class, known of {len(held_out)} images: {words}; loss {loss}, in nats\n"
    assert header == ["file", "class", "probability"]
    assert [answer[0] for answer in answers] == [*map(str, held_out)]
    assert words == f"{np.mean([Path(file).parent.name == said for file, said, _ in answers]):.1%} right"


def test_probabilities_are_those_of_the_model(capsys):
    found = TableData(Path("houses.csv"), "sold")
    model = nn.TableTransformer.load("sold.safetensors")
    (_, *answers), _ = predict(capsys, "sold", "houses.csv")
    expected = minigrad.softmax(model(found.codes, found.numbers).numpy())
    assert [answer[0] for answer in answers] == [found.target.classes[place] for place in expected.argmax(axis=1)]
    assert np.allclose([float(answer[1]) for answer in answers], expected.max(axis=1), atol=1e-4)


@pytest.mark.parametrize("target", KINDS)
def test_the_answer_need_not_be_there_and_the_order_of_columns_is_free(target, capsys):
    rows = read_houses()
    expected, _ = predict(capsys, target, "houses.csv")
    others = [name for name in COLUMNS[::-1] if name != target]
    for row in rows:
        row["remark"] = "anything"
    assert predict(capsys, target, write(rows, [*others, "remark"])) == (expected, "")
    one = write(rows[3:4], others)
    (header, alone), _ = predict(capsys, target, one)
    assert header == expected[0]
    if target == "price":
        assert float(alone[0]) == pytest.approx(float(expected[4][0]), rel=1e-5)
    else:
        assert alone[0] == expected[4][0]


def test_a_table_may_be_written_with_semicolons_and_commas(capsys):
    rows = read_houses()
    expected = predict(capsys, "sold", "houses.csv")
    for row in rows:
        row["price"] = row["price"].replace(".", ",")
    assert predict(capsys, "sold", write(rows, separator=";", encoding="utf-8-sig")) == expected


def test_what_could_be_thousands_is_named(capsys):
    rows = read_houses()[:5]
    for row in rows:
        row["area"] = "1,234"
    _, said = predict(capsys, "price", write(rows, separator=";"))
    assert said.startswith("area: commas are read as decimal points, as in 1,234\n")


def test_a_new_category_of_many_pages_is_cut(capsys):
    rows = read_houses()[:5]
    rows[0]["garden"] = "page " * 10_000
    _, said = predict(capsys, "price", write(rows))
    assert said.startswith("garden: 'page page")
    assert max(map(len, said.splitlines())) < 200


def test_categories_that_are_new_are_said_and_read_as_gaps(capsys):
    rows = read_houses()[:5]
    for row, garden in zip(rows, ["perhaps", "NA", "wild", "perhaps", "yes"], strict=True):
        row["garden"] = garden
    predicted, said = predict(capsys, "price", write(rows))
    assert said.startswith("garden: 'perhaps', 'wild' in 3 rows is new to the model, and read as missing\nprice, known")
    for row in rows[:4]:
        row["garden"] = ""
    assert predict(capsys, "price", write(rows))[0] == predicted
    for number, row in enumerate(rows):
        row["garden"] = f"kind {number}"
    assert "garden: 'kind 0', 'kind 1', 'kind 2', … in 5 rows" in predict(capsys, "price", write(rows))[1]


def test_answers_that_are_missing_or_of_another_class_are_left_out_of_the_figure(capsys):
    rows = read_houses()[:8]
    rows[0]["sold"], rows[1]["sold"], rows[2]["price"] = "?", "never", "NA"
    assert "sold, known of 6 of 8 rows: " in predict(capsys, "sold", write(rows))[1]
    assert "price, known of 7 of 8 rows: off by " in predict(capsys, "price", write(rows))[1]
    for row in rows:
        row["sold"] = "never"
    assert predict(capsys, "sold", write(rows))[1] == ""


def test_classes_that_are_numbers_may_be_written_in_any_way(capsys):
    rows = read_houses()[:20]
    expected = predict(capsys, "garage", write(rows))
    for row in rows:
        row["garage"] = {"0": "0.0", "1": "1e0"}[row["garage"]]
    assert predict(capsys, "garage", write(rows)) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"area": None}, "new.csv has no column 'area'; it has: garden, garage, price, sold, rooms"),
        ({"rooms": "many"}, "new.csv, line 3: 'many' in the column 'rooms', which is one of numbers"),
        ({"price": "tbd"}, "new.csv, line 3: 'tbd' in the column 'price', which is one of numbers"),
        ({"rooms": "1e200"}, "new.csv, line 3: '1e200' in the column 'rooms' is too large a number"),
    ],
)
def test_columns_that_are_not_as_they_were_are_refused(change, message, capsys):
    ((name, value),) = change.items()
    rows = read_houses()[:4]
    rows[1][name] = value
    names = COLUMNS if value else [other for other in COLUMNS if other != name]
    assert refuse(capsys, "price", write(rows, names)) == f"minigrad: {message}\n"


def test_points_and_commas_in_one_column_of_numbers_are_refused(capsys):
    rows = read_houses()[:3]
    rows[0]["area"], rows[1]["area"] = "100,5", "1.000"
    expected = "new.csv, line 3: '1.000' in the column 'area', which is one of numbers"
    assert expected in refuse(capsys, "sold", write(rows, separator=";"))


def test_data_that_is_none_is_refused(capsys, folder):
    Path("empty.csv").write_text("", "utf-8")
    assert refuse(capsys, "price", "empty.csv") == "minigrad: empty.csv is empty\n"
    assert "new.csv has 0 rows below the names of its columns; at least one is" in refuse(capsys, "price", write([]))
    assert "houses.csv\\x1b: No such file" in refuse(capsys, "price", "houses.csv\x1b").replace("\x1b", "\\x1b")
    assert "colours: Is a directory" in refuse(capsys, "price", "colours")
    assert "one table at a time, got 2 files" in refuse(capsys, "price", "houses.csv", "houses.csv")
    assert "colours/dark/0.png is not UTF-8 text" in refuse(capsys, "price", "colours/dark/0.png")
    assert "houses.csv is no image that Pillow knows, or it is broken" in refuse(capsys, "colours", "houses.csv")
    assert "nothing: No such file or directory" in refuse(capsys, "colours", "colours", "nothing")
    Path("none", "deeper", "still").mkdir(parents=True)
    shutil.copy("colours/dark/0.png", "none/deeper/still")
    assert "none has no images, nor have the folders in it" in refuse(capsys, "colours", "none")
    Path("colours/dark/0.png").write_bytes(Path("colours/dark/0.png").read_bytes()[:60])
    assert "minigrad: colours/dark/0.png " in refuse(capsys, "colours", "colours")


def test_images_may_be_anywhere_and_of_any_size_and_colour(capsys):
    (_, *expected), _ = predict(capsys, "colours", "colours")
    Path("album/.hidden").mkdir(parents=True)
    for number, (file, *_) in enumerate(expected):
        Image.open(file).resize((64, 48), Image.Resampling.NEAREST).save(f"album/{number:02}.png")
    Path("album/notes.txt").write_text("no image", "utf-8")
    (_, *found), said = predict(capsys, "colours", "album")
    assert said == ""
    assert [row[0] for row in found] == [f"album/{number:02}.png" for number in range(len(expected))]
    several = ["album/03.png", "colours/light", "album/01.png"]
    (_, *found), said = predict(capsys, "colours", *several)
    assert [row[0] for row in found] == [several[0], *(row[0] for row in expected if "light" in row[0]), several[2]]
    assert "class, known of 12 of 14 images: " in said
    assert [row for row in found if "light" in row[0]] == [row for row in expected if "light" in row[0]]


def test_grey_images_and_coloured_ones_are_read_by_either_model(capsys):
    (_, *expected), _ = predict(capsys, "greys", "greys")
    for file, *_ in expected:
        Image.open(file).convert("RGB").save(file)  # the same grey, with three channels
    assert predict(capsys, "greys", "greys")[0][1:] == expected
    Image.new("RGB", (5, 5), (255, 0, 0)).save("red.png")
    Image.new("L", (5, 5), 76).save("grey.png")  # as light as that red
    red, grey = predict(capsys, "greys", "red.png", "grey.png")[0][1:]
    assert red[1:] == grey[1:]
    assert len(predict(capsys, "colours", "red.png", "grey.png")[0]) == 3


def test_checkpoints_of_something_else_are_refused_by_their_name(capsys):
    Run(replace(SETTINGS["copy"], steps=1), eager=True).save(Path("copy.safetensors"), [])
    expected = "copy.safetensors is no checkpoint of a table or of images, but one of `minigrad train copy`\n"
    assert refuse(capsys, "copy", "houses.csv").endswith(expected)
    save_checkpoint("linear.safetensors", nn.Linear(2, 2, rng=np.random.default_rng(0)))
    assert refuse(capsys, "linear", "houses.csv").endswith("is no checkpoint of a table or of images\n")
    assert "missing.safetensors: No such file or directory" in refuse(capsys, "missing", "houses.csv")
    Path("junk.safetensors").write_bytes(b"\x00junk" * 10)
    assert "cannot load junk.safetensors" in refuse(capsys, "junk", "houses.csv")


def change_notes(name, change):
    arrays, texts = load_arrays(f"{name}.safetensors")
    notes = json.loads(texts[NOTES])
    change(notes)
    save_arrays(f"{name}.safetensors", arrays, texts | {NOTES: json.dumps(notes)})


def test_a_checkpoint_that_does_not_say_how_data_is_read_is_refused(capsys):
    for name in ("price", "greys"):
        change_notes(name, lambda notes: notes.pop(readers.READER))
        said = refuse(capsys, name, "houses.csv")
        assert f"{name}.safetensors does not say how its data is read" in said
        assert "go on with --resume and some more --steps" in said


WRONG = [
    lambda reader: reader.pop("target"),
    lambda reader: reader["target"].pop("name"),
    lambda reader: reader["target"].update(classes="ab"),
    lambda reader: reader["target"].update(classes=["a", "a"]),
    lambda reader: reader["target"].update(centre="0"),
    lambda reader: reader["target"].update(deviation=0),
    lambda reader: reader["target"].update(centre=float("nan")),
    lambda reader: reader.update(columns=[3]),
    lambda reader: reader.update(columns=None),
    lambda reader: reader["columns"][0].update(name=["area"]),
    lambda reader: reader["columns"][0].update(name="garden"),
    lambda reader: reader["columns"][0].update(name="price"),
    lambda reader: reader["columns"][1].update(categories=[1, 2]),
    lambda reader: reader["columns"][1].update(deviation=True),
    lambda reader: reader["columns"][1].update(deviation=[*range(10_000)]),
    lambda reader: reader["target"].update(classes=[*range(10_000)]),
]


@pytest.mark.parametrize("change", WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_understood_in_a_checkpoint_is_refused(change, capsys):
    change_notes("price", lambda notes: change(notes[readers.READER]))
    error = refuse(capsys, "price", "houses.csv")
    assert "what it says of how data is read cannot be understood: " in error
    assert len(error) < 200


@pytest.mark.parametrize("value", [3, None, [], "reader"])
def test_what_is_no_reader_at_all_is_refused(value, capsys):
    change_notes("price", lambda notes: notes.update({readers.READER: value}))
    assert "what it says of how data is read cannot be understood: " in refuse(capsys, "price", "houses.csv")


MISFITS = {
    "price": [
        lambda reader: reader["target"].update(classes=["a", "b"]),
        lambda reader: reader["columns"].pop(),
        lambda reader: reader["columns"][1]["categories"].append("perhaps"),
    ],
    "greys": [
        lambda reader: reader.update(size=10**9),
        lambda reader: reader.update(patch=3),
        lambda reader: reader.update(channels=3),
        lambda reader: reader["target"].update(classes=None),
        lambda reader: reader["target"].update(classes=["dark"]),
    ],
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_the_model_is_refused(name, capsys):
    whole = Path(f"{name}.safetensors").read_bytes()
    for change in MISFITS[name]:
        Path(f"{name}.safetensors").write_bytes(whole)
        change_notes(name, lambda notes, change=change: change(notes[readers.READER]))
        said = refuse(capsys, name, "houses.csv" if name == "price" else "greys")
        assert "what it says of how data is read does not fit its model" in said


def test_the_model_is_of_the_kind_that_reads_such_data(capsys):
    notes = json.loads(load_arrays("price.safetensors")[1][NOTES])
    change_notes("greys", lambda others: others.update({readers.READER: notes[readers.READER]}))
    assert "it holds a VisionTransformer, not a TableTransformer" in refuse(capsys, "greys", "houses.csv")


def test_a_model_that_has_diverged_is_said_to_have(capsys):
    model = nn.TableTransformer.load("price.safetensors")
    model.readout.bias.data = np.array([np.nan], np.float32)
    notes = json.loads(load_arrays("price.safetensors")[1][NOTES])
    save_checkpoint("price.safetensors", model, metadata=notes)
    assert "answers with NaN or infinity: its training has diverged" in refuse(capsys, "price", "houses.csv")


def test_a_reader_is_what_its_description_says():
    for found in (*(TableData(Path("houses.csv"), target) for target in KINDS), ImageData(Path("greys"))):
        described = json.loads(json.dumps(found.reader.describe()))
        assert readers.load_reader(described) == found.reader


def test_what_is_longer_than_a_header_should_be_is_not_saved(monkeypatch, capsys):
    rows = read_houses()
    for number, row in enumerate(rows):
        row["garden"] = f"{number % 50:03}" + "é" * 3000
    reader = TableData(Path(write(rows)), "price").reader
    assert readers.save_reader(reader) == {}
    assert train("table --data new.csv --target price --steps 1 --out long") == 0
    capsys.readouterr()
    assert "or it knows more categories than a checkpoint holds" in refuse(capsys, "long/table", "new.csv")


def test_texts_are_written_as_they_are_and_a_terminal_is_spared_what_moves_its_cursor(capsys, monkeypatch):
    rows = read_houses()
    for row in rows:
        row["sold"] = {"fast": "fast\x1b[2J", "slowly, at last": 'slowly, "at\nlast"'}[row["sold"]]
    write(rows)
    assert train("table --data new.csv --target sold --steps 2 --out .") == 0
    capsys.readouterr()
    (_, *answers), _ = predict(capsys, "table", "new.csv")
    assert {answer[0] for answer in answers} <= {row["sold"] for row in rows}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["predict", "table.safetensors", "--data", "new.csv"]) == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert captured.out.count("\n") == len(rows) + 1


def test_a_reader_that_has_enough_goes_away():
    environment = os.environ | {"PYTHONPATH": str(Path(minigrad.__file__).parent.parent), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "minigrad", "predict", "price.safetensors", "--data", "houses.csv"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    errors = process.communicate(timeout=60)[1]
    assert (process.returncode, errors) == (141, b"")


def test_going_on_from_an_old_checkpoint_adds_how_its_data_is_read(capsys, monkeypatch):
    small = replace(SETTINGS["table"], width=16, heads=2, layers=1)
    monkeypatch.setitem(SETTINGS, "table", small)
    change_notes("price", lambda notes: notes.pop(readers.READER))
    Path("old").mkdir()
    os.replace("price.safetensors", "old/table.safetensors")
    assert train("table --data houses.csv --target price --out old --resume --steps 41") == 0
    capsys.readouterr()
    assert len(predict(capsys, "old/table", "houses.csv")[0]) == 121


def test_the_rows_held_out_are_what_a_script_finds():
    found = TableData(Path("houses.csv"), "price")
    assert np.array_equal(np.flatnonzero(data.hold_out([0] * 120)), found.validation)
