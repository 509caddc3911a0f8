"""Freed arrays stay with the process once it asked for that."""

import ctypes
import subprocess
import sys

import pytest

import minigrad as mg

FAULTS = """
import resource, sys
import numpy as np
import minigrad as mg

if sys.argv[1] == "keep":
    mg.keep_memory()
source = np.ones(2_500_000)


def step():
    temporary = [source + 1.0, source + 2.0, source + 3.0]


for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_large_arrays_cause_no_page_faults_any_more():
    def faults(how: str) -> int:
        run = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
        return int(run.stdout)

    assert faults("keep") < 100 < faults("default")


def test_a_limit_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"limit=-1 must be from 0 to 2\*\*31 - 1"):
        mg.keep_memory(-1)
