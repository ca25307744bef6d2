"""The table of instruments: a line here makes an instrument's file known to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compare.instruments.attention import ATTENTION
from compare.instruments.blind import BLIND
from compare.instruments.context import Instrument
from compare.instruments.interpolation import MORPH
from compare.instruments.ladder import LADDER
from compare.instruments.length_control import PLACEBO
from compare.instruments.seed_baseline import RULER
from compare.instruments.sweep import SWEEP

#: By name, in the order in which they are offered, used and reported.
INSTRUMENTS: Mapping[str, Instrument[Any, Any]] = {
    one.name: one
    for one in (
        RULER,
        PLACEBO,
        LADDER,
        MORPH,
        ATTENTION,
        SWEEP,
        BLIND,
    )
}
