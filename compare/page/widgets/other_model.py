"""For another model: an idea in the words of a model that need not be here, to be copied."""

from __future__ import annotations

from typing import Any

import streamlit as st

from generate.models import find_writing_target
from ideation import OfflineExpander, expand, known_targets, spoken, typed_concept

#: Not a family: one line of text as Midjourney and its like take it, with what is to be left out at its end.
PLAIN = "plain"
_FIRST = ("sd1", "sdxl", "flux", PLAIN)


def show_other_model(simple: str, name: str, t: dict[str, Any], *, seed: int, but: str = "") -> None:
    """A folded box with a choice of families and the prompts for the chosen one, each with a button that copies it.

    The offline expander writes them, from the `simple` prompt, which is in English whatever the concept was in. `name`
    keeps several such boxes apart, `t` is the page's table of sentences, `but` the family that needs no writing for.
    Raises what the expander raises.
    """
    s = t["other_model"]
    targets = known_targets()
    families = dict.fromkeys([*_FIRST, *targets])
    with st.expander(s["title"], key=f"other-{name}"):
        family = st.selectbox(
            s["model"],
            [family for family in families if family != but],
            format_func=lambda family: s["plain"] if family == PLAIN else targets[family].name,
            index=None,
            key=f"other-model-{name}",
            placeholder=s["choose"],
        )
        if family is None:
            return
        target = find_writing_target("sdxl" if family == PLAIN else family)
        pair = expand(
            typed_concept(spoken(simple)),
            OfflineExpander(),
            target.budget(),
            seed=seed,
            vocabulary=target.vocabulary,
            target=target.facts,
        )
        if family == PLAIN:
            for arm in ("simple", "expanded"):
                st.caption(s[arm])
                without = f" --no {spoken(pair.negative)}" if pair.negative else ""
                st.code(f"{spoken(getattr(pair, arm))}{without}", language=None, wrap_lines=True)
            return
        for arm in ("simple", "expanded", "negative"):
            if prompt := getattr(pair, arm):
                st.caption(s[arm])
                st.code(prompt, language=None, wrap_lines=True)
        if not target.facts.negative:
            st.caption(s["no_negative"].format(name=target.facts.name))
