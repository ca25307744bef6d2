"""Arms that go one after the other, as with transformers: how they are drawn, compared and made fast."""

from generate.render.in_turn.arms import render_in_turn

__all__ = ["render_in_turn"]
