"""What notebooks show of Tensors, compiled functions and reports: HTML, and the text that a terminal shows.

In come objects with names and texts that nobody checked; out go MIME bundles in which these are text and nothing else.
Called by the `_repr_mimebundle_` of each class. Nothing here raises: where there is no HTML, the text remains.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from minigrad.core.tensor import Tensor
from minigrad.drawing.heatmap import heatmap
from minigrad.drawing.text import array_lines, format_number, visible

if TYPE_CHECKING:
    from minigrad.checks import GradientExplanation, GradientReport
    from minigrad.compiler.compiled import Compiled
    from minigrad.compiler.program import Program

MOST_WRITTEN_OUT = (8, 10)  # rows and columns of a table; larger arrays are heat maps
MOST_IN_HEATMAP = (8, 128, 128)  # slices, rows and columns; of larger arrays a summary is shown
MOST_LINES = 400  # of source
CELL = 'style="text-align:{};padding:0 .6em"'
CODE = 'style="white-space:pre;overflow-x:auto;margin:.3em 0"'


def show_tensor(tensor: Tensor) -> dict[str, str]:
    """Name, op, shape and dtype, then the values: all of them, a heat map, or a summary."""
    return _bundle(tensor, repr, _tensor)


def show_report(report: GradientReport) -> dict[str, str]:
    """The verdict of a gradient check, and the worst place of each input."""
    return _bundle(report, str, _report)


def show_explanation(explanation: GradientExplanation) -> dict[str, str]:
    """Why a gradient is what it is, and its contributions."""
    return _bundle(explanation, str, _explanation)


def show_compiled(compiled: Compiled[..., Any]) -> dict[str, str]:
    """The programs of a compiled function, and source and graph of the one used last."""
    return _bundle(compiled, repr, _compiled)


def show_program(program: Program) -> dict[str, str]:
    """How large a program is, its source, and the graph that was captured."""
    return _bundle(program, repr, _program)


def _bundle(shown: Any, plain: Callable[[Any], str], rich: Callable[[Any], str]) -> dict[str, str]:
    try:
        text = plain(shown)
    except Exception:  # a notebook goes on, whatever is wrong with a name
        text = object.__repr__(shown)
    bundle = {"text/plain": text.encode("utf-8", "backslashreplace").decode("utf-8")}
    with suppress(Exception):  # values that are not known while a function is captured, among others
        bundle["text/html"] = rich(shown)
    return bundle


def _tensor(tensor: Tensor) -> str:
    facts = [f"<b>{_safe(tensor.name)}</b>"] if tensor.name else []
    facts += [f"<code>{_safe(tensor.op.name)}</code>"] if tensor.op else []
    facts += [_safe(f"{tensor.shape} {tensor.dtype}")]
    facts += [_safe(tensor.scope)] if tensor.scope else []
    facts += ["requires a gradient"] if tensor.requires_grad and not tensor.op else []
    values = tensor.data
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 0:
        facts.append(f"<b>{_safe(format_number(values))}</b>")
        return _line(facts)
    if values.size and values.ndim <= 2 and _fits(values.shape, MOST_WRITTEN_OUT):
        rows = values.reshape(-1, values.shape[-1]).tolist()
        return _line(facts) + _table([[format_number(value) for value in row] for row in rows])
    if values.size and values.ndim in (2, 3) and _fits(values.shape, MOST_IN_HEATMAP):
        picture = heatmap(values, title=tensor.name or None, axes=("slice", "rows", "columns"))
        return _line(facts) + _picture(picture.svg, f"heat map of {tensor.name or 'the values'}")
    return _line(facts) + "".join(f"<div>{_safe(line)}</div>" for line in array_lines(values)[1:])


def _report(report: GradientReport) -> str:
    header, *rows = report.table
    verdict = f"<b>{_safe(report.verdict)}</b>"
    return _line([verdict]) + _table(rows, header) + "".join(f"<div>{_safe(note)}</div>" for note in report.notes)


def _explanation(explanation: GradientExplanation) -> str:
    lines = str(explanation).splitlines()
    return _line([_safe(lines[0])]) + (_code("\n".join(lines[1:])) if len(lines) > 1 else "")


def _compiled(compiled: Compiled[..., Any]) -> str:
    programs = compiled.programs
    header = ("program", "instructions", "buffers", "bytes", "without reuse", "floating-point operations")
    rows = [
        (_takes(program), f"{stats.instructions:,}", f"{stats.buffers:,}", f"{stats.bytes:,}",
         f"{stats.bytes_before_reuse:,}", f"{stats.flops:,}")
        for program in programs for stats in [program.stats]
    ]  # fmt: skip
    shown = _line([_safe(repr(compiled))])
    return shown + _table(rows, header) + _inside(compiled.program) if programs else shown


def _program(program: Program) -> str:
    return _line([_safe(repr(program))]) + f"<div>{_safe(str(program.stats))}</div>" + _inside(program)


def _takes(program: Program) -> str:
    return ", ".join(f"{node.name or f'%{node.number}'} {node.shape}" for node in program.graph.inputs) or "no arrays"


def _inside(program: Program) -> str:
    """Source and graph of a program, each behind a line that opens it."""
    shown = program.graph._repr_mimebundle_()
    picture = shown.get("image/svg+xml")
    graph = _picture(picture, "the graph") if picture else _code(shown["text/plain"])
    parts = (("source", _code(program.source)), ("graph", graph))
    return "".join(f"<details><summary>{title}</summary>{part}</details>" for title, part in parts)


# HTML


def _safe(text: str) -> str:
    """`text` as HTML that shows it: what cannot be seen is made visible, and no character is markup."""
    return html.escape(visible(text))


def _line(facts: Iterable[str]) -> str:
    return f"<div>{' · '.join(facts)}</div>"


def _table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    lines = [_row("th", header)] if header else []
    return f"<table>{''.join([*lines, *(_row('td', row) for row in rows)])}</table>"


def _row(tag: str, cells: Sequence[str]) -> str:
    """Cells side by side, numbers at the right."""
    sides = ["right" if cell[:1] in "-0123456789" and tag == "td" else "left" for cell in cells]
    written = [f"<{tag} {CELL.format(side)}>{_safe(cell)}</{tag}>" for side, cell in zip(sides, cells, strict=True)]
    return f"<tr>{''.join(written)}</tr>"


def _code(text: str) -> str:
    lines = text.splitlines()
    rest = [f"… {len(lines) - MOST_LINES:,} more lines"] if len(lines) > MOST_LINES else []
    return f"<pre {CODE}>{chr(10).join(_safe(line) for line in lines[:MOST_LINES] + rest)}</pre>"


def _picture(svg: str, name: str) -> str:
    """The picture as an image, in which no script runs and whose ids and styles stay its own."""
    data = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    return f'<img alt="{_safe(name)}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


def _fits(shape: tuple[int, ...], limits: tuple[int, ...]) -> bool:
    return all(length <= limit for length, limit in zip(shape[::-1], limits[::-1], strict=False))
