"""The gallery: all runs as small pictures, to be found, starred, tagged, compared, deleted and had back."""

from __future__ import annotations

from compare.page.screens.gallery.screen import show_gallery

__all__ = ["show_gallery"]
