"""Names that break a program, or run as code, where they get into its text as they are."""

from tests.trust.saved import CANARY

CALL = f"open({CANARY!r}, 'w').close()"
CODE = (
    f'"""\n{CALL}\n"""', f"'''\n{CALL}\n'''", f"x\n{CALL}\n", f"x\r{CALL}", f"x\x0c\n    {CALL}\n#",
    f"'); {CALL}; ('",
    f'"); {CALL}; ("', f"x = {CALL}", f'\\"""\n{CALL}', f"{{{CALL}}}", f"x\u2028{CALL}", f"x\x85{CALL}", f"# {CALL}",
    f'{CALL}"', f"\\\n{CALL}",
)  # fmt: skip
TEXT = (
    "C:\\users", "\\", "ends with \\", "\\N{x}", "\\x", 'a"""b', "a'''b", '"', "'", '"""', "a\nb", "\n", "a\rb",
    "\t", "\0",
    "a\0b", "\ud800", "\udcff\ud83d", "\u2028", "\u202e", "\ufeff", "{", "}", "{0}", "{x}", "%s", "%", "# x", ";",
    ":", "",
    " ", "  x  ", "1", "1x", "-1", "x-y", "x.y", "x y", "x[0]", "x()", "../../x", "/etc/x", "a/b/c", ".", "..",
    "a" * 300,
    "查询", "ключ", "ﬁ", "ª", "é", "e\u0301", "∂loss", "𝟙", "ǃx", "·x", "١", "\U0001f600", "𝒳" * 100,
)  # fmt: skip
PYTHON = (
    "for", "None", "True", "def", "lambda", "async", "match", "type", "_", "__", "__name__", "__file__", "__debug__",
    "__builtins__", "__import__", "__class__", "range", "bool", "min", "max", "len", "sum", "abs", "int", "float",
    "list",
    "print", "slice", "open", "eval", "exec", "super", "object", "property", "zip", "tuple", "getattr", "input",
)  # fmt: skip
PROGRAM = (
    "np", "numpy", "state", "constants", "memory", "array", "offset", "dtype", "shape", "clock", "times", "step",
    "start",
    "stop", "i", "result_0", "result_1", "new_x", "x", "x_2", "x_part", "parameters", "parameters_2", "memory_of_x",
    "ones",
    "mask", "totals", "numbers", "identity", "generator", "n_2", "n_0_5", "n_minus_1", "add_3", "multiply_4",
    "concatenate",
    "softmax", "steady_rows", "log_total", "picked", "check_classes", "strong_multiply", "number_power",
    "sum_last_axis", "stored",
    "restored", "run", "sys", "json", "time", "math", "functools", "builtins", "Path", "pathlib", "annotations",
    "helper",
    "SCALE", "out", "index", "value_1", "function", "class_", "step_2", "constant", "scratch",
)  # fmt: skip
NAMES = (*CODE, *TEXT, *PYTHON, *PROGRAM)
