"""What notebooks show of Tensors, modules, runs, costs, compiled functions and reports: HTML, and text.

In come objects with names and texts that nobody checked; out go MIME bundles in which these are text and nothing else.
Nothing here raises: where there is no HTML, the text remains.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from numbers import Real
from typing import Any, Protocol

from minigrad.core.tensor import Tensor
from minigrad.drawing.heatmap import heatmap
from minigrad.drawing.text import escape_hidden, format_array, set_minus
from minigrad.graph import Graph
from minigrad.graph.cost import Cost
from minigrad.graph.numbers import format_number

MOST_WRITTEN_OUT = (8, 10)  # rows and columns of a table; larger arrays are heat maps
MOST_IN_HEATMAP = (8, 128, 128)  # slices, rows and columns; of larger arrays a summary is shown
MOST_LINES = 400  # of source, and of other lists
MOST_OPEN = 20  # modules whose table is open from the first, and records
CELL = 'style="text-align:{};padding:0 .6em"'
CODE = 'style="white-space:pre;overflow-x:auto;margin:.3em 0"'


class Report(Protocol):
    """What is read of the report of a gradient check: a table with its header, and texts."""

    @property
    def table(self) -> Sequence[Sequence[str]]: ...
    @property
    def verdict(self) -> str: ...
    @property
    def notes(self) -> Sequence[str]: ...


class Program(Protocol):
    """What is read of a program; `stats` are numbers by name, and a text."""

    @property
    def graph(self) -> Graph: ...
    @property
    def source(self) -> str: ...
    @property
    def stats(self) -> Any: ...


class Compiled(Protocol):
    """What is read of a compiled function: its programs, and the one used last."""

    @property
    def programs(self) -> Sequence[Program]: ...
    @property
    def program(self) -> Program: ...


def show_tensor(tensor: Tensor) -> dict[str, str]:
    """Name, op, shape and dtype, then the values: all of them, a heat map, or a summary."""
    return _make_bundle(tensor, repr, _write_tensor)


def show_report(report: Report) -> dict[str, str]:
    """The verdict of a gradient check, and the worst place of each input."""
    return _make_bundle(report, str, _write_report)


def show_explanation(explanation: object) -> dict[str, str]:
    """Why a gradient is what it is, and its contributions."""
    return _make_bundle(explanation, str, _write_explanation)


def show_compiled(compiled: Compiled) -> dict[str, str]:
    """The programs of a compiled function, and source and graph of the one used last."""
    return _make_bundle(compiled, repr, _write_compiled)


def show_program(program: Program) -> dict[str, str]:
    """How large a program is, its source, and the graph that was captured."""
    return _make_bundle(program, repr, _write_program)


def show_module(module: object, outline: Callable[[], Iterable[Sequence[Any]]]) -> dict[str, str]:
    """The modules in a module: path, class, number of parameters, and the Tensors that each holds itself."""
    return _make_bundle(module, repr, lambda module: _write_outline(list(outline())))


def show_cost(cost: Cost) -> dict[str, str]:
    """What a graph costs by operation, by scope and by order, and the memory it takes."""
    return _make_bundle(cost, str, _write_cost)


def show_history(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The last records of a run: what they have of numbers."""
    return _make_bundle(records, repr, _write_history)


def _make_bundle(shown: Any, plain: Callable[[Any], str], rich: Callable[[Any], str]) -> dict[str, str]:
    try:
        text = plain(shown)
    except Exception:  # a notebook goes on, whatever is wrong with a name
        text = object.__repr__(shown)
    bundle = {"text/plain": text.encode("utf-8", "backslashreplace").decode("utf-8")}
    with suppress(Exception):  # values that are not known while a function is captured, among others
        bundle["text/html"] = rich(shown)
    return bundle


def _write_tensor(tensor: Tensor) -> str:
    facts = [f"<b>{_escape(tensor.name)}</b>"] if tensor.name else []
    facts += [f"<code>{_escape(tensor.op.name)}</code>"] if tensor.op else []
    facts += [_escape(f"{tensor.shape} {tensor.dtype}")]
    facts += [_escape(tensor.scope)] if tensor.scope else []
    facts += ["requires a gradient"] if tensor.requires_grad and not tensor.op else []
    values = tensor.data
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 0:
        facts.append(f"<b>{_escape(set_minus(format_number(values)))}</b>")
        return _write_line(facts)
    if values.size and values.ndim <= 2 and _fits(values.shape, MOST_WRITTEN_OUT):
        rows = values.reshape(-1, values.shape[-1]).tolist()
        return _write_line(facts) + _write_table([[set_minus(format_number(value)) for value in row] for row in rows])
    if values.size and values.ndim in (2, 3) and _fits(values.shape, MOST_IN_HEATMAP):
        picture = heatmap(values, title=tensor.name or None, axes=("slice", "rows", "columns"))
        return _write_line(facts) + _write_picture(picture.svg, f"heat map of {tensor.name or 'the values'}")
    return _write_line(facts) + "".join(f"<div>{_escape(line)}</div>" for line in format_array(values)[1:])


def _write_report(report: Report) -> str:
    header, *rows = report.table
    verdict = f"<b>{_escape(report.verdict)}</b>"
    notes = "".join(f"<div>{_escape(note)}</div>" for note in report.notes)
    return _write_line([verdict]) + _write_table(rows, header) + notes


def _write_explanation(explanation: object) -> str:
    lines = str(explanation).splitlines()
    return _write_line([_escape(lines[0])]) + (_write_code("\n".join(lines[1:])) if len(lines) > 1 else "")


def _write_outline(outline: Sequence[Sequence[Any]]) -> str:
    (_, kind, count, _), *_ = outline
    rows = [(path or "(all)", kind, count, ", ".join(held)) for path, kind, count, held in outline[:MOST_LINES]]
    rest = [f"… {len(outline) - MOST_LINES:,} more modules"] if len(outline) > MOST_LINES else []
    table = _write_table(rows, ("module", "class", "parameters", "holds"))
    shown = (
        table if len(rows) <= MOST_OPEN else f"<details><summary>{len(outline):,} modules</summary>{table}</details>"
    )
    return _write_line([f"<b>{_escape(kind)}</b>", f"{count} parameters"]) + shown + _write_line(rest)


def _write_cost(cost: Cost) -> str:
    lines = []
    for title, group in cost.groups.items():
        lines.append(_write_row("th", (f"by {title}", *cost.total._fields)))
        lines += [_write_row("td", (name, *texts), names=1) for name, texts in group[:MOST_LINES]]
    total = cost.total
    facts = [
        f"{total.nodes:,} operations",
        f"<b>{total.flops:,}</b> floating-point operations",
        f"{total.bytes:,} bytes",
    ]
    notes = "".join(f"<div>{_escape(note)}</div>" for note in cost.notes)
    return _write_line(facts) + notes + f"<details><summary>table</summary><table>{''.join(lines)}</table></details>"


def _write_history(records: Sequence[Mapping[str, Any]]) -> str:
    last = records[-MOST_OPEN:]
    names = list(dict.fromkeys(name for record in last for name, value in record.items() if isinstance(value, Real)))
    rows = [[set_minus(format_number(record[name])) if name in record else "" for name in names] for record in last]
    before = [f"{len(records) - len(last):,} records before"] if len(records) > len(last) else []
    return _write_line([f"{len(records):,} records"]) + _write_line(before) + _write_table(rows, names)


def _write_compiled(compiled: Compiled) -> str:
    programs = compiled.programs
    header = ("program", "instructions", "buffers", "bytes", "without reuse", "floating-point operations")
    rows = [
        (_describe_inputs(program), f"{stats.instructions:,}", f"{stats.buffers:,}", f"{stats.bytes:,}",
         f"{stats.bytes_before_reuse:,}", f"{stats.flops:,}")
        for program in programs for stats in [program.stats]
    ]  # fmt: skip
    shown = _write_line([_escape(repr(compiled))])
    return shown + _write_table(rows, header) + _write_details(compiled.program) if programs else shown


def _write_program(program: Program) -> str:
    return _write_line([_escape(repr(program))]) + f"<div>{_escape(str(program.stats))}</div>" + _write_details(program)


def _describe_inputs(program: Program) -> str:
    return ", ".join(f"{node.name or f'%{node.number}'} {node.shape}" for node in program.graph.inputs) or "no arrays"


def _write_details(program: Program) -> str:
    """Source and graph of a program, each behind a line that opens it."""
    shown = program.graph._repr_mimebundle_()
    picture = shown.get("image/svg+xml")
    graph = _write_picture(picture, "the graph") if picture else _write_code(shown["text/plain"])
    parts = (("source", _write_code(program.source)), ("graph", graph))
    return "".join(f"<details><summary>{title}</summary>{part}</details>" for title, part in parts)


# HTML


def _escape(text: str) -> str:
    """`text` as HTML that shows it: what cannot be seen is made visible, and no character is markup."""
    return html.escape(escape_hidden(text))


def _write_line(facts: Iterable[str]) -> str:
    return f"<div>{' · '.join(facts)}</div>"


def _write_table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    lines = [_write_row("th", header)] if header else []
    return f"<table>{''.join([*lines, *(_write_row('td', row) for row in rows)])}</table>"


def _write_row(tag: str, cells: Sequence[str], names: int = 0) -> str:
    """Cells side by side, numbers at the right, if they are not among the first, which are names."""
    sides = [
        "right" if at >= names and cell[:1] in "-−0123456789" and tag == "td" else "left"
        for at, cell in enumerate(cells)
    ]
    columns = [f"<{tag} {CELL.format(side)}>{_escape(cell)}</{tag}>" for side, cell in zip(sides, cells, strict=True)]
    return f"<tr>{''.join(columns)}</tr>"


def _write_code(text: str) -> str:
    lines = text.splitlines()
    rest = [f"… {len(lines) - MOST_LINES:,} more lines"] if len(lines) > MOST_LINES else []
    return f"<pre {CODE}>{chr(10).join(_escape(line) for line in lines[:MOST_LINES] + rest)}</pre>"


def _write_picture(svg: str, name: str) -> str:
    """The picture as an image, in which no script runs and whose ids and styles stay its own."""
    data = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    return f'<img alt="{_escape(name)}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


def _fits(shape: tuple[int, ...], limits: tuple[int, ...]) -> bool:
    return all(length <= limit for length, limit in zip(shape[::-1], limits[::-1], strict=False))
