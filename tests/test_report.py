"""Report: what is on the page, when it is written, and that training does not notice."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.training import fit


def silent(record):
    pass


class Run:
    """A small model of attention, its step, and its data."""

    def __init__(self):
        self.rng = np.random.default_rng(0)
        self.model = nn.LanguageModel(vocabulary=5, width=8, heads=2, layers=2, context=6, rng=self.rng, dropout=0.1)
        self.optimiser = optim.Adam(self.model.parameters(), rate=0.01)
        self.step = mg.compile(self.take)

    def take(self, tokens, targets):
        self.optimiser.zero_grad()
        with mg.generator(self.rng):
            loss = mg.cross_entropy(self.model(tokens), targets)
        loss.backward()
        self.optimiser.step()
        return loss

    def batches(self, count):
        drawn = np.random.default_rng(1).integers(5, size=(count, 4, 7))
        return [(tokens[:, :-1], tokens[:, 1:]) for tokens in drawn]

    def fit(self, steps=4, **options):
        return fit(self.step, self.batches(steps), steps, log=silent, every=2, **options)


class Reader(HTMLParser):
    """What a page would ask others for, and its texts."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.headings, self.inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.inside = tag
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action", "data")]

    def handle_data(self, data):
        if self.inside in ("h1", "h2"):
            self.headings.append(data)
        self.inside = ""


def test_the_page_has_curves_norms_checks_samples_maps_and_the_explorer(tmp_path):
    run, path = Run(), tmp_path / "run.html"
    samples = iter(["first <b>", "second"])
    texts = [f"t{i}" for i in range(6)]
    report = mg.Report(path, model=run.model, sample=lambda: next(samples), tokens=lambda row: texts)
    history = run.fit(report=report, check_gradients=2, validate=lambda: 0.5)
    text = path.read_text("utf-8")
    page = Reader(text)
    assert page.headings == [
        "A training run", "Loss", "Gradients by layer", "Checks while it trains", "Samples",
        "Attention, one example", "One example, step by step",
    ]  # fmt: skip
    assert page.addresses == []  # nothing is asked of anybody
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import", text)
    assert "finished" in text
    assert "location.reload" not in text.split("srcdoc=")[0]
    assert "2 steps were checked" in text
    assert "first &lt;b&gt;" in text
    assert "second" in text
    assert text.count("transformer/blocks/1/attention</text>") == 1
    assert ">t3<" in text
    assert "srcdoc=" in text
    layers = history[-1]["layers"]
    assert list(layers) == ["embedding", "transformer.blocks.0", "transformer.blocks.1", "transformer.norm", "readout"]
    assert all(length > 0 for length in layers.values())
    for name in layers:
        assert f">{name}</text>" in text


def test_the_lengths_are_those_of_the_gradients(tmp_path):
    run = Run()
    run.model.eval()
    (batch,) = run.batches(1)
    layers = mg.Report(tmp_path / "run.html", model=run.model).measure_layers(run.step, batch)
    loss = mg.cross_entropy(run.model(batch[0]), batch[1])
    loss.backward()
    for name, length in layers.items():
        parameters = [p for path, p in run.model.named_parameters() if path.startswith(f"{name}.")]
        assert length == pytest.approx(np.sqrt(sum(np.square(p.grad).sum() for p in parameters)), rel=1e-4)


def test_training_does_not_notice(tmp_path):
    with_report, without = Run(), Run()
    with_report.fit(report=mg.Report(tmp_path / "run.html", model=with_report.model))
    without.fit()
    for ours, plain in zip(with_report.model.parameters(), without.model.parameters(), strict=True):
        assert ours.numpy().tobytes() == plain.numpy().tobytes()
        assert ours.grad is None
    assert with_report.rng.bit_generator.state == without.rng.bit_generator.state


def test_it_is_there_at_once_and_at_every_record_and_reloads_until_the_end(tmp_path):
    run, path = Run(), tmp_path / "run.html"
    seen = []
    step = run.step

    def look(*batch):
        seen.append(path.read_text("utf-8"))
        return step(*batch)

    fit(look, run.batches(3), 3, log=silent, every=2, report=mg.Report(path))
    pages = [text for i, text in enumerate(seen) if i == 0 or text != seen[i - 1]]
    assert all("location.reload" in text for text in pages)
    assert "before the first record" in pages[0]
    assert any("2 of 3 steps" in text for text in seen)
    assert "finished" in path.read_text("utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["run.html"]


def test_a_failed_check_is_on_the_page(tmp_path, monkeypatch):
    run, path = Run(), tmp_path / "run.html"
    monkeypatch.setitem(mg.registry["relu"].by_position, 0, lambda g, y, x: mg.where(x > 0, g * 1.01, 0.0))
    with pytest.raises(mg.GradientCheckError):
        run.fit(report=mg.Report(path, model=run.model), check_gradients=1)
    text = path.read_text("utf-8")
    assert "What stopped it" in text
    assert "WRONG" in text
    assert "stopped after 0 of 4 steps" in text


def test_a_step_that_cannot_be_traced_has_curves_and_says_why_there_is_no_more(tmp_path):
    path = tmp_path / "run.html"
    fit(lambda x: float(x.sum()), [(np.ones(2),)], 1, log=silent, report=mg.Report(path))
    text = path.read_text("utf-8")
    assert "takes no gradient" in text or "cannot be traced" in text
    assert "finished" in text


def test_what_validation_measures_may_have_a_picture_of_its_own(tmp_path):
    run, path = Run(), tmp_path / "run.html"
    run.fit(report=mg.Report(path, measure="share of right answers"), validate=lambda: 0.25)
    assert "Measured: share of right answers." in path.read_text("utf-8")


def test_a_picture_may_be_a_sample(tmp_path):
    run, path = Run(), tmp_path / "run.html"
    run.fit(report=mg.Report(path, sample=lambda: mg.heatmap(np.eye(2), title="my picture")))
    assert ">my picture<" in path.read_text("utf-8")


@pytest.mark.parametrize(("name", "error", "says"), [
    ("run.txt", ValueError, "must end in .html"), ("no/such/run.html", FileNotFoundError, "no/such"),
])  # fmt: skip
def test_a_place_that_is_none_is_refused_at_once(tmp_path, name, error, says):
    with pytest.raises(error, match=says):
        mg.Report(tmp_path / name)
