"""What checks while training cost: `mg.fit(check_gradients=…)` on the steps of the demo and of `minigrad train`.

    python tests/bench/checked.py [demo text reverse copy sort]

In milliseconds of the processor, on one thread: a compiled step, a check, and the share that checks have of the time
with one in 150 steps. The first step is not counted: it compiles, and the check before it traces.
"""

import os
import time

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

from dataclasses import replace
from statistics import median

from measuring import describe_machine, parse_parts

from minigrad.checks.steps import StepChecker
from minigrad.cli.demo import MODEL
from minigrad.cli.run import SETTINGS, Run
from minigrad.memory import keep_memory
from minigrad.training import CHECK_EVERY

MODELS = {"demo": MODEL, **SETTINGS}


def measure(settings, checks, between):
    """Seconds of a step, and of a check, each in the median."""
    run = Run(replace(settings, steps=1000))
    batches = run.data.batches(run.rng, settings.batch)
    checker, steps, checked = StepChecker(run.step), [], []
    for number in range(1, checks * between + 2):
        batch, start, loss = next(batches), time.process_time(), None
        if number % between == 1:
            checker.begin(batch, number)
            begun = time.process_time()
            loss = run.step(*batch)
            stepped = time.process_time()
            checker.compare(loss)
            checked.append(begun - start + time.process_time() - stepped)
        else:
            run.step(*batch)
            steps.append(time.process_time() - start)
    return median(steps), median(checked[1:])


def main():
    parts, quick = parse_parts(__doc__, MODELS, "few steps")
    keep_memory()
    print(describe_machine())
    for name in parts:
        step, check = measure(MODELS[name], *((2, 4) if quick else (8, 10)))
        share = check / (check + CHECK_EVERY * step)
        print(f"{name:8} step {step * 1e3:7.1f} ms  check {check * 1e3:7.1f} ms  {share:.1%} of the time")


if __name__ == "__main__":
    main()
