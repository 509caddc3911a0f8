"""fit: the loop, its history, and how it ends."""

import os
import signal
import sys
import threading

import pytest

from minigrad.training import fit


def silent(record):
    pass


def numbers(count):
    return ((float(i),) for i in range(1, count + 1))


def test_a_record_has_the_mean_loss_since_the_last_one_and_the_last_step_makes_one():
    history = fit(lambda x: x, numbers(10), steps=7, every=3, log=silent)
    assert [record["step"] for record in history] == [3, 6, 7]
    assert [record["loss"] for record in history] == [2.0, 5.0, 7.0]


def test_not_one_batch_more_is_taken_than_is_used():
    batches = numbers(10)
    fit(lambda x: x, batches, steps=4, log=silent)
    assert next(batches) == (5.0,)


def test_training_ends_where_the_batches_do():
    history = fit(lambda x: x, numbers(5), steps=100, every=2, log=silent)
    assert [record["step"] for record in history] == [2, 4, 5]


def test_the_model_is_measured_and_saved_at_every_record():
    calls = []
    history = fit(
        lambda x: calls.append("step") or x, numbers(4), steps=4, every=2, log=lambda record: calls.append("log"),
        validate=lambda: calls.append("validate") or 0.5, checkpoint=lambda records: calls.append(len(records)),
    )  # fmt: skip
    assert calls == ["step", "step", "validate", 1, "log", "step", "step", "validate", 2, "log"]
    assert [record["validation"] for record in history] == [0.5, 0.5]


def test_tokens_are_the_elements_of_the_first_array_of_a_batch():
    import numpy as np

    (record,) = fit(lambda x, y: 0.0, [(np.zeros((50, 20)), np.zeros(3))], steps=1, log=silent)
    assert isinstance(record["tokens_per_second"], int)
    (faster,) = fit(lambda x, y: 0.0, [(np.zeros((50, 20_000_000 // 50), bool), np.zeros(3))], steps=1, log=silent)
    assert faster["tokens_per_second"] > 10 * record["tokens_per_second"]


def test_a_run_that_is_resumed_has_the_same_history():
    def without_speed(history):
        return [(record["step"], record["loss"]) for record in history]

    whole = fit(lambda x: x, numbers(9), steps=9, every=2, log=silent)
    batches = numbers(9)
    half = fit(lambda x: x, batches, steps=4, every=2, log=silent)
    rest = fit(lambda x: x, batches, steps=9, every=2, log=silent, start=half[-1]["step"], history=half)
    assert without_speed(rest) == without_speed(whole)
    assert without_speed(half) == without_speed(whole)[:2]


def test_a_run_that_is_complete_does_nothing():
    assert fit(lambda x: 1 / 0, numbers(3), steps=3, start=3, log=silent) == []


def test_ctrl_c_ends_after_the_step_with_a_record_and_a_checkpoint():
    saved, finished = [], []

    def step(x):
        if x == 3.0:
            os.kill(os.getpid(), signal.SIGINT)
        finished.append(x)
        return x

    before = signal.getsignal(signal.SIGINT)
    history = fit(
        step, numbers(10), steps=10, every=5, log=silent, checkpoint=lambda records: saved.append(records[-1])
    )
    assert finished == [1.0, 2.0, 3.0]
    assert [record["step"] for record in history] == [3]
    assert saved == history
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_does_not_wait_for_the_step():
    def step(x):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the step went on")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(step, numbers(10), steps=10, log=silent)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_in_a_step_passes_and_ctrl_c_is_as_before():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        fit(lambda x: 1 / 0, numbers(3), steps=3, log=silent)
    assert signal.getsignal(signal.SIGINT) is before


def test_fit_runs_in_other_threads_too():
    histories = []
    thread = threading.Thread(target=lambda: histories.append(fit(lambda x: x, numbers(3), steps=3, log=silent)))
    thread.start()
    thread.join()
    assert histories[0][-1]["step"] == 3


def test_lines_show_where_it_is(capsys):
    fit(lambda x: x, numbers(12), steps=12, every=6, validate=lambda: 0.25)
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("step  6/12  loss 3.5000  validation 0.2500  ")
    assert last.startswith("step 12/12  loss 9.5000  validation 0.2500  ")
    assert last.endswith(" tokens/s  0:00 left")


def test_on_a_terminal_there_is_a_progress_bar(capsys, monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    fit(lambda x: x, numbers(12), steps=12, every=6)
    shown = capsys.readouterr().err
    assert "step 12/12  loss 9.5000" in shown
    assert "%|" in shown


def test_without_tqdm_there_are_lines(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    fit(lambda x: x, numbers(2), steps=2)
    assert capsys.readouterr().err.startswith("step 2/2  loss 1.5000")


@pytest.mark.parametrize("options", [{"start": 4}, {"start": -1}, {"every": 0}, {"check_gradients": -1}])
def test_bad_numbers_are_named(options):
    with pytest.raises(ValueError, match=r"fit: start=.* must be between 0 and steps=3, every=.* at least 1,"):
        fit(lambda x: x, numbers(3), steps=3, **options)
