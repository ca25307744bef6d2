"""The screen itself: filters, cards, pages, and what lies beside the runs."""

from __future__ import annotations

import math
from functools import partial

import streamlit as st

from compare.page.context import PageContext
from compare.page.screens.gallery.filters import show_filters, wanted_runs
from compare.page.screens.gallery.selection import (
    choose,
    chosen_runs,
    show_selection,
    show_trash,
    show_undo,
    toggle_star,
)
from compare.page.screens.pair.settings import fill_from_picture
from compare.page.text import model_title, moment, plain
from compare.page.widgets.in_browser.thumbnails import Card, thumbnail, thumbnails
from compare.page.widgets.progress import show_notices
from compare.runs import RunRow
from compare.runs.index import LeftOut
from ideation import Clause

ON_ONE_PAGE = 24
MOST_LEFT_OUT = 12
_TITLE_CHARACTERS = 140


def show_gallery(page: PageContext) -> None:
    """The runs, newest first. Whatever of a run cannot be shown is named in its place, and folders that hold none are
    named below."""
    g, state = page.t["gallery"], st.session_state
    st.header(g["title"], anchor=False)
    # Another key when something else is looked for: that begins at the first page.
    pager = f"gallery-page-{state.get('searches', 0)}"
    offset = (state.get(pager, 1) - 1) * ON_ONE_PAGE
    listing = page.gallery.listing(ON_ONE_PAGE, wanted=wanted_runs(page), offset=offset)
    show_filters(page, listing.choices)
    show_undo(page)
    show_notices(page)
    show_selection(page)
    if listing.rows:
        opened = thumbnails(
            [_card(row, page) for row in listing.rows],
            g,
            on_star=partial(toggle_star, page),
            on_choose=choose,
        )
        if opened:
            page.go("pair", run=opened)
    else:
        st.caption(g["none"])
    pages = math.ceil(listing.total / ON_ONE_PAGE)
    if pages > 1:
        st.caption(g["total"].format(count=f"{listing.total:,}"))
        st.pagination(pages, key=pager)
    _show_left_out(page, listing.left_out)
    with st.expander(page.t["settings"]["like"], key="like_box", icon=":material/image_search:"):
        upload = st.file_uploader(page.t["settings"]["like_about"], ["png", "jpg", "jpeg", "webp"], key="like-here")
        with page.shown():
            if upload is not None:
                fill_from_picture(page, upload.getvalue(), upload.name)
                page.go("pair")
    show_trash(page)


def _card(row: RunRow, page: PageContext) -> Card:
    def told(fault: Clause) -> str:
        return str(fault.told(page.language))

    folder = page.gallery.root / row.name
    concept = row.concept if len(row.concept) <= _TITLE_CHARACTERS else f"{row.concept[: _TITLE_CHARACTERS - 1]}…"
    seeds = [] if row.images == 1 else [page.t["gallery"]["images"].format(images=row.images)]
    return Card(
        row.name,
        concept,
        " · ".join([moment(row.created, st.context.timezone), model_title(row.model), *seeds]),
        (thumbnail(folder / row.simple_file, told), thumbnail(folder / row.expanded_file, told)),
        row.star,
        row.tags,
        row.name in chosen_runs(),
    )


def _show_left_out(page: PageContext, left_out: tuple[LeftOut, ...]) -> None:
    if not left_out or page.shelf is not None:
        return
    g = page.t["gallery"]
    told = [
        f"{one.name}: {message} ({hint})"
        for one in left_out[:MOST_LEFT_OUT]
        for message, hint in [one.problem.told(page.language)]
    ]
    more = len(left_out) - len(told)
    told += [g["more_left_out"].format(count=more)] if more else []
    st.warning("\n\n".join(map(plain, [g["left_out"], *told])), icon=":material/info:")
