"""The screen itself: the start, one pair after the other, and the result."""

from __future__ import annotations

import html
import random
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import streamlit as st
from PIL import Image

from compare.page.context import PageContext
from compare.page.screens.blind_test.sitting import Ballot, Choice, Outcome, Sitting, clip_choice, outcome_of
from compare.page.text import plain
from compare.page.widgets.in_browser.ballot import ballot
from compare.page.widgets.in_browser.viewer import viewer
from compare.page.widgets.progress import show_notices
from compare.report import sentences
from compare.runs import Wanted
from compare.statistics import Interval
from ideation import TwinseedError

#: Runs that are looked at, and pairs in one sitting.
MOST_RUNS = 300
LENGTHS = (5, 10, 20, 50)


def show_blind_test(page: PageContext) -> None:
    b, state = page.t["blind"], st.session_state
    sitting: Sitting | None = state.get("sitting")
    st.header(b["title"], anchor=False)
    show_notices(page)
    with page.shown():
        if sitting is None:
            _show_start(page)
        elif sitting.next is not None and not state.get("sitting-ended"):
            _show_ballot(page, sitting, sitting.next)
        else:
            _show_outcome(page, sitting)


def _show_start(page: PageContext) -> None:
    b = page.t["blind"]
    st.html(f'<p class="tw-welcome">{html.escape(b["about"])}</p>')
    stars = st.toggle(page.t["gallery"]["only_star"], key="blind-star")
    listing = page.gallery.listing(MOST_RUNS, wanted=Wanted(star=stars, shelf=page.shelf))
    if not listing.rows:
        st.info(b["none"], icon=":material/info:")
        return
    there = sum(row.images for row in listing.rows)
    st.segmented_control(b["length"], LENGTHS, key="blind-length", default=LENGTHS[1], required=True)
    st.caption(b["there"].format(count=there))
    names = [row.name for row in listing.rows]
    icon = ":material/visibility_off:"
    st.button(b["begin"], key="begin", type="primary", icon=icon, on_click=_begin, args=(page, names))


def _begin(page: PageContext, names: list[str]) -> None:
    state, pairs = st.session_state, list[tuple[str, int]]()
    chance = random.SystemRandom()
    chance.shuffle(names)
    for name in names:
        if len(pairs) >= 4 * state["blind-length"]:  # enough to shuffle; each run is read from the disk
            break
        try:
            run = page.open(name)
            run.files()
        except TwinseedError:
            continue  # the gallery says what is wrong with it
        pairs += [(name, seed) for seed in run.record.seeds]
    page.forget_problem()
    state.sitting = Sitting.of(pairs, state["blind-length"], chance) if pairs else None
    state["sitting-ended"] = False


def _show_ballot(page: PageContext, sitting: Sitting, now: Ballot) -> None:
    b = page.t["blind"]
    run = page.open(now.run)
    files = {picture.arm: picture.file for picture in run.record.pair(now.seed)}
    left, right = (_bare(page, now.run, files[arm]) for arm in (now.left, now.right))
    number = len(sitting.votes) + 1
    st.progress((number - 1) / len(sitting.ballots), b["number"].format(number=number, count=len(sitting.ballots)))
    ballot(left, right, b, number=number, on_choice=lambda choice: _vote(page, number, choice))
    if sitting.votes:
        st.button(b["end"], key="end", type="tertiary", on_click=_end)


@st.cache_data(max_entries=16, show_spinner=False)  # type: ignore[untyped-decorator]
def _bare(_page: PageContext, name: str, file: str) -> bytes:
    """A picture as PNG without a word: what stands in its file would tell its prompt."""
    with Image.open(_page.gallery.folder(name) / file) as image:
        stored = BytesIO()
        image.convert("RGB").save(stored, "PNG")
    return stored.getvalue()


def _vote(page: PageContext, number: int, choice: Choice) -> None:
    """Takes the choice down, and keeps it with the run at once. A key that was pressed twice counts once."""
    sitting: Sitting = st.session_state.sitting
    now = sitting.next
    if now is None or number != len(sitting.votes) + 1:
        return
    vote = now.vote(choice, datetime.now(UTC).replace(microsecond=0))
    st.session_state.sitting = sitting.with_vote(vote)
    with page.telling():
        page.gallery.mark(now.run, lambda marks: marks.model_copy(update={"votes": (*marks.votes, vote)}))


def _end() -> None:
    st.session_state["sitting-ended"] = True


def _again() -> None:
    st.session_state.sitting = None


def _show_outcome(page: PageContext, sitting: Sitting) -> None:
    b, cards, shown = page.t["blind"], {}, []
    for one, vote in sitting.cast:
        with page.shown():
            run = page.open(one.run)
            found = run.record.findings
            if found is not None and one.seed in found.cards:
                cards[one.run, one.seed] = found.cards[one.seed]
            shown.append((run, one, vote))
    result = outcome_of(sitting, cards)
    _show_counts(result, b)
    for line in _sentences(result, b):
        st.markdown(plain(line))
    if result.share is not None:
        st.caption(plain(b["interval_about"]))
    st.button(b["again"], key="again", type="primary", icon=":material/replay:", on_click=_again)
    st.subheader(b["revealed"], anchor=False)
    report = sentences(page.language)["report"]
    for at in range(0, len(shown), 3):
        for column, (run, one, vote) in zip(st.columns(3, gap="medium"), shown[at : at + 3], strict=False):
            with column:
                pictures = [(run.folder / picture.file).read_bytes() for picture in run.record.pair(one.seed)]
                chosen = b["tie"] if vote.choice is None else report["short_arm"][vote.choice]
                card = cards.get((one.run, one.seed))
                opinion = None if card is None else clip_choice(card)
                told = [b["you"].format(arm=chosen)]
                told += [b["clip"].format(arm=report["short_arm"][opinion])] if opinion is not None else []
                viewer(
                    pictures[0],
                    pictures[1],
                    (report["short_arm"]["simple"], report["short_arm"]["expanded"]),
                    report,
                    page.t["viewer"],
                    one.seed,
                    key=f"revealed-{one.run}-{one.seed}",
                )
                st.markdown(f"**{plain(' · '.join(told))}**")
                st.caption(plain(run.record.concept.text))


def _show_counts(result: Outcome, b: dict[str, Any]) -> None:
    """Three bars: the expanded pictures, neither, the simple ones."""
    total = result.chosen + result.ties
    if not total:
        return
    rows = "".join(
        f'<div class="tw-count {kind}" style="flex-grow:{count}"><b>{count}</b> {html.escape(b["won"][kind])}</div>'
        for kind, count in (("expanded", result.expanded), ("ties", result.ties), ("simple", result.simple))
        if count
    )
    st.html(f'<div class="tw-counts">{rows}</div>')


def _sentences(result: Outcome, b: dict[str, Any]) -> list[str]:
    told = []
    if (share := result.share) is not None:
        told.append(b["share"][_of_half(share)].format(**_numbers(result.expanded, result.chosen, share)))
    if (side := result.side) is not None:
        told.append(b["side"][_of_half(side)].format(**_numbers(result.left, result.chosen, side)))
    if result.judged:
        told.append(b["agreed"].format(agreed=result.agreed, judged=result.judged))
    return [*told, b["kept"]]


def _of_half(interval: Interval) -> str:
    return "more" if interval.low > 0.5 else "less" if interval.high < 0.5 else "even"


def _numbers(count: int, of: int, interval: Interval) -> dict[str, object]:
    return {"count": count, "of": of, "low": round(100 * interval.low), "high": round(100 * interval.high)}
