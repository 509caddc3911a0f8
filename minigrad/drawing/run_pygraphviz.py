"""A program that lays out as `dot` does, with the Graphviz inside the wheels of pygraphviz: `run_pygraphviz.py -Tsvg`.

DOT text enters on standard input, a picture leaves on standard output. It is a process of its own, like any engine, so
that it can be stopped; it imports nothing of minigrad.
"""

import os
import sys
import tempfile
from typing import BinaryIO


def main() -> int:
    """0 when there is a picture and Graphviz has not reported an error, 1 otherwise; so does `dot`."""
    with tempfile.TemporaryFile() as file:
        drawn = draw(sys.argv[1].removeprefix("-T"), file)
        file.seek(0)
        report = file.read()
    os.write(2, report)
    return 0 if drawn and b"\nError:" not in b"\n" + report else 1


def draw(format: str, report: BinaryIO) -> bool:
    """Draw what is read; what Graphviz says, which it writes past Python to the error output, goes to `report`."""
    error_output = os.dup(2)
    os.dup2(report.fileno(), 2)
    try:
        from pygraphviz import AGraph

        graph = AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
        sys.stdout.buffer.write(graph.draw(format=format, prog="dot"))
        return True
    except Exception as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        return False
    finally:
        os.dup2(error_output, 2)


if __name__ == "__main__":
    sys.exit(main())
