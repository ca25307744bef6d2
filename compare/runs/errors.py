"""What can be wrong with the folder of runs, in words of ours."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from ideation import Clause, TwinseedError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class GalleryError(TwinseedError):
    """The runs folder cannot be read or written, or has no such run."""


class CannotWrite(GalleryError):
    """Nothing more can be written to the runs folder, whatever run it is for: there is no room, or no right to."""


def cannot_write(root: Path, error: OSError, saved: Sequence[Path] = ()) -> CannotWrite:
    """What to say of an error of the system; `saved` are the pictures that were written by then."""
    kept = Clause("; these pictures were saved: {files}", files=", ".join(map(str, saved))) if saved else ""
    if error.errno in _NO_ROOM:
        return CannotWrite(
            "no room left for the runs in {root}: {reason}",
            hint="make room, or choose another place with --runs FOLDER{kept}",
            root=root,
            reason=error.strerror,
            kept=kept,
        )
    if isinstance(error, FileExistsError | NotADirectoryError):
        return CannotWrite(
            "the runs folder {root} is a file, or lies inside one",
            hint="choose a folder with --runs FOLDER or TWINSEED_RUNS{kept}",
            root=root,
            kept=kept,
        )
    return CannotWrite(
        "cannot write to the runs folder {root}: {reason}",
        hint="choose a folder you may write to, with --runs FOLDER or TWINSEED_RUNS{kept}",
        root=root,
        reason=error.strerror,
        kept=kept,
    )
