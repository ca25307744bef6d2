"""For another model: the run's idea in the words of a model that need not be here, to be copied."""

from __future__ import annotations

from typing import Any

import streamlit as st

from compare.runs.record import Record
from generate.models import find_writing_target
from ideation import OfflineExpander, expand, known_targets, spoken, typed_concept


def show_other_model(record: Record, name: str, t: dict[str, Any]) -> None:
    """A folded box with a choice of families and the prompts for the chosen one, each with a button that copies it.

    The offline expander writes them, from the run's simple prompt, which is in English whatever the concept was in.
    `name` is the run's, `t` the page's table of sentences. Raises what the expander raises.
    """
    s = t["other_model"]
    targets = known_targets()
    with st.expander(s["title"], key=f"other-{name}"):
        family = st.selectbox(
            s["model"],
            [family for family in targets if family != record.settings.model],
            format_func=lambda family: targets[family].name,
            index=None,
            key=f"other-model-{name}",
            placeholder=s["choose"],
        )
        if family is None:
            return
        target = find_writing_target(family)
        pair = expand(
            typed_concept(spoken(record.prompts.simple)),
            OfflineExpander(),
            target.budget(),
            seed=record.seeds[0],
            vocabulary=target.vocabulary,
            target=target.facts,
        )
        for arm in ("simple", "expanded", "negative"):
            if prompt := getattr(pair, arm):
                st.caption(s[arm])
                st.code(prompt, language=None, wrap_lines=True)
        if not target.facts.negative:
            st.caption(s["no_negative"].format(name=target.facts.name))
