"""Locks between processes, on a file that stays.

They are `flock` locks, which the kernel frees when a process ends, even by a kill. The package filelock gives the same,
but where a file system has no locks it leaves a marker file that a kill does not remove, and then the run could not
be resumed. Here such a file system means no locking at all.
"""

from __future__ import annotations

import fcntl
from contextlib import suppress
from typing import IO


def try_lock(file: IO[bytes]) -> bool:
    """Locks an open file until it is closed; False where another process holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nobody can know
        pass
    return True


def wait_for_lock(file: IO[bytes]) -> None:
    """Locks an open file until it is closed, as soon as no other process holds it."""
    with suppress(OSError):  # a file system without locks
        fcntl.flock(file, fcntl.LOCK_EX)
