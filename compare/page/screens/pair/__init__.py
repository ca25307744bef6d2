"""The first screen: from an idea to two prompts, and from them to a pair of pictures."""

from __future__ import annotations

from compare.page.screens.pair.screen import show_pair

__all__ = ["show_pair"]
