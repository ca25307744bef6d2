"""The page's script, which Streamlit runs from top to bottom after every click."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.blind_test import show_blind_test
from compare.page.screens.gallery import show_gallery
from compare.page.screens.homework import show_homework
from compare.page.screens.lab import show_lab
from compare.page.screens.learn import show_learn
from compare.page.screens.pair import show_pair
from compare.page.visitor import this_visitor
from compare.page.widgets.progress import take_finished_job
from templates import LANGUAGES

STATIC = Path(__file__).parent / "static"
#: The screens in the order of the menu, by their addresses, with their icons.
SCREENS: dict[str, tuple[Callable[[PageContext], None], str]] = {
    "pair": (show_pair, ":material/compare:"),
    "gallery": (show_gallery, ":material/photo_library:"),
    "blind": (show_blind_test, ":material/visibility_off:"),
    "lab": (show_lab, ":material/science:"),
    "homework": (show_homework, ":material/assignment:"),
    "learn": (show_learn, ":material/school:"),
}
#: Screens that show one run: the one that a job has just made, too.
_OF_ONE_RUN = ("pair", "lab")


def main() -> None:
    st.set_page_config("Twinseed", str(STATIC / "icon.svg"), layout="wide")
    st.html(STATIC / "page.css")
    page = PageContext.of(this_visitor())
    if (own_words := STATIC / f"{page.language}.css").is_file():
        st.html(own_words)
    screens: dict[str, st.Page] = {}
    page = replace(page, screens=screens)
    for name, (show, icon) in SCREENS.items():
        screens[name] = st.Page(partial(show, page), title=page.t["screens"][name], icon=icon, url_path=name)
    # Without an address of its own the first screen would have none that can be told from the others'.
    front = st.Page(partial(_to_first, page), title="Twinseed", url_path="front", default=True, visibility="hidden")
    chosen = st.navigation([front, *screens.values()], position="top")
    made = take_finished_job(page)
    if made not in (None, st.query_params.get("run")) and chosen.url_path in _OF_ONE_RUN:
        st.query_params["run"] = made
    _header(page)
    chosen.run()


def _to_first(page: PageContext) -> None:
    st.switch_page(page.screens[next(iter(SCREENS))], query_params=st.query_params.to_dict())


def _header(page: PageContext) -> None:
    """The name of the house and, in the corner, the switch of languages."""
    st.logo(str(STATIC / "logo.svg"), size="large", icon_image=str(STATIC / "icon.svg"))
    with st.container(key="languages", width="content"):
        st.segmented_control(
            page.t["language"],
            LANGUAGES,
            key="lang",
            required=True,
            label_visibility="collapsed",
            on_change=_remember_language,
            format_func=lambda name: {"en": "English", "zh-TW": "繁體中文"}[name],
        )


def _remember_language() -> None:
    """Puts the language into the address by its code: by itself, Streamlit would put its name there."""
    st.query_params["lang"] = st.session_state.lang


main()
