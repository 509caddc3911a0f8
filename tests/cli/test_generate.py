"""`minigrad generate`: a text from a checkpoint alone, and files and arguments that give none."""

import itertools
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import data, nn
from minigrad.__main__ import main
from minigrad.cli import generate
from minigrad.cli.run import SETTINGS, Run
from minigrad.io import load_arrays, save_arrays, save_checkpoint
from minigrad.io.checkpoint import MODEL, NOTES
from minigrad.nn import language

CHARACTERS = "\n\x1b abcdé"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new_model(width=8, **options):
    return nn.LanguageModel(len(CHARACTERS), width, 2, 1, context=6, rng=np.random.default_rng(0), **options)


@pytest.fixture
def saved():
    model = new_model()
    save_checkpoint("text.safetensors", model, metadata={"vocabulary": CHARACTERS})
    return model


def write(capsys, *arguments, path="text.safetensors"):
    """What is printed, without the end of the line."""
    assert main(["generate", str(path), *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.removesuffix("\n")


def test_what_was_trained_on_a_file_of_ones_own_writes_with_its_characters(capsys, monkeypatch):
    monkeypatch.setitem(SETTINGS, "text", replace(SETTINGS["text"], tokens=16, width=8, heads=2, layers=1))
    Path("novel.txt").write_text("Die Möwe flog über das Meer. " * 40, encoding="utf-8")
    assert main(["train", "text", "--data", "novel.txt", "--steps", "2", "--out", "results"]) == 0
    capsys.readouterr()
    Path("novel.txt").unlink()
    text = write(capsys, "--prompt", "Möwe", "--length", "30", path="results/text.safetensors")
    assert text.startswith("Möwe")
    assert len(text) == 34
    assert set(text) <= set("Die Möwe flog über das Meer. ")


def test_the_same_seed_writes_the_same_text_and_another_one_another(capsys, saved):
    default = write(capsys, "--prompt", "ab")
    assert default == write(capsys, "--prompt", "ab", "--seed", "0", "--length", "400", "--temperature", "0.8")
    assert default != write(capsys, "--prompt", "ab", "--seed", "1")


def test_it_is_what_the_model_generates(capsys, saved):
    vocabulary = data.Vocabulary(CHARACTERS)
    options = "--prompt", "ad", "--length", "20", "--temperature", "1.5", "--top-k", "3", "--seed", "4"
    tokens = saved.generate(vocabulary.encode("ad"), 20, np.random.default_rng(4), 1.5, 3)
    assert write(capsys, *options) == vocabulary.decode(tokens).replace("\x1b", r"\x1b")


@pytest.mark.parametrize("option", ["--temperature=0", "--top-k=1", "--temperature=1e-320"])
def test_the_likeliest_alone(capsys, saved, option):
    ids = data.Vocabulary(CHARACTERS).encode("ba")
    for _ in range(12):
        following = saved(ids[-6:]).numpy()[-1].argmax()
        ids = np.append(ids, following)
    expected = data.Vocabulary(CHARACTERS).decode(ids).replace("\x1b", r"\x1b")
    for seed in ("1", "2"):
        assert write(capsys, "--prompt", "ba", "--length", "12", "--seed", seed, option) == expected


def test_nothing_that_it_writes_moves_the_cursor(capsys, saved):
    text = write(capsys, "--prompt", "a\x1b\nb", "--length", "300", "--temperature", "1000")
    assert text.startswith("a\\x1b\nb")
    assert "\x1b" not in text


REFUSED = {
    "": "argument --prompt: expected at least one character",
    "axa": "--prompt: character 'x' (U+0078) at position 1 is not among the 8 characters of the vocabulary of text.",
    "a\udcff": r"argument --prompt: character '\udcff' (U+DCFF) at position 1 is not among the 8 characters",
}


def refuse(capsys, *arguments):
    assert main(["generate", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("minigrad: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize("prompt", REFUSED)
def test_a_prompt_that_the_model_cannot_read_is_refused(capsys, saved, prompt):
    assert REFUSED[prompt] in refuse(capsys, "text.safetensors", "--prompt", prompt)


@pytest.mark.parametrize(
    ("option", "values", "expected"),
    [
        ("--temperature", ["-1", "nan", "inf", "1001", "hot", ""], "a number from 0 to 1,000"),
        ("--top-k", ["0", "-1", "1.5", "all"], "a whole number from 1 to 1,114,112"),
        ("--length", ["0", "100001", "x"], "a whole number from 1 to 100,000"),
        ("--seed", ["-1", "4294967296"], "a whole number from 0 to 4,294,967,295"),
    ],
)
def test_numbers_out_of_range_are_refused_with_the_range(capsys, saved, option, values, expected):
    for value in values:
        error = refuse(capsys, "text.safetensors", "--prompt", "a", f"{option}={value}")
        assert f"argument {option}: expected {expected}, got '{value}'" in error


@pytest.mark.parametrize("task", ["copy", "reverse", "sort"])
def test_a_checkpoint_of_another_task_is_refused_by_its_name(capsys, task):
    Run(replace(SETTINGS[task], steps=1), eager=True).save(Path("text.safetensors"), [])
    expected = f"is no checkpoint of a model of text with its characters, but one of `minigrad train {task}`"
    assert expected in refuse(capsys, "text.safetensors", "--prompt", "a")


NOTES_REFUSED = [
    {},
    {"settings": 3},
    {"settings": {"task": ["copy"]}},
    {"vocabulary": ""},
    {"vocabulary": [*CHARACTERS]},
    {"vocabulary": {"a": 1}},
]


@pytest.mark.parametrize("notes", NOTES_REFUSED)
def test_a_checkpoint_without_characters_is_refused(capsys, notes):
    save_checkpoint("text.safetensors", new_model(), metadata=notes)
    expected = "text.safetensors is no checkpoint of a model of text with its characters\n"
    assert refuse(capsys, "text.safetensors", "--prompt", "a").endswith(expected)


@pytest.mark.parametrize("characters", [CHARACTERS[:-1], CHARACTERS + "z", CHARACTERS[::-1], "a" * 8])
def test_characters_that_are_not_those_of_the_model_are_refused(capsys, characters):
    save_checkpoint("text.safetensors", new_model(), metadata={"vocabulary": characters})
    assert "different characters, its model has 8" in refuse(capsys, "text.safetensors", "--prompt", "a")


def test_other_models_and_files_are_refused(capsys, saved, folder):
    linear = nn.Linear(2, 2, rng=np.random.default_rng(0))
    save_checkpoint("linear.safetensors", linear, metadata={"vocabulary": "ab"})
    assert "it holds a Linear, not a LanguageModel" in refuse(capsys, "linear.safetensors", "--prompt", "a")
    arrays, texts = load_arrays("text.safetensors")
    old = {key: text for key, text in texts.items() if key != MODEL}
    save_arrays("old.safetensors", arrays, old)
    assert "does not say how its model is made" in refuse(capsys, "old.safetensors", "--prompt", "a")
    save_arrays("bad.safetensors", arrays, texts | {NOTES: "[1]"})
    assert "metadata is a JSON list, expected an object" in refuse(capsys, "bad.safetensors", "--prompt", "a")
    recipe = json.loads(texts[MODEL])
    for context in (0, -1, "x", 1.5, [6]):
        lying = recipe | {"keywords": recipe["keywords"] | {"context": context}}
        save_arrays("bad.safetensors", arrays, texts | {MODEL: json.dumps(lying)})
        assert "must be a whole number, at least 1" in refuse(capsys, "bad.safetensors", "--prompt", "a")
    assert "missing.safetensors: No such file or directory" in refuse(capsys, "missing.safetensors", "--prompt", "a")
    assert ": Is a directory" in refuse(capsys, str(folder), "--prompt", "a")
    Path("junk").write_bytes(b"\x00junk" * 10)
    assert "cannot load junk" in refuse(capsys, "junk", "--prompt", "a")
    shutil.copyfile("text.safetensors", "ok")
    write(capsys, "--prompt", "a", "--length", "1", path="ok")


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("options", [[], ["--temperature=0"], ["--top-k=2"]])
def test_a_model_that_has_diverged_is_said_to_have(capsys, value, options):
    model = new_model()
    model.readout.bias.data = np.full(len(CHARACTERS), value, np.float32)
    save_checkpoint("text.safetensors", model, metadata={"vocabulary": CHARACTERS})
    assert "the largest logit is NaN or infinite" in refuse(capsys, "text.safetensors", "--prompt", "a", *options)


def start(*arguments):
    """`minigrad generate` in a process of its own that writes into a pipe, long enough to be met at it."""
    environment = os.environ | {"PYTHONPATH": str(Path(minigrad.__file__).parent.parent), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "minigrad", "generate", "text.safetensors", "--prompt", "ab", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)


def test_a_character_is_in_the_pipe_as_soon_as_it_is_drawn(capsys, saved, monkeypatch):
    """Before each draw, what was drawn earlier has left the process."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    seen, draw = b"", language.draw_token

    def draw_and_look(*arguments):
        nonlocal seen
        if seen or lengths:
            seen += os.read(reader, 1000)
        lengths.append(len(seen.decode()))
        return draw(*arguments)

    lengths = []
    with open(writer, "w", encoding="utf-8") as pipe, monkeypatch.context() as patch:
        patch.setattr(language, "draw_token", draw_and_look)
        patch.setattr(sys, "stdout", pipe)
        assert main(["generate", "text.safetensors", "--prompt", "ab", "--length", "9", "--top-k", "1"]) == 0
    assert lengths[:2] == [0, 3]
    assert all(before < after for before, after in itertools.pairwise(lengths))
    seen += os.read(reader, 1000)
    os.close(reader)
    assert seen.decode() == write(capsys, "--prompt", "ab", "--length", "9", "--top-k", "1") + "\n"


def test_ctrl_c_ends_the_text_where_it_is(capsys, saved):
    process = start("--length", "100000")
    begin = process.stdout.read(30)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"minigrad: interrupted\n")
    text = (begin + output).decode()
    assert text.endswith("\n")
    written = text.removesuffix("\n")
    assert 2 < len(written) < 100_000
    assert write(capsys, "--prompt", "ab", "--length", str(len(written))).startswith(written)


def test_ctrl_c_before_the_first_character_writes_nothing(capsys, saved, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(language, "draw_token", interrupt)
    assert main(["generate", "text.safetensors", "--prompt", "ab"]) == 130
    assert tuple(capsys.readouterr()) == ("", "minigrad: interrupted\n")


def test_a_reader_that_has_enough_goes_away(saved):
    process = start("--length", "100000")
    assert process.stdout.read(10).startswith(b"ab")
    process.stdout.close()
    errors = process.communicate(timeout=60)[1]
    assert (process.returncode, errors) == (141, b"")


def test_a_model_whose_logits_break_off_leaves_what_it_wrote(capsys, saved, monkeypatch):
    read, calls = language.LanguageModel._read_last, []

    def break_off(*arguments):
        calls.append(arguments)
        if len(calls) > 4:
            raise ValueError("the largest logit is NaN")
        return read(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(language.LanguageModel, "_read_last", break_off)
        assert main(["generate", "text.safetensors", "--prompt", "ab", "--top-k", "1"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "minigrad: text.safetensors: the largest logit is NaN\n"
    assert captured.out.removesuffix("\n") == write(capsys, "--prompt", "ab", "--top-k", "1", "--length", "4")


def test_the_checkpoint_is_read_once(capsys, saved, monkeypatch):
    read, paths = generate.read_checkpoint, []
    monkeypatch.setattr(generate, "read_checkpoint", lambda path: (paths.append(path), read(path))[1])
    monkeypatch.setattr("minigrad.io.checkpoint.load_arrays", lambda path: (paths.append(path), load_arrays(path))[1])
    write(capsys, "--prompt", "ab", "--length", "1")
    assert len(paths) == 2  # once by each of the two names
