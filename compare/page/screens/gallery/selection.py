"""The selection: what can be done with several runs at once."""

from __future__ import annotations

import html
from functools import partial

import streamlit as st
from pydantic import ValidationError

from compare.page.context import PageContext
from compare.page.screens.gallery.taking import show_taking
from compare.page.screens.homework.assignment import TAKEN
from compare.page.text import plain
from compare.page.widgets.downloads import show_downloads
from compare.page.widgets.forms.kept_form import put_into_form
from compare.report import sentences
from compare.runs import GalleryError, Marks, Record
from compare.runs.marks import MAX_TAG_CHARACTERS

#: Runs beside each other in the table of their settings.
MOST_COMPARED = 6
MOST_TRASHED = 50


def chosen_runs() -> list[str]:
    """The names of the runs whose boxes are ticked."""
    names: list[str] = st.session_state.setdefault("chosen-runs", [])
    return names


def choose(name: str) -> None:
    """Ticks the box of a run, or takes the tick away."""
    before = chosen_runs()
    st.session_state["chosen-runs"] = [one for one in before if one != name] if name in before else [*before, name]


def toggle_star(page: PageContext, name: str) -> None:
    with page.telling():
        page.gallery.mark(name, lambda marks: marks.model_copy(update={"star": not marks.star}))


def show_selection(page: PageContext) -> None:
    """The bar of what can be done with the runs that are chosen; nothing where none is."""
    names, g = chosen_runs(), page.t["gallery"]
    if not names:
        return
    with st.container(border=True, key="selection"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(g['chosen'].format(count=len(names)))}**")
            with st.popover(g["tag"], icon=":material/label:", key="tag-box"), st.form("tags", border=False):
                st.text_input(g["new_tag"], key="new-tag", max_chars=MAX_TAG_CHARACTERS)
                st.form_submit_button(g["tag"], on_click=_tag, args=(page,))
            show_taking(page, names)
            if st.button(g["to_homework"], key="to-homework", icon=":material/assignment:"):
                _to_homework(page, names)
            st.button(g["delete"], key="delete", icon=":material/delete:", on_click=_delete, args=(page,))
            st.button(g["clear"], key="clear", icon=":material/close:", type="tertiary", on_click=_clear)
        if len(names) == 1:
            with page.shown():
                page.open(names[0])
                show_downloads(page.gallery, names[0], page.t, page.language)
        else:
            _show_settings(page, names[:MOST_COMPARED])


def _to_homework(page: PageContext, names: list[str]) -> None:
    """Has the runs handed in with the homework, and goes there. Ends this run of the script."""
    before = page.visitor.forms.get("homework", {}).get(TAKEN, [])
    put_into_form(page.visitor, "homework", **{TAKEN: list(dict.fromkeys([*before, *names]))})
    st.session_state["homework-part"] = "make"
    page.go("homework")


def show_undo(page: PageContext) -> None:
    """What was deleted last can be had back with one click."""
    deleted: list[str] = st.session_state.get("deleted-runs", [])
    if deleted:
        g = page.t["gallery"]
        with st.container(horizontal=True, vertical_alignment="center", key="undo-box"):
            st.info(g["deleted"].format(count=len(deleted)), icon=":material/delete:")
            st.button(g["undo"], key="undo", icon=":material/undo:", on_click=_undo, args=(page,))


def show_trash(page: PageContext) -> None:
    """The runs in the trash, each to be had back."""
    trashed, g = page.gallery.trashed(), page.t["gallery"]
    if not trashed or page.shelf is not None:
        return
    label = g["trash"].format(count=len(trashed))
    with st.expander(label, key="trash", icon=":material/delete:", on_change="rerun") as box:
        for name in trashed[:MOST_TRASHED] if box.open else ():
            with st.container(horizontal=True, vertical_alignment="center"):
                key = f"restore-{name}"
                st.button(g["restore"], key=key, icon=":material/undo:", on_click=_restore, args=(page, [name]))
                st.markdown(plain(name))


def _tag(page: PageContext) -> None:
    """Puts the tag on all that are chosen; where all have it, takes it away."""
    tag = " ".join((st.session_state["new-tag"] or "").split())
    if not tag:
        return
    with page.telling():
        everywhere = all(tag in page.gallery.marks(name).tags for name in chosen_runs())
        for name in chosen_runs():
            page.gallery.mark(name, partial(_without if everywhere else _with, tag))


def _with(tag: str, marks: Marks) -> Marks:
    try:
        return Marks.model_validate({**marks.model_dump(), "tags": tuple(dict.fromkeys([*marks.tags, tag]))})
    except ValidationError:
        raise GalleryError(
            "a run can have {count} tags and no more", hint="take one away first", count=len(marks.tags)
        ) from None


def _without(tag: str, marks: Marks) -> Marks:
    return marks.model_copy(update={"tags": tuple(one for one in marks.tags if one != tag)})


def _delete(page: PageContext) -> None:
    state = st.session_state
    state["deleted-runs"] = []
    with page.telling():
        for name in chosen_runs():
            state["deleted-runs"] = [*state["deleted-runs"], page.gallery.delete(name).name]
            choose(name)


def _undo(page: PageContext) -> None:
    _restore(page, st.session_state.pop("deleted-runs", []))


def _restore(page: PageContext, names: list[str]) -> None:
    with page.telling():
        for name in names:
            page.gallery.restore(name)
    state = st.session_state
    state["deleted-runs"] = [name for name in state.get("deleted-runs", []) if name not in names]


def _clear() -> None:
    st.session_state["chosen-runs"] = []


def _show_settings(page: PageContext, names: list[str]) -> None:
    """The settings of several runs side by side: only what is not the same in all of them."""
    with page.shown():
        records = [page.open(name).record for name in names]
        told = [_settings_of(record, page) for record in records]
        rows = [(label, [one[label] for one in told]) for label in told[0]]
        differing = [(label, values) for label, values in rows if len(set(values)) > 1]
        body = "".join(
            f'<tr><th scope="row">{html.escape(label)}</th>'
            + "".join(f"<td>{html.escape(value)}</td>" for value in values)
            + "</tr>"
            for label, values in differing
        )
        g = page.t["gallery"]
        st.caption(g["differing"] if differing else g["alike"])
        if differing:
            table = f'<table class="tw-table tw-settings"><tbody>{body}</tbody></table>'
            st.html(f'<div class="tw-scroll" tabindex="0">{table}</div>')


def _settings_of(record: Record, page: PageContext) -> dict[str, str]:
    s, f, settings = page.t["settings"], page.t["prompts"], record.settings
    verdict = record.findings.verdict if record.findings is not None else None
    kinds = sentences(page.language)["homework"]["kinds"]
    return {
        page.t["concept"]: record.concept.text,
        f["simple"]: record.prompts.simple,
        f["expanded"]: record.prompts.expanded,
        f["negative"]: record.prompts.negative or "–",
        s["model"]: settings.model,
        s["preset"]: record.request.preset or "–",
        s["styles"]: ", ".join(record.request.styles) or "–",
        s["expander"]: " ".join(filter(None, (record.prompts.expander, record.prompts.llm_model))),
        s["scheduler"]: settings.scheduler,
        s["steps"]: str(settings.num_inference_steps),
        s["guidance"]: f"{settings.guidance_scale:g}",
        s["size"]: f"{settings.width} × {settings.height}",
        s["seed"]: ", ".join(map(str, record.seeds)),
        s["loras"]: ", ".join(f"{one.name} {one.unet:g}" for one in settings.adapters) or "–",
        page.t["gallery"]["by"]["verdict"]: "–" if verdict is None else kinds[verdict.told],
    }
