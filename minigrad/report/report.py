"""Report: one page about a training run, written anew by `fit` at each record; no network is needed.

Curves, gradient norms by layer, checks, samples, maps of attention, and the explorer of one example. The page is
replaced as a whole: nobody reads half of it. While the run goes on it reloads itself, unless something on it is open.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from minigrad.checks.steps import SAME
from minigrad.checks.sweeps import TOLERANCE
from minigrad.core.errors import CaptureError, GradientCheckError
from minigrad.drawing.convert import check_folder
from minigrad.drawing.curves import LOOKS, lay_out_curves
from minigrad.drawing.explorer.explore import Page, write_page
from minigrad.drawing.explorer.samples import is_attention
from minigrad.drawing.heatmap import heatmap
from minigrad.drawing.sheet import Sheet
from minigrad.drawing.svg import write_svg
from minigrad.graph import Graph
from minigrad.io.atomic import write_atomically
from minigrad.report.example import follow_example, measure_gradients
from minigrad.report.pieces import STYLE, block, escape, paragraph

FRAME = Template(resources.files("minigrad.report").joinpath("report.html").read_text("utf-8"))
MOST_TOKENS, MOST_MAPS, MOST_SAMPLES = 32, 8, 20  # in pictures of attention, of these, and of those before the last
LOSSES = {"training": "loss", "validation": "validation"}  # in records, by what they are called in pictures
CHECKED = {"gradient": ("gradient", TOLERANCE), "program": ("new state", SAME)}  # what it is called, and what passes
RELOAD = """<noscript><meta http-equiv="refresh" content="5"></noscript>
<script>
setInterval(() => { if (!document.hidden && !document.querySelector("details[open]")) location.reload(); }, 5000);
</script>"""  # what is open is being read

Record = dict[str, Any]


class Report:
    """A page about a training run, written anew at each record of `fit(…, report=…)`.

    Args:
        path: where the page is, an .html.
        model: a module; its paths name the layers. Without it they are those of the scopes in the graph.
        sample: shows what the model does, at each record: returns a text, or a picture such as `mg.heatmap` makes.
        tokens: the texts of the tokens of one example, of the first row of a batch's first array.
        measure: what `validate` measures, where it is no loss: it has a curve of its own then.
        title: of the page.

    Raises:
        ValueError: a path that does not end in .html.
        FileNotFoundError: there is no folder for it.

    At each record the gradient of the last batch is computed once more, and one example is followed through the model
    and back; training stays what it is, bit for bit, where what the step does in Python, which is run once more to be
    traced, has no effect of its own, such as a counter.
    """

    def __init__(
        self, path: str | os.PathLike[str], model: Any = None, sample: Callable[[], Any] | None = None, *,
        tokens: Callable[[Any], Iterable[object]] | None = None, measure: str | None = None,
        title: str = "A training run",
    ) -> None:  # fmt: skip
        self.path = Path(path)
        if self.path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"Report: {self.path.name!r} must end in .html")
        check_folder(self.path.parent, "Report")
        self.model, self.sample, self.tokens, self.measure, self.title = model, sample, tokens, measure, title
        self._steps, self._untraced = 0, ""
        self._samples: list[tuple[str, str]] = []  # the newest first
        self._pieces: dict[str, str] = {}
        self._last: tuple[Callable[..., Any], Sequence[Any]] | None = None

    @contextmanager
    def follow(self, history: Sequence[Record], steps: int) -> Iterator[None]:
        """Inside, a run of so many steps; the page is there at once, and at the end says what has stopped it, if so."""
        self._steps = steps
        self._write(history, "before the first record", RELOAD)
        try:
            yield
        except BaseException as error:
            said = str(error) if isinstance(error, GradientCheckError) else f"{type(error).__name__}: {error}"
            self._pieces["problem"] = f'<section class="problem"><h2>What stopped it</h2>{block(said)}</section>'
            self._write(history, self._say_end(history))
            raise
        if self._last is not None:
            self._pieces["explorer"] = self._explore(follow_example(*self._last))
        self._write(history, self._say_end(history))

    def _say_end(self, history: Sequence[Record]) -> str:
        done = history[-1]["step"] if history else 0
        return "finished" if done == self._steps else f"stopped after {done:,} of {self._steps:,} steps"

    def measure_layers(self, step: Callable[..., Any], batch: Sequence[Any]) -> dict[str, float]:
        """The length of the gradient of each layer for this batch, at the present weights; {} where it is unknown."""
        self._last = step, batch
        try:
            found = measure_gradients(step, batch)
        except CaptureError as error:
            self._last, self._untraced = None, escape(str(error))
            return {}
        paths = {} if self.model is None else {id(p): name for name, p in self.model.named_parameters()}
        named = {paths.get(id(x.cell), x.path.replace("/", ".")): length for x, length in reversed(found)}
        order = [*(name for name in paths.values() if name in named), *named]  # as the model has them, or as it is used
        return _add_up_layers({tuple(name.split(".")): named[name] for name in dict.fromkeys(order)})

    def show(self, history: Sequence[Record]) -> None:
        """The page with everything that is known so far; `history` has a record at least."""
        step = history[-1]["step"]
        if self.sample is not None:
            self._samples.insert(0, (f"Step {step:,}", _show_sample(self.sample())))
        if self._last is not None:
            graph = follow_example(*self._last)
            self._pieces["maps"] = self._draw_maps(graph)
        self._write(history, f"{step:,} of {self._steps:,} steps", RELOAD)

    def _write(self, history: Sequence[Record], state: str, head: str = "") -> None:
        done = history[-1]["step"] if history else 0
        missing = f'<p class="awaited">{self._untraced or ("… not there yet" if head else "not reached")}</p>'
        places = dict.fromkeys(FRAME.get_identifiers(), missing) | {"problem": "", "tiles": ""} | self._pieces
        if history:
            places |= {
                "tiles": _show_figures(history[-1]),
                "losses": self._draw_losses(history),
                "layers": _draw_layers(history) or missing,
                "checks": _draw_checks(history),
            }
        places["samples"] = self._show_samples() if self._samples else ""
        places |= {"head": head, "style": STYLE, "title": escape(self.title), "state": escape(state)}
        places |= {"done": str(done), "steps": str(self._steps)}
        write_atomically(self.path, [FRAME.substitute(places).encode("utf-8")])

    def _draw_losses(self, history: Sequence[Record]) -> str:
        """Loss and validation; in one picture where they are of one kind."""
        steps = [record["step"] for record in history]
        curves = {name: (steps, [record.get(key, math.nan) for record in history]) for name, key in LOSSES.items()}
        known = {name: curve for name, curve in curves.items() if not all(map(math.isnan, curve[1]))}
        if self.measure is None or len(known) < 2:
            return _draw("loss", known, "Training loss is the mean since the point before.")
        apart = _draw("loss", {"training": known["training"]}, "The mean since the point before.")
        return apart + _draw("validation", {"validation": known["validation"]}, f"Measured: {self.measure}.")

    def _show_samples(self) -> str:
        (when, newest), *earlier = self._samples
        folded = "".join(f"<h3>{escape(step)}</h3>{shown}" for step, shown in earlier[:MOST_SAMPLES])
        older = f"<details><summary>Earlier samples</summary>{folded}</details>" if folded else ""
        return f"<h2>Samples</h2><h3>{escape(when)}</h3>{newest}{older}"

    def _read_tokens(self) -> list[str]:
        assert self._last is not None
        return [] if self.tokens is None else [str(token) for token in self.tokens(self._last[1][0][0])]

    def _draw_maps(self, graph: Graph) -> str:
        """Heat maps of the attention weights of one example."""
        tokens, maps = self._read_tokens(), [node for node in graph if is_attention(node) and node.op == "softmax"]
        if not maps:
            return paragraph("There is no attention in this model.")
        shown = []
        for node in maps[:MOST_MAPS]:
            heads = node.value.reshape(-1, *node.shape[-3:])[0][..., :MOST_TOKENS, :MOST_TOKENS]
            queries, keys = (tokens[:length] if len(tokens) >= length else None for length in heads.shape[-2:])
            picture = heatmap(heads, queries, keys, node.scope or "attention weights", theme="auto")
            shown.append(f'<figure><div class="picture">{picture.svg}</div></figure>')
        notes = [f"the first {MOST_TOKENS} tokens"] if max(maps[0].shape[-2:]) > MOST_TOKENS else []
        notes += [f"{MOST_MAPS} of {len(maps)} maps"] if len(maps) > MOST_MAPS else []
        about = "Each row is a query and shows how it divides its attention among the keys"
        return paragraph(f"{about}; {' and '.join(notes)}." if notes else f"{about}.") + "\n".join(shown)

    def _explore(self, graph: Graph) -> str:
        try:
            page = Page(write_page(graph, title=self.title, tokens=self._read_tokens()))
        except ValueError as too_large:
            return paragraph(str(too_large))
        return page._repr_html_()


def _add_up_layers(lengths: Mapping[tuple[str, ...], float]) -> dict[str, float]:
    """The lengths of gradients by layer: by as much of the path of a parameter as makes no more lines than there are.

    >>> _add_up_layers({("blocks", "0", "weight"): 3.0, ("blocks", "0", "bias"): 4.0, ("readout", "bias"): 1.0})
    {'blocks.0': 5.0, 'readout': 1.0}
    """

    def group(depth: int) -> dict[str, float]:
        layers: dict[str, float] = {}
        for path, length in lengths.items():
            name = ".".join(path[: max(1, min(depth, len(path) - 1))])
            layers[name] = math.hypot(layers.get(name, 0.0), length)
        return layers

    groups = [group(depth) for depth in range(1, max(map(len, lengths), default=1) + 1)]
    fits = [layers for layers in groups if len(layers) <= len(LOOKS)]
    return fits[-1] if fits else groups[0]


def _draw(up: str, curves: Mapping[str, Any], caption: str, **options: Any) -> str:
    svg = write_svg(lay_out_curves(curves, "step", up, **options), "auto")
    return f'<figure><div class="picture">{svg}</div><figcaption>{escape(caption)}</figcaption></figure>'


def _draw_layers(history: Sequence[Record]) -> str:
    known = [record for record in history if record.get("layers")]
    names = list(dict.fromkeys(name for record in known for name in record["layers"]))
    shown = sorted(names, key=lambda name: -known[-1]["layers"].get(name, 0.0))[: len(LOOKS)]
    steps = [record["step"] for record in known]
    curves = {x: (steps, [record["layers"].get(x, math.nan) for record in known]) for x in names if x in shown}
    left_out = f" The {len(shown)} largest of {len(names)} layers." if len(names) > len(shown) else ""
    caption = f"‖g‖ of all parameters of a layer, before clipping, for the last batch.{left_out}"
    return _draw("length of the gradient", curves, caption, logarithmic="y") if curves else ""


def lay_out_checks(history: Sequence[Record]) -> tuple[Sheet, str]:
    """The picture of what the checks of gradients have found while it trained, and a sentence that says it."""
    checks = [check for record in history for check in record.get("checks", ())]
    steps = [check["step"] for check in checks]
    found = {key: [math.nan if check[key] is None else check[key] for check in checks] for key in CHECKED}
    curves = {name: (steps, found[key]) for key, (name, _) in CHECKED.items()}
    limits = {f"limit: {name}": limit for name, limit in CHECKED.values()}
    worst = {key: np.nanmax([*errors, 0.0]) for key, errors in found.items()}
    count = f"{len(checks)} step{'s were' if len(checks) > 1 else ' was'} checked"
    said = (
        f"{count}: gradients are off by {worst['gradient']:.0e} at most ({TOLERANCE:.0e} passes), the new weights by "
        f"{worst['program']:.0e} ({SAME:.0e} passes)."
    )
    return lay_out_curves(curves, "step", "error", limits, logarithmic="y"), said


def _draw_checks(history: Sequence[Record]) -> str:
    if not any(record.get("checks") for record in history):
        return paragraph("Not checked: fit(…, check_gradients=150) compares the gradients of every 150th step with "
                         "finite differences.")  # fmt: skip
    sheet, said = lay_out_checks(history)
    return paragraph(said) + f'<figure><div class="picture">{write_svg(sheet, "auto")}</div></figure>'


def _show_sample(sample: Any) -> str:
    """A text, or what draws itself as SVG."""
    draw = getattr(sample, "_repr_svg_", None)
    return block(str(sample), prose=True) if draw is None else f'<figure><div class="picture">{draw()}</div></figure>'


def _show_figures(record: Record) -> str:
    """The newest numbers, side by side."""
    figures = {"loss": f"{record['loss']:.4f}"}
    if "validation" in record:
        figures["validation"] = f"{record['validation']:.4f}"
    if "tokens_per_second" in record:  # checkpoints do not say how fast it went
        figures["tokens per second"] = f"{record['tokens_per_second']:,}"
    return "".join(f"<div><dt>{name}</dt><dd>{figure}</dd></div>" for name, figure in figures.items())
