"""Learn: what a picture is made by, one part after the other, each with an experiment that can be moved."""

from __future__ import annotations

from compare.page.screens.learn.screen import show_learn

__all__ = ["show_learn"]
