"""Small mistakes made in a source file, one at a time: its text enters, mutants leave.

What is not code of an op is left alone: documentation, annotations, messages of errors.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

# Keywords of a declaration that do not say what the op computes; and `strict` of zip, a precaution.
LEFT_ALONE = {"arguments", "formula", "name", "numpy", "strict"}

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
TERMS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitAnd, ast.BitOr)  # operators of which one side may be left out
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.GtE, ast.Lt), ast.Lt: (ast.LtE, ast.Gt), ast.GtE: (ast.Gt, ast.LtE), ast.LtE: (ast.Lt, ast.GtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
PAIRS = [
    ("sin", "cos"), ("sinh", "cosh"), ("exp", "expm1"), ("log", "log1p"), ("sum", "mean"), ("max", "min"),
    ("maximum", "minimum"), ("argmax", "argmin"), ("less", "greater"), ("less_equal", "greater_equal"),
    ("equal", "not_equal"), ("logical_and", "logical_or"), ("any", "all"), ("erf", "erfc"), ("tril", "triu"),
    ("zeros", "ones"), ("zeros_like", "ones_like"), ("sigmoid", "tanh"), ("softmax", "log_softmax"),
    ("square", "sqrt"), ("add", "subtract"), ("multiply", "divide"), ("isfinite", "isnan"), ("floor", "ceil"),
    ("getitem", "setitem"), ("standardize", "inverse_deviation"), ("maximum_reduce", "minimum_reduce"),
    ("cumsum", "cumprod"), ("arcsin", "arccos"), ("logaddexp", "maximum"), ("log2", "log10"), ("exp2", "exp"),
]  # fmt: skip
OTHERS = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])} | {"strong_multiply": "multiply"}

SYMMETRIC = {  # functions of which the arguments may be exchanged without any change of meaning
    "add", "broadcast", "broadcast_shapes", "equal", "hypot", "logical_and", "logical_or", "max", "maximum", "min",
    "minimum", "multiply", "not_equal", "result_type", "strong_multiply", "swapaxes",
}  # fmt: skip


class Mutant(NamedTuple):
    """One change of one file: the code `before`, at `line`, became `after`."""

    file: str
    place: str  # the names that the top-level statement defines, or adds a rule to
    line: int
    start: int  # the bytes of the file that change, from here …
    end: int  # … to here
    before: str
    after: str
    text: str  # `after`, as it stands in the file

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    @property
    def text_without_line(self) -> str:
        return f"{self.file} {self.place}: {self.before} → {self.after}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.place}: {self.before} → {self.after}"


def mutants_of(file: str, source: bytes, skipped: set[str]) -> list[Mutant]:
    """All mutants of a file, in the order of its lines; `skipped` names definitions to leave alone.

    >>> for mutant in mutants_of("f.py", b"def f(x, y):\\n    return x - y\\n", set()):
    ...     print(mutant)
    f.py:2 f: x - y → x + y
    f.py:2 f: x - y → x
    f.py:2 f: x - y → y
    f.py:2 f: x → y
    f.py:2 f: y → x
    """
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for statement in ast.parse(source).body:
        place = name_of(statement)
        if place and place not in skipped and not _is_about_tests(statement):
            for node, after in _changes(statement, ()):
                start = starts[node.lineno - 1] + node.col_offset
                end = starts[node.end_lineno - 1] + node.end_col_offset
                text = f"({after})" if isinstance(node, ast.expr) and not isinstance(node, ast.Slice) else after
                found.append(Mutant(file, place, node.lineno, start, end, ast.unparse(node), after, text))
    return sorted(dict.fromkeys(found), key=lambda mutant: mutant.line)


def name_of(statement: ast.stmt) -> str:
    """What a top-level statement defines; for a rule, the ops that it belongs to; "" for anything else."""
    match statement:
        case ast.FunctionDef(name="_", decorator_list=decorators):
            return ", ".join(part.id for d in decorators for part in ast.walk(d) if isinstance(part, ast.Name))
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) if name != "__all__":
            return name
        case ast.Assign(targets=[ast.Tuple(elts=names)]):
            return ", ".join(name.id for name in names if isinstance(name, ast.Name))
    return ""


def only_for_tests(statements: list[ast.stmt], imported: set[str]) -> set[str]:
    """The names in a file that samples, refusals, kinks and references use, and no op does; none that is `imported`."""
    found: set[str] = set()
    while True:
        by_tests, by_ops = set(), set(imported)
        for node in statements:
            aside = _is_about_tests(node) or name_of(node) in found
            (by_tests if aside else by_ops).update(used_names(node))
            by_tests.update(used_names(node, in_left_alone=True))
        if by_tests - by_ops <= found:
            return found
        found |= by_tests - by_ops


def _is_about_tests(statement: ast.stmt) -> bool:
    """Whether a statement makes samples, refusals or kinks, and is no declaration that has some."""
    calls = [part.func for part in ast.walk(statement) if isinstance(part, ast.Call)]
    makes = {function.id for function in calls if isinstance(function, ast.Name)}
    declares = isinstance(statement, ast.AnnAssign) or bool(getattr(statement, "decorator_list", ()))
    return bool(makes & {"call", "kink", "refusal"}) and not declares


def used_names(node: ast.AST, in_left_alone: bool = False) -> Iterator[str]:
    """The names that code uses: its own (also `ops.name`), or those in what is left alone."""
    for child, left_alone in _parts(node):
        if left_alone and in_left_alone:
            yield from (part.id for part in ast.walk(child) if isinstance(part, ast.Name))
        elif not left_alone:
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load) and not in_left_alone:
                yield child.id
            elif isinstance(child, ast.Attribute) and ast.unparse(child.value) == "ops" and not in_left_alone:
                yield child.attr
            yield from used_names(child, in_left_alone)


def _parts(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """The children of a node, and whether each is to be left alone."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in ("annotation", "returns"):
                yield child, isinstance(child, ast.keyword) and child.arg in LEFT_ALONE


Change = tuple[Any, str]


def _changes(node: ast.AST, arguments: tuple[str, ...]) -> Iterator[Change]:
    """Every change inside `node`, which stands in a function with these positional `arguments`."""
    if isinstance(node, (ast.Raise, ast.JoinedStr)) or getattr(getattr(node, "func", None), "attr", "") == "vjp":
        return
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        arguments = tuple(argument.arg for argument in node.args.args)
    for kind, change in CHANGES.items():
        if isinstance(node, kind):
            yield from change(node, arguments)
    for child, left_alone in _parts(node):
        documentation = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        number = isinstance(node, ast.UnaryOp) and isinstance(child, ast.Constant)  # -1 is changed as one number
        if not (left_alone or documentation or number):
            yield from _changes(child, arguments)


def _with(node: Any, **fields: Any) -> Change:
    """The change of `node` into itself with other fields."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return node, ast.unparse(changed)


def _binary(node: ast.BinOp, _: Any) -> Iterator[Change]:
    if isinstance(node.op, ast.MatMult):
        yield _with(node, left=node.right, right=node.left)
    if type(node.op) in OPERATORS:
        yield _with(node, op=OPERATORS[type(node.op)]())
    if isinstance(node.op, TERMS):
        yield node, ast.unparse(node.left)
        yield node, ast.unparse(node.right)


def _unary(node: ast.UnaryOp, arguments: Any) -> Iterator[Change]:
    if isinstance(node.operand, ast.Constant) and isinstance(node.op, ast.USub):
        yield from ((node, text) for text in _numbers_near(-node.operand.value))
    elif isinstance(node.op, (ast.USub, ast.Not)):
        yield node, ast.unparse(node.operand)


def _constant(node: ast.Constant, _: Any) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node.value, (int, float)):
        yield from ((node, text) for text in _numbers_near(node.value))


def _numbers_near(value: float) -> list[str]:
    if isinstance(value, int):
        return [str(value + 1), str(value - 1)]
    return [repr(value * 2), repr(-value)] if value else ["1.0"]


def _comparison(node: ast.Compare, _: Any) -> Iterator[Change]:
    for place, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            yield _with(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])


def _logic(node: ast.BoolOp, _: Any) -> Iterator[Change]:
    yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for place in range(len(node.values)):
        yield _with(node, values=[*node.values[:place], *node.values[place + 1 :]])


def _choice(node: ast.IfExp, _: Any) -> Iterator[Change]:
    yield node, ast.unparse(node.body)
    yield node, ast.unparse(node.orelse)


def _branch(node: ast.If, _: Any) -> Iterator[Change]:
    yield node.test, "True"
    yield node.test, "False"


def _loop(node: ast.While, _: Any) -> Iterator[Change]:
    yield node.test, "False"


def _filter(node: ast.comprehension, _: Any) -> Iterator[Change]:
    yield from ((test, "True") for test in node.ifs)


def _call(node: ast.Call, _: Any) -> Iterator[Change]:
    match node.func:
        case ast.Attribute(value=ast.Name(), attr=name) if name in OTHERS:
            yield _with(node, func=_with_name(node.func, OTHERS[name]))
        case ast.Name(id=name) if name in OTHERS:
            yield _with(node, func=ast.Name(OTHERS[name]))
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        return
    declaration = any(keyword.arg in LEFT_ALONE - {"strict"} for keyword in node.keywords)
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    for place in range(0 if declaration or name in SYMMETRIC else len(node.args) - 1):
        first, second = node.args[place : place + 2]
        if ast.dump(first) != ast.dump(second):
            yield _with(node, args=[*node.args[:place], second, first, *node.args[place + 2 :]])
    if node.args and not declaration:
        yield node, ast.unparse(node.args[0])
        for left_out in (keyword for keyword in node.keywords if keyword.arg not in LEFT_ALONE):
            yield _with(node, keywords=[keyword for keyword in node.keywords if keyword is not left_out])


def _with_name(function: ast.Attribute, name: str) -> ast.Attribute:
    changed = copy.copy(function)
    changed.attr = name
    return changed


def _variable(node: ast.Name, arguments: tuple[str, ...]) -> Iterator[Change]:
    """One argument of the function for the next."""
    if node.id in arguments and len(arguments) > 1 and isinstance(node.ctx, ast.Load):
        yield node, arguments[(arguments.index(node.id) + 1) % len(arguments)]


def _function(node: ast.Attribute, _: Any) -> Iterator[Change]:
    """A NumPy function given as a value, as the forward of an elementwise op; a transposition left out."""
    if isinstance(node.value, ast.Name) and node.value.id == "np" and node.attr in OTHERS:
        yield node, ast.unparse(_with_name(node, OTHERS[node.attr]))
    if node.attr == "T":
        yield node, ast.unparse(node.value)


def _slice(node: ast.Slice, _: Any) -> Iterator[Change]:
    yield from (_with(node, **{end: None}) for end in ("lower", "upper", "step") if getattr(node, end) is not None)


def _result(node: ast.Return, arguments: tuple[str, ...]) -> Iterator[Change]:
    if node.value is not None and arguments[:1] == ("g",):
        yield node.value, f"-({ast.unparse(node.value)})"


def _rule(node: ast.Lambda, arguments: tuple[str, ...]) -> Iterator[Change]:
    if arguments[:1] == ("g",):
        yield node.body, f"-({ast.unparse(node.body)})"


def _statement(node: ast.Expr | ast.AugAssign, _: Any) -> Iterator[Change]:
    if not isinstance(getattr(node, "value", None), ast.Constant) or isinstance(node, ast.AugAssign):
        yield node, "None"
    if isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        yield _with(node, op=OPERATORS[type(node.op)]())


def _context(node: ast.With, _: Any) -> Iterator[Change]:
    for item in node.items:
        yield item.context_expr, "__import__('contextlib').nullcontext()"


CHANGES: dict[Any, Callable[[Any, tuple[str, ...]], Iterator[Change]]] = {
    ast.BinOp: _binary, ast.UnaryOp: _unary, ast.Constant: _constant, ast.Compare: _comparison, ast.BoolOp: _logic,
    ast.IfExp: _choice, ast.If: _branch, ast.While: _loop, ast.comprehension: _filter, ast.Call: _call,
    ast.Name: _variable, ast.Attribute: _function, ast.Slice: _slice, ast.Return: _result, ast.Lambda: _rule,
    (ast.Expr, ast.AugAssign): _statement, ast.With: _context,
}  # fmt: skip
