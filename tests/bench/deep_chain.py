"""A chain of sines, forward and backward: seconds and megabytes, beside autograd (HIPS) where it can be imported.

    PYTHONPATH=. python tests/bench/deep_chain.py            100,000 nodes
    PYTHONPATH=. python tests/bench/deep_chain.py 1000000

Each engine runs five times, in processes of its own; the line shows the median time and the largest growth of memory.
The bound for minigrad is 3 s and 150 MB for 100,000 nodes.
"""

import importlib.util
import resource
import statistics
import subprocess
import sys
import time


def minigrad(nodes):
    import minigrad as mg

    def run():
        x = y = mg.Tensor(0.5, requires_grad=True)
        for _ in range(nodes):
            y = mg.sin(y)
        y.backward()
        return float(x.grad)

    return run


def autograd(nodes):
    import autograd.numpy as np
    from autograd import grad

    def chain(x):
        for _ in range(nodes):
            x = np.sin(x)
        return x

    return lambda: grad(chain)(0.5)


ENGINES = {"minigrad": minigrad, "autograd": autograd}


def measure(name, nodes):
    """One run in this process: seconds, megabytes more than after the imports, and the gradient."""
    run = ENGINES[name](nodes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    gradient = run()
    seconds = time.perf_counter() - begin
    print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, gradient)


def compare(nodes):
    print(f"{nodes:,} nodes, forward and backward")
    for name in ENGINES:
        if importlib.util.find_spec(name) is None:
            print(f"{name:<10} is not installed here")
            continue
        lines = [
            subprocess.run(
                [sys.executable, __file__, str(nodes), name], capture_output=True, text=True, check=True
            ).stdout.split()
            for _ in range(5)
        ]
        seconds, megabytes, gradients = zip(*((float(word) for word in line) for line in lines), strict=True)
        print(f"{name:<10} {statistics.median(seconds):6.2f} s  {max(megabytes):6.0f} MB  gradient {gradients[0]:.6g}")


if __name__ == "__main__":
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    if len(sys.argv) > 2:
        measure(sys.argv[2], nodes)
    else:
        compare(nodes)
