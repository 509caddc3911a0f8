"""Functions as users may write them, in files of their own: those that scripts import, and those that are refused."""

from tests.trust.hostile import CALL, CODE

WRITTEN = {
    "a future import": (
        "from __future__ import annotations\ndef forward(x: Missing) -> Missing:\n    y: Missing = x\n    return y"
    ),
    "a docstring of the other quotes": (
        f"def forward(x):\n    '''Says \"\"\"\n{CALL}\n    \"\"\"\n    >>> 1\n    '''\n    return x"
    ),
    "a docstring that ends with a quote": ("def forward(x):\n    '''Says \"x\"\n    >>> 1\"'''\n    return x"),
    "a docstring with backslashes": ("def forward(x):\n    r'''C:\\users \\\n    >>> 1'''\n    return x"),
    "spaces": ("def   forward ( x ):\n    return x"),
    "a lambda over lines": ("forward = (lambda x:\n    x +\n    1)"),
    "a lambda among others": ("first, forward = (lambda x: x * 3), (lambda x: (lambda y: y + 2)(x))"),
    "a default": ("RATE = 3.0\ndef forward(x, *, rate=RATE * 2, other=-0.0):\n    return x * rate + other\nRATE = 5.0"),
    "a changed default": ("def forward(x, *, rate=1.0):\n    return x * rate\nforward.__kwdefaults__['rate'] = 4.0"),
    "a closure": ("def outer(a):\n    def forward(x):\n        return x * a\n    return forward\nforward = outer(3.0)"),
    "a decorator": (
        "def twice(f):\n"
        "    def inner(x):\n"
        "        return f(f(x))\n"
        "    return inner\n"
        "@twice\n"
        "def forward(x):\n"
        "    return x * 2"
    ),
    "recursion": ("def forward(x, *, depth=3):\n    return x if not depth else forward(x, depth=depth - 1) * 2"),
    "mutual recursion": (
        "def odd(n):\n"
        "    return n > 0 and even(n - 1)\n"
        "def even(n):\n"
        "    return n == 0 or odd(n - 1)\n"
        "def forward(x):\n"
        "    return x * odd(3)"
    ),
    "an import inside": ("def forward(x):\n    import math\n    from numpy import add\n    return add(x, math.pi)"),
    "another name for NumPy, and np for something else": (
        "import numpy as xp\ndef forward(x):\n    np = 2.0\n    return xp.multiply(x, np)"
    ),
    "a builtin under another name": ("biggest = max\ndef forward(x):\n    max = 3.0\n    return x * biggest(max, 1.0)"),
    "a function under another name": (
        "def scale(x):\n"
        "    return x * 5.0\n"
        "other = scale\n"
        "def forward(x):\n"
        "    scale = 2.0\n"
        "    return other(x) * scale"
    ),
    "a nested local": (
        "table = [2.0]\n"
        "other = table\n"
        "def forward(x):\n"
        "    def inner(other):\n"
        "        return table[0] * other\n"
        "    return inner(x)"
    ),
    "a formatted string": (
        "NAME, N = 'abc', 2\ndef forward(x):\n    return x * len(f'{NAME}{N:>{N}}{[N for _ in NAME]!r}')"
    ),
    "the name of its module": ("def forward(x):\n    return x * len(__name__)"),
    "names of the script": (
        "state, constants, step, stored, np_ = 1.0, 2.0, 3.0, 4.0, 5.0\n"
        "def forward(x):\n"
        "    return x * state + constants + step + stored + np_"
    ),
    "odd data": (
        "import math\n"
        "import numpy as np\n"
        "DATA = [math.nan, -0.0, math.inf, (1,), {'a\\ud800': b'\\x00'}, {1}, np.float16(0.1), None]\n"
        "def forward(x):\n"
        "    return x + DATA[1] + DATA[2] * (DATA[3] == (1,)) + len(DATA[4]) + DATA[6]"
    ),
    "a class": (
        "class Scale:\n"
        "    factor = 2.0\n"
        "    def __init__(self, n):\n"
        "        self.n = n\n"
        "    def on(self, x):\n"
        "        return x * self.n * self.factor\n"
        "def forward(x):\n"
        "    return Scale(3.0).on(x)"
    ),
    "all statements": (
        "def forward(x):\n"
        "    try:\n"
        "        with np.errstate(all='ignore'):\n"
        "            if (n := len(x)) > 1:\n"
        "                y = [x * i for i in range(n)]\n"
        "    except ValueError as error:\n"
        "        raise\n"
        "    match n:\n"
        "        case 2:\n"
        "            return y[1] * 3\n"
        "        case other:\n"
        "            return x * other\n"
        "import numpy as np"
    ),
    "a cache": (
        "import functools\n"
        "@functools.lru_cache(maxsize=None)\n"
        "def table(n):\n"
        "    return 2.0 * n\n"
        "def forward(x):\n"
        "    return x * table(len(x))"
    ),
    "lines inside a string, deeper in": (
        "def outer():\n"
        "    TEXT = 1\n"
        "    def forward(x):\n"
        "        text = '''a\n"
        "            b\n"
        "c'''\n"
        "        return x * len(text)\n"
        "    return forward\n"
        "forward = outer()"
    ),
    "a method without an object": (
        "class Here:\n    @staticmethod\n    def forward(x):\n        return x * 2\nforward = Here.forward"
    ),
    "under a condition": ("if True:\n    def forward(x):\n        # comments\n        return (x +\n1.0)"),
    "a partial function": (
        "import functools\n"
        "def scale(x, **k):\n"
        "    return x * k['a b']\n"
        "scaled = functools.partial(scale, **{'a b': 2.0})\n"
        "def forward(x):\n"
        "    return scaled(x)"
    ),
    "private names": ("_half = 0.5\ndef __twice(x):\n    return x * 2\ndef forward(x):\n    return __twice(x) * _half"),
    "a hostile name": (
        "def helper(x):\n"
        "    return x + 1\n"
        f"helper.__name__ = helper.__qualname__ = {CODE[3]!r}\n"
        "def forward(x):\n"
        "    return helper(x)"
    ),
    "tabs and form feeds": (
        "def outer():\n\tdef forward(x):\n\t\t\x0c\n\t\treturn x * 2.0\n\treturn forward\nforward = outer()"
    ),
    "global": ("def forward(x):\n    global count\n    count = 1\n    return x"),
    "nonlocal": (
        "def outer():\n"
        "    n = 1.0\n"
        "    def forward(x):\n"
        "        nonlocal n\n"
        "        n += 0\n"
        "        return x * n\n"
        "    return forward\n"
        "forward = outer()"
    ),
    "relative": ("def forward(x):\n    if not x.ndim:\n        from . import ops\n    return x\n"),
    "own attributes": ("def forward(x):\n    return x * forward.rate\nforward.rate = 2.0"),
    "not defined": ("def forward(x):\n    return x if x.size else missing"),
    "a list in itself": ("DATA = []\nDATA.append(DATA)\ndef forward(x):\n    return x * len(DATA)"),
    "an open file": ("import io\nFILE = io.StringIO()\ndef forward(x):\n    return x * len(FILE.getvalue() + 'a')"),
    "a variable without a value": (
        "def outer():\n"
        "    def forward(x):\n"
        "        return x if x.size else late\n"
        "    return forward\n"
        "    late = 1\n"
        "forward = outer()"
    ),
    "a name on another line": ("def \\\n  forward(x):\n    return x"),
    "a mangled name": (
        "class Here:\n    def forward(x):\n        return x if x.size else __scale(x)\nforward = Here.forward"
    ),
}

REFUSED = {
    "a lambda that nobody holds": (
        "forward = lambda x: x * 2\nforward.__module__ = 'elsewhere'",
        "has no name in the module elsewhere",
    ),
    "a function of a prompt": ("def forward(x):\n    return x\nforward.__module__ = '__main__'", "lives in __main__"),
    "a function inside another": (
        "class Held:\n"
        "    pass\n"
        "def outer():\n"
        "    def inner(x):\n"
        "        return x * 2\n"
        "    return inner\n"
        "def __getattr__(name):\n"
        "    return outer()",
        "has no name in the module module_of_the_user",
    ),
}
