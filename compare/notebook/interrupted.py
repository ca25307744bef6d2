"""An interrupt: somebody stopped a cell or a script, and is told in a line what is there."""

from __future__ import annotations

from pathlib import Path


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or the stop button of a notebook; what was finished by then is in `folder`, if anything was."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        kept = "nothing was finished yet" if folder is None else f"what was finished is in {folder}"
        super().__init__(f"interrupted; {kept}; the same call goes on from there")

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it."""
        return [str(self)]
