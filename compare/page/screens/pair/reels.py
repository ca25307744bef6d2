"""The reels: topic, action and style of a drawn concept, each held or drawn again."""

from __future__ import annotations

import html

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.pair.form import drawn_concept
from compare.page.widgets.forms.kept_form import held
from generate.models import known_words
from ideation import Concept, draw_many

PARTS = ("topic", "action", "style")


def show_reels(page: PageContext) -> None:
    """The three parts of the drawn concept, each with a switch that holds it and a button that draws it alone."""
    drawn = drawn_concept()
    if drawn is None:
        return
    r = page.t["reels"]
    with st.container(key="reels", horizontal=True, gap="small"):
        for part in PARTS:
            word = getattr(drawn, part)
            if word is None:
                continue
            with st.container(key=f"reel-{part}", border=True, gap="xsmall", width="stretch"):
                text = word.zh if page.language == "zh-TW" else word.en
                st.html(
                    f'<p class="tw-arm">{html.escape(r[part])}</p><p class="tw-reel">{html.escape(text)}</p>',
                )
                with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                    st.toggle(r["hold"], **held(f"hold_{part}"))
                    st.button(
                        r["spin"],
                        key=f"spin-{part}",
                        icon=":material/casino:",
                        type="tertiary",
                        help=r["spin_help"].format(part=r[part]),
                        on_click=spin,
                        args=(page, tuple(other for other in PARTS if other != part)),
                    )


def draw_next(page: PageContext) -> None:
    """Draws this browser's next concept, with the parts that are held as they are."""
    state = st.session_state
    held = () if drawn_concept() is None else tuple(part for part in PARTS if state[f"hold_{part}"])
    spin(page, held)


def spin(page: PageContext, held: tuple[str, ...]) -> None:
    """Puts the next concept of the draw into the field that has the `held` parts of the one there, from what the chosen
    model knows, if that is known. It has its place in the draw as any other."""
    page.forget_problem()
    with page.telling():
        state, before = st.session_state, drawn_concept()
        words = known_words(state.model)
        start = state.draws % words.size
        fits = {part: getattr(before, part) for part in held} if before is not None else {}
        turn = set(PARTS) - set(held) if len(held) == len(PARTS) - 1 else set()

        def wanted(one: Concept) -> bool:
            return all(getattr(one, part) == word for part, word in fits.items()) and not any(
                getattr(one, part) == getattr(before, part) for part in turn
            )

        for first, count in ((start, words.size - start), (0, start)):
            found = (
                next(filter(wanted, draw_many(words, state.draw_seed, first, count, page.language)), None)
                if count
                else None
            )
            if found is not None:
                state.drawn, state.concept, state.draws = found, found.text, (found.index or 0) + 1
                return
