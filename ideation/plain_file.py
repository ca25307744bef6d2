"""Plain files: what comes from a person is read only where it ends, and only so much of it."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

from ideation.errors import Clause


def require_plain_file(file: Path) -> None:
    """Raises `OSError` where reading `file` may never end: for pipes, devices and sockets, linked ones too.

    >>> require_plain_file(Path(__file__))
    """
    mode = file.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a folder is named by whoever opens it
        raise OSError(errno.EINVAL, Clause("it is a pipe or a device, which may never end"))


def read_plain_file(file: Path, most: int) -> bytes:
    """The bytes of `file`. Raises `OSError`, for one of more than `most` bytes too.

    >>> read_plain_file(Path(__file__), most=100_000).count(b"def read_plain_file")
    2
    """
    require_plain_file(file)
    with file.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, Clause("it has more than {most:,} bytes", most=most))
    return content
