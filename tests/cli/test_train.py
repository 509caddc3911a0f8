"""`minigrad train`: what is learned, shown and saved, and going on from where it stopped."""

import json
import os
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from minigrad import data, ops
from minigrad.__main__ import main
from minigrad.cli import run as runs
from minigrad.cli.run import SETTINGS, resume_run
from minigrad.core.record import registry
from minigrad.io import load_arrays, save_arrays
from minigrad.io.checkpoint import NOTES


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def short_text(monkeypatch):
    """A piece of the text, and a model to match: some steps take no time."""
    whole = data.python_topics()
    short = replace(whole, train=whole.train[:5000], validation=whole.train[5000:6000])
    monkeypatch.setattr(data, "python_topics", lambda: short)
    monkeypatch.setitem(SETTINGS, "text", replace(SETTINGS["text"], tokens=32, width=16, heads=2, layers=2))


def train(*arguments):
    return main(["train", *arguments])


def state(path):
    """Everything in a checkpoint that decides how training goes on."""
    arrays, texts = load_arrays(path)
    return {name: array.tobytes() for name, array in arrays.items()}, texts["minigrad.generator.training"]


def history(path):
    return json.loads(load_arrays(path)[1][NOTES])["history"]


@pytest.mark.deep
def test_reversal_is_learned_and_the_attention_is_an_anti_diagonal(capsys):
    assert train("reverse", "--steps", "150") == 0
    output = capsys.readouterr()
    assert "model     1 layer of 1 head, width 64, 10 tokens, 51,402 parameters" in output.out
    assert "share of new sequences that are right in every place: 100.0%" in output.out
    assert output.err.count("validation") == 19  # lines of progress, at most 20
    run = resume_run(Path("minigrad-train/reverse.safetensors"), "reverse", None, None)
    (weights,) = run.attention(*run.data.example().inputs)
    assert weights.numpy()[0].argmax(axis=-1).tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    picture = Path("minigrad-train/reverse_attention_layer_0.svg").read_text("utf-8")
    assert "reverse: attention weights, layer 0" in picture


@pytest.mark.deep
@pytest.mark.parametrize("task", ["copy", "sort"])
def test_the_other_tasks_train(task, capsys):
    assert train(task, "--steps", "2") == 0
    assert re.search(r"right in every place: \d+\.\d%", capsys.readouterr().out)
    assert os.path.exists(f"minigrad-train/{task}.safetensors")


@pytest.mark.deep
@pytest.mark.usefixtures("short_text")
def test_text_is_compared_with_the_baselines_and_sampled(capsys):
    assert train("text", "--steps", "2") == 0
    shown = capsys.readouterr().out
    losses = dict(re.findall(r"^  (\w\S* ?\w*) +(\d\.\d{4})", shown, re.MULTILINE))
    expected = data.ngram_baselines(data.python_topics().train, data.python_topics().validation)
    assert losses.pop("this model") == f"{history('minigrad-train/text.safetensors')[-1]['validation']:.4f}"
    assert {name.strip(): loss for name, loss in losses.items()} == {
        f"{order}-gram": f"{loss:.4f}" for order, loss in expected.items()
    }
    assert "a sample of what it writes:\n\nThe " in shown
    written = {"text.safetensors", "text_attention_layer_0.svg", "text_attention_layer_1.svg"}
    assert set(os.listdir("minigrad-train")) == written


@pytest.mark.deep
@pytest.mark.usefixtures("short_text")
@pytest.mark.parametrize("task", ["text", "reverse"])
def test_L2_K9_a_run_that_was_interrupted_goes_on_bit_for_bit(task, interrupt_at, capsys):
    assert train(task, "--steps", "9", "--seed", "5", "--out", "whole") == 0
    interrupt_at(4)
    assert train(task, "--steps", "9", "--seed", "5", "--out", "parts") == 130
    hint = f"interrupted after step 4 of 9; to go on: minigrad train {task} --out parts --resume\n"
    assert hint in capsys.readouterr().out
    assert state(f"parts/{task}.safetensors") != state(f"whole/{task}.safetensors")
    assert train(task, "--out", "parts", "--resume") == 0
    assert f"parts/{task}.safetensors: going on from step 4\n" in capsys.readouterr().out
    assert state(f"parts/{task}.safetensors") == state(f"whole/{task}.safetensors")
    assert history(f"parts/{task}.safetensors") == history(f"whole/{task}.safetensors")  # a record at every step
    for picture in Path("whole").glob("*.svg"):
        assert picture.read_bytes() == (Path("parts") / picture.name).read_bytes()


def test_a_second_ctrl_c_says_which_checkpoint_stands(interrupt_at, capsys):
    command = ["copy", "--steps", "6", "--out", "o"]
    assert train(*command, "--seed", "1") == 0
    capsys.readouterr()
    interrupt_at(1, times=2)  # what stands is of another run
    assert train(*command) == 130
    output = capsys.readouterr()
    assert "go on" not in output.out
    assert output.err == "minigrad: interrupted\n"
    interrupt_at(3, times=2)
    assert train(*command) == 130
    hint = "of 6; to go on: minigrad train copy --out o --resume\n"
    assert capsys.readouterr().out.endswith(f"interrupted at once; o/copy.safetensors has step 2 {hint}")
    assert history("o/copy.safetensors")[-1]["step"] == 2
    assert train("copy", "--out", "o", "--resume") == 130
    assert capsys.readouterr().out.endswith(f"interrupted at once; o/copy.safetensors has step 2 {hint}")
    interrupt_at(0)
    assert train("copy", "--out", "o", "--resume") == 0


@pytest.mark.parametrize("steps", ["3", "5"])
def test_a_run_that_goes_on_has_a_page(steps, capsys):
    train("copy", "--steps", "3")
    assert train("copy", "--resume", "--steps", steps, "--report") == 0
    page = Path("minigrad-train/copy.html").read_text("utf-8")
    assert "finished" in page
    assert "not reached" not in page
    assert "Samples" in page
    assert "copy_attention_layer_0.svg, copy.html\n" in capsys.readouterr().out


@pytest.mark.deep
def test_equal_runs_write_equal_bytes():
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        train("copy", "--steps", "3", "--seed", seed, "--out", folder)
    a, b, c = (Path(folder, "copy.safetensors").read_bytes() for folder in "abc")
    assert a == b != c


@pytest.mark.deep
def test_a_finished_run_can_be_made_longer(capsys):
    train("copy", "--steps", "3")
    assert train("copy", "--resume") == 0
    assert "all 3 steps are done; a larger --steps goes on" in capsys.readouterr().out
    assert train("copy", "--resume", "--steps", "5") == 0
    assert [record["step"] for record in history("minigrad-train/copy.safetensors")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("copy --resume --steps 2", "has 3 steps already: give --steps of at least as many"),
        ("copy --resume --seed 1", "was made with --seed 0; go on with that, or start without --resume"),
        ("sort --resume", "has settings of another task or version: task='copy' instead of 'sort', "),
    ],
)
def test_L1_what_cannot_be_gone_on_with_is_refused(arguments, message, capsys):
    train("copy", "--steps", "3")
    os.link("minigrad-train/copy.safetensors", "minigrad-train/sort.safetensors")
    assert train(*arguments.split()) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("minigrad: minigrad-train/")
    assert message in error


STEPS_OF_WORDS = {"settings": asdict(replace(SETTINGS["copy"], steps="many")), "data": "copy 10 digits", "history": []}
HISTORIES = ["abc", [1], [{}], [{"step": 1, "loss": "0.5", "validation": 0.5}], [{"step": 1, "loss": 0.5}]]


@pytest.mark.parametrize(
    "notes",
    [
        *(json.dumps({**STEPS_OF_WORDS, "settings": asdict(SETTINGS["copy"]), "history": x}) for x in HISTORIES),
        json.dumps(STEPS_OF_WORDS),
        "{}",
        '{"settings": {"task": "copy"}}',
        '{"settings": 3, "data": ""}',
        "[1]",
        "no",
    ],
)
def test_L1_a_file_that_is_no_checkpoint_of_ours_is_refused(notes, capsys):
    os.mkdir("minigrad-train")
    save_arrays("minigrad-train/copy.safetensors", {}, {NOTES: notes})
    assert train("copy", "--resume") == 2
    assert capsys.readouterr().err.endswith("copy.safetensors is not a checkpoint of `minigrad train`\n")


NUMBERS = [*range(10_000)]
PAGES = {
    "many numbers for the task": {"settings": asdict(SETTINGS["copy"]) | {"task": NUMBERS}},
    "many settings": {"settings": asdict(SETTINGS["copy"]) | {f"setting {number}": 0 for number in NUMBERS}},
    "a setting with a long name": {"settings": asdict(SETTINGS["copy"]) | {"long " * 10_000: 0}},
    "many numbers for the data": {"data": NUMBERS},
    "a long text for the data": {"data": "long " * 10_000},
}


@pytest.mark.parametrize("case", PAGES)
def test_L1_what_a_checkpoint_says_is_cut_where_it_is_quoted(case, capsys):
    train("copy", "--steps", "1")
    arrays, texts = load_arrays("minigrad-train/copy.safetensors")
    notes = json.dumps(json.loads(texts[NOTES]) | PAGES[case])
    save_arrays("minigrad-train/copy.safetensors", arrays, texts | {NOTES: notes})
    capsys.readouterr()
    assert train("copy", "--resume") == 2
    error = capsys.readouterr().err
    assert "copy.safetensors has settings of another" in error or "copy.safetensors was trained on other data" in error
    assert len(error) < 1000


def test_L1_a_checkpoint_that_has_lost_its_history_is_refused(capsys):
    train("copy", "--steps", "2")
    arrays, texts = load_arrays("minigrad-train/copy.safetensors")
    notes = json.dumps(json.loads(texts[NOTES]) | {"history": []})
    save_arrays("minigrad-train/copy.safetensors", arrays, texts | {NOTES: notes})
    assert train("copy", "--resume") == 2
    assert capsys.readouterr().err.endswith("copy.safetensors is not a checkpoint of `minigrad train`\n")


@pytest.mark.usefixtures("short_text")
def test_going_on_with_another_text_is_refused(monkeypatch, capsys):
    train("text", "--steps", "2")
    other = replace(data.python_topics(), validation=data.python_topics().train[:1000])
    monkeypatch.setattr(data, "python_topics", lambda: other)
    assert train("text", "--resume", "--steps", "3") == 2
    assert "was trained on other data (pydoc_data.topics of Python" in capsys.readouterr().err


def test_L3_an_old_checkpoint_is_not_replaced_in_silence(capsys):
    train("copy", "--steps", "1")
    assert "overwrites" not in capsys.readouterr().out
    train("copy", "--steps", "1")
    expected = "minigrad-train is there already; overwrites in it: copy.safetensors, copy_attention_layer_0.svg\n"
    assert capsys.readouterr().out.startswith(expected)


def test_a_python_without_the_text_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    assert train("text") == 2
    assert capsys.readouterr().err.startswith("minigrad: python_topics reads pydoc_data.topics")


@pytest.mark.parametrize("eager", [False, True])
def test_steps_are_compiled_unless_told_otherwise(eager, capsys):
    assert train("reverse", "--steps", "2", *["--eager"] * eager) == 0
    assert (
        bool(re.search(r"^compiled  [\d.]+ ms a step, [\d.]+ times as fast", capsys.readouterr().out, re.M))
        is not eager
    )


def test_compiled_and_eager_runs_learn_the_same():
    histories = []
    for eager in (False, True):
        training = runs.Run(replace(SETTINGS["reverse"], steps=20), eager)
        training.fit(5, Path(f"eager {eager}"))
        histories.append([record["loss"] for record in training.history])
    assert histories[0] == pytest.approx(histories[1], rel=1e-3)


def test_check_gradients_checks_while_it_trains_and_trains_the_same(short_text, capsys):
    assert train("text", "--steps", "7", "--out", "checked", "--check-gradients", "3") == 0
    assert "  1 checked  " in capsys.readouterr().err
    assert train("text", "--steps", "7", "--out", "plain") == 0
    (checked, notes), (plain, _) = (load_arrays(Path(folder, "text.safetensors")) for folder in ("checked", "plain"))
    assert checked.keys() == plain.keys()
    assert all(array.tobytes() == plain[name].tobytes() for name, array in checked.items())
    history = json.loads(notes[NOTES])["history"]
    assert [check["step"] for record in history for check in record.get("checks", [])] == [1, 4, 7]


def test_without_a_number_the_first_step_and_every_150th_are_checked(short_text, capsys):
    assert train("text", "--steps", "2", "--check-gradients") == 0
    assert capsys.readouterr().err.count("checked") == 1


def test_report_is_a_page_about_the_run(short_text, capsys):
    assert train("text", "--steps", "4", "--out", "folder", "--report") == 0
    page = Path("folder/text.html").read_text("utf-8")
    assert "<h1>minigrad train text</h1>" in page
    assert "finished" in page
    assert "Samples" in page
    written = capsys.readouterr().out
    assert f"it fills in while training goes on: {Path('folder/text.html').resolve()}" in written
    assert "text_attention_layer_1.svg, text.html\n" in written


def test_the_page_of_a_task_shows_what_it_answers():
    assert train("reverse", "--steps", "2", "--report") == 0
    page = Path("minigrad-train/reverse.html").read_text("utf-8")
    assert "  wrong: " in page
    assert "Measured: share of new sequences that are right in every place." in page


def test_a_wrong_gradient_ends_the_run_with_the_report_and_a_checkpoint(short_text, capsys, monkeypatch):
    relu = registry["relu"]
    monkeypatch.setitem(relu.by_position, 0, lambda g, y, x: ops.multiply(ops.where(x > 0, g, 0.0), 1.01))
    assert train("text", "--steps", "5", "--out", "folder", "--check-gradients", "2") == 1
    report = capsys.readouterr().err
    assert "step 1: the gradients for " in report
    assert "saved before this step: folder/text.safetensors" in report
    assert resume_run(Path("folder/text.safetensors"), "text", None, None).done == 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_run_that_diverges_ends_as_any_other(short_text, monkeypatch, capsys):
    monkeypatch.setitem(SETTINGS, "text", replace(SETTINGS["text"], rate=3e3))
    assert train("text", "--steps", "20", "--report") == 0
    output = capsys.readouterr().out
    assert "the training has diverged" in output
    assert "written to" in output
