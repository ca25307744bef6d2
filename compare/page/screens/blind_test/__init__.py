"""The blind test: which picture of a pair is the better one, said by somebody who does not know which is which."""

from __future__ import annotations

from compare.page.screens.blind_test.screen import show_blind_test

__all__ = ["show_blind_test"]
