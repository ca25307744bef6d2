"""Folders of runs as they lie on the disk: files that are whole or not there, locks, the trash, and tidying up after
programs that were killed. Knows nothing of what is in a run."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

#: How the names of files and folders begin that are being written; whatever bears it was never finished.
PARTIAL = ".partial-"
LOCK = ".lock-"
#: The folder beside the runs where things go that are put away; nothing in it is looked at.
TRASH = ".trash"
#: Nobody tidies for longer than a moment; somebody else's wait for that is no sign of work.
A_MOMENT_S = 0.3


class Busy(Exception):
    """Somebody else has it locked."""


@contextmanager
def locked(root: Path, what: str, wait_s: float = A_MOMENT_S) -> Iterator[None]:
    """Keeps all others away from `what` in the folder `root`, until the block ends or the process does, however it
    does. The lock's file is gone afterwards. Raises `Busy` after waiting so long, or `OSError`."""
    lock = FileLock(root / f"{LOCK}{hashlib.sha256(os.fsencode(what)).hexdigest()[:16]}")
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        raise Busy(what) from None
    try:
        yield
    finally:
        _let_go(lock)


def _let_go(lock: FileLock) -> None:
    """The file first: whoever opens it after that has to make a new one, and whoever did before notices."""
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, and to the disk itself: a full or failing one must say so now."""
    partial = path.with_name(f"{PARTIAL}{path.name}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def take_free_name(path: Path, name: Path) -> bool:
    """Renames a file or folder, unless there is one of that name. Raises `OSError` for any other reason."""
    if os.path.lexists(name):
        return False
    try:
        path.rename(name)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR) or os.path.lexists(name):
            return False  # somebody was quicker
        raise
    return True


def names_like(wanted: Path) -> Iterator[Path]:
    """The name itself, and then a thousand others."""
    yield wanted
    for number in range(2, 1000):
        yield wanted.with_name(f"{wanted.name}-{number}")


def put_away(path: Path, name: str) -> Path:
    """Moves what lies in a folder of runs into its trash, under that name or one like it, in one step. Returns where
    it is. Raises `OSError`."""
    trash = path.parent / TRASH
    trash.mkdir(exist_ok=True)
    for place in names_like(trash / name):
        if take_free_name(path, place):
            return place
    raise FileExistsError(errno.EEXIST, "a thousand of this name", str(trash / name))


def sweep(folder: Path) -> None:
    """Takes half-written files out of the folder of a run that nobody else is at work on."""
    for path in folder.glob(f"{PARTIAL}*"):
        with contextlib.suppress(OSError):
            path.unlink()


def tidy(root: Path, but: str | None = None) -> None:
    """Puts right what programs that were killed have left among the runs: their locks and half-written files go; whole
    pictures for which there was no time to write a record go to the trash. What begins with `but` stays, and so does
    whatever cannot be put right now.
    """
    with contextlib.suppress(OSError):
        for name in sorted(name for name in os.listdir(root) if name.startswith((PARTIAL, LOCK))):
            if but is None or not name.startswith(but):
                with contextlib.suppress(OSError, Busy):
                    _put_right(root / name)


def _put_right(path: Path) -> None:
    if path.name.startswith(LOCK):
        lock = FileLock(path)
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
            _let_go(lock)
        return
    with locked(path.parent, path.name, wait_s=0):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        sweep(path)
        if any(path.iterdir()):
            put_away(path, path.name.replace(PARTIAL, "unfinished-", 1))
        else:
            shutil.rmtree(path)
