"""Replacing a file as a whole: whoever reads it meets the old content or the new, even after a power cut."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterable

PREFIX, SUFFIX = ".minigrad-", ".tmp"
STALE = 3600  # seconds after which a temporary file belongs to a process that died


def write_atomically(path: str | os.PathLike[str], chunks: Iterable[bytes | memoryview]) -> None:
    """Write `chunks`, one after the other, to the file at `path`, which is replaced only when all is on the disk.

    A symbolic link is followed. Temporary files that killed processes left in the folder an hour ago or earlier are
    removed.

    Raises:
        OSError: the path, which it names, cannot be written; the old file is untouched and no temporary file stays.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, PREFIX + secrets.token_hex(8) + SUFFIX)
    try:
        if os.path.isdir(target):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        file = open(temporary, "xb")  # noqa: SIM115  # closed below; a file that was there is not ours to remove
        try:
            with file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
                now = os.fstat(file.fileno()).st_mtime
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise OSError(error.errno, f"cannot write: {error.strerror}", os.fspath(path)) from error
    _sync_folder(folder)
    _remove_stale(folder, now)


def _sync_folder(folder: str) -> None:
    """Makes the new name last; Windows and some network drives cannot open a folder, and need not."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_stale(folder: str, now: float) -> None:
    """`now` is by the clock of the file system, which may be another machine's."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX):
                with contextlib.suppress(OSError):
                    if now - entry.stat(follow_symlinks=False).st_mtime > STALE:
                        os.unlink(entry.path)
