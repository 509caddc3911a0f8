"""How the C library hands memory back to the system; scripts and the command line call `keep_memory` once."""

from __future__ import annotations

import ctypes

# Of malloc.h, in glibc: free memory at the end of the heap beyond this is handed back; blocks beyond this are mapped.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc refuses more


def keep_memory(limit: int = 1 << 30) -> bool:
    """Let up to `limit` bytes of freed arrays stay with the process, to be used again without a page fault.

    A training step frees and allocates the same large arrays over and over; by default glibc gives each one over 128 KB
    back to the system, and every page of the next is zeroed and mapped again. The setting holds for the whole process,
    which keeps up to `limit` bytes more than it needs. Arrays of more than 32 MB are handed back all the same. Where
    the C library is not glibc nothing happens.

    Args:
        limit: bytes, at most 2³¹ − 1.

    Returns:
        Whether the C library took the setting.

    Raises:
        ValueError: a limit below 0, or too large.

    >>> keep_memory() in (True, False)
    True
    """
    if not 0 <= limit < 1 << 31:
        raise ValueError(f"keep_memory: limit={limit} must be from 0 to 2**31 - 1 bytes")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # no glibc: macOS, musl, Windows
        return False
    return bool(mallopt(TRIM_THRESHOLD, limit)) and bool(mallopt(MMAP_THRESHOLD, min(limit, LARGEST_MMAP_THRESHOLD)))
