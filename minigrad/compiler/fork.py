"""Locks that are free in the children of a process, also where another thread held them when it forked."""

from __future__ import annotations

import os
import threading
import weakref


class Locked:
    """Something with a lock of its own, `_lock`. In a child it is a new one: nobody is there to release the old."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _owners.add(self)


_owners: weakref.WeakSet[Locked] = weakref.WeakSet()


def _free_locks() -> None:
    for owner in list(_owners):
        owner._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_locks)
