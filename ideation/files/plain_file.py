"""Plain files: what comes from a person is read only where it ends, and only so much of it."""

from __future__ import annotations

import codecs
import errno
import stat
from pathlib import Path

from ideation.errors import Clause

_PIECE = 1 << 16


def require_plain_file(file: Path) -> None:
    """Raises `OSError` where `file` is none: a folder, or a pipe or a device, of which reading may never end.

    >>> require_plain_file(Path(__file__))
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, Clause("it is not a regular file"))


def read_plain_file(file: Path, most: int) -> bytes:
    """The bytes of `file`. Raises `OSError`, for one of more than `most` bytes too.

    >>> read_plain_file(Path(__file__), most=100_000).count(b"def read_plain_file")
    2
    """
    require_plain_file(file)
    content = bytearray()
    with file.open("rb") as stream:
        # In pieces: Python makes room for as much as it is asked to read, however little there is.
        while len(content) <= most and (piece := stream.read(_PIECE)):
            content += piece
    if len(content) > most:
        raise OSError(errno.EFBIG, Clause("it has more than {most:,} bytes", most=most))
    return bytes(content)


def read_plain_text(file: Path, most: int, *, utf_16: bool = False) -> str:
    """The text of `file` in UTF-8, or with `utf_16` in UTF-16 that says so, without its byte order mark.

    Raises `OSError`, also for one of more than `most` bytes and for what is no such text: its line is named.

    >>> read_plain_text(Path(__file__), most=100_000).splitlines()[2]
    'from __future__ import annotations'
    """
    content = read_plain_file(file, most)
    marked = utf_16 and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise OSError(errno.EILSEQ, Clause("line {line} is not UTF-8 text", line=line)) from error
