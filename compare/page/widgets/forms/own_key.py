"""The field for a key of one's own: a password field that is emptied as soon as it is taken."""

from __future__ import annotations

from typing import Any

import streamlit as st

from compare.page.context import PageContext
from compare.page.typed_key import MOST_CHARACTERS, PROVIDERS, TypedKey, TypedKeyError, keep_typed_key, typed_key
from compare.page.widgets.forms.localized_state import kept

_ADDRESS = 300


def show_own_key(page: PageContext) -> None:
    """A small box that takes a key for this tab, says whose is in use, and forgets it; the key is never shown."""
    k, names, key = page.t["own_key"], page.t["settings"]["expanders"], typed_key()
    with st.popover(
        k["title"] if key is None else k["title_in_use"],
        icon=":material/key:",
        width="stretch",
        key="own-key",
    ):
        st.caption(k["about"])
        if key is not None:
            st.info(k["in_use"].format(name=names[key.provider]), icon=":material/key:")
            st.button(k["forget"], key="forget-key", on_click=_forget, args=(page,))
        st.session_state.setdefault("key_provider", PROVIDERS[0])
        st.segmented_control(
            k["provider"],
            PROVIDERS,
            required=True,
            format_func=lambda name: names[name],
            **kept("key_provider", page.language),
        )
        with st.form("own-key-form", border=False):
            st.text_input(k["key"], type="password", key="own_key_typed", max_chars=MOST_CHARACTERS, autocomplete="off")
            if st.session_state.key_provider == "openai":
                st.text_input(k["address"], key="own_key_address", max_chars=_ADDRESS, placeholder=k["address_example"])
            st.form_submit_button(k["use"], key="use-key", on_click=_take, args=(page,))
        problem: TypedKeyError | None = st.session_state.get("own_key_problem")
        if problem is not None:
            page.error(problem)


def _take(page: PageContext) -> None:
    state: Any = st.session_state
    page.forget_problem()
    state.own_key_problem = None
    typed, address = state.own_key_typed, state.get("own_key_address") or ""
    state.own_key_typed = ""  # the field is emptied, whatever comes of it
    try:
        keep_typed_key(TypedKey.of(state.key_provider, typed, address if state.key_provider == "openai" else ""))
    except TypedKeyError as problem:
        state.own_key_problem = problem


def _forget(page: PageContext) -> None:
    page.forget_problem()
    keep_typed_key(None)
