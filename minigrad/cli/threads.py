"""One thread for the matrix products of a small model.

The threads of NumPy's BLAS wait for each other without sleeping. Products as small as the ones here gain little from a
second thread, and take several times as long where another process needs its core.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from minigrad.training import catch_interrupts


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within the block NumPy's products use one thread, unless the user has chosen a number.

    It holds for the whole process. Without threadpoolctl (part of the extra `demo`) nothing happens.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    from minigrad.compiler.threads import VARIABLES

    is_set = any(os.environ.get(name) for name in VARIABLES)
    with catch_interrupts() as interrupts:  # it looks for libraries in a callback of C's, which lets no exception out
        limits = threadpool_limits(limits=None if is_set else 1, user_api="blas")
    with limits:
        if interrupts:
            raise KeyboardInterrupt
        yield
