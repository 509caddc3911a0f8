"""The engine's clock: one counter that numbers Tensors as they are made, and memory as it is written to.

All threads share it. `next_id` needs no lock, with or without the global interpreter lock of Python; writes do.
"""

from __future__ import annotations

import itertools
import os
import threading

next_id = itertools.count(1).__next__

lock = threading.RLock()
if hasattr(os, "register_at_fork"):  # a child made while another thread holds it would wait for ever
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


class Storage:
    """When the memory that several Tensors look into was last written to; 0 for never."""

    __slots__ = ("stamp",)
    latest = 0  # the youngest stamp of all: backward compares it first, and is nearly always done
    changes = 0  # how often memory, freezing or an attribute changed that programs may depend on: then they look closer

    def __init__(self) -> None:
        self.stamp = 0
