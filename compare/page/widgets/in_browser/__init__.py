"""Widgets that are drawn by the browser itself, each with a script and a style sheet of its own in `static/pieces/`."""

from __future__ import annotations
