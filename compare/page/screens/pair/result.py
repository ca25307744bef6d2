"""The result: a run's pictures, what the words were, what can be done next, and everything to take home."""

from __future__ import annotations

import html
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from compare.instruments.scores import unknown_in
from compare.page.context import PageContext
from compare.page.screens.pair.form import fill_from_request, work_of
from compare.page.text import model_title, plain
from compare.page.widgets.downloads import show_downloads
from compare.page.widgets.in_browser.scroll import scroll_here
from compare.page.widgets.in_browser.viewer import viewer
from compare.page.widgets.marked import marked_html
from compare.page.widgets.observations import show_observations
from compare.page.widgets.other_model import show_other_model
from compare.page.widgets.sections import VERDICT, show_sections
from compare.report import sentences
from compare.runs.record import Record
from compare.runs.run import Run
from compare.view import marked_prompt, offences_text, unseen_note
from generate.choices import earlier_family, size_of_today
from generate.models import vocabulary_of
from generate.picture import ARMS
from ideation import says_no_more_than_unlearnt, spoken, told
from ideation.english import diff
from ideation.files import MAX_SEED

if TYPE_CHECKING:  # torch comes along with a session, and the page is up long before it
    from compare.session import Session

#: A longer concept is set smaller.
MOST_HEADER_CHARACTERS = 120
#: Where the header of a pair that has just been made stands above that share of the window, its pictures are seen.
_HIGH_ENOUGH = 0.25


def show_result(page: PageContext, name: str) -> None:
    """Shows the run `name`. Raises `TwinseedError`."""
    report = sentences(page.language)["report"]
    run = page.open(name)
    made, asked = st.session_state.get("just_made") or ("", 0.0)
    if made == name:
        scroll_here(f"made {asked}", within=_HIGH_ENOUGH)
    record, pictures = run.record, run.files()
    settings, prompts = record.settings, record.prompts
    (st.header if len(record.concept.text) <= MOST_HEADER_CHARACTERS else st.subheader)(
        plain(record.concept.text), anchor=False
    )
    line = page.t["result"]["line"].format(
        model=model_title(settings.model),
        scheduler=settings.scheduler,
        steps=settings.num_inference_steps,
        guidance=f"{settings.guidance_scale:g}",
        width=settings.width,
        height=settings.height,
        expander=report["prompts"]["expanders"].get(prompts.expander, prompts.expander),
        seed=", ".join(map(str, record.seeds)),
    )
    st.html(f'<p class="tw-line">{html.escape(line)}</p>')
    wide, narrow = st.columns([3, 2], gap="large")
    first, *others = record.seeds
    with wide:
        _show_seed(page, run, first, pictures, report)
    with narrow:
        _show_prompts(record, report, page)
        show_sections(page.gallery, name, record, page.language, VERDICT)
        _show_notes(record, report, page)
    # A row for every two, not two long columns: on a phone these come one after the other, and so would 8, 10, 9.
    columns = (column for _ in others[::2] for column in st.columns(2, gap="large"))
    for column, seed in zip(columns, others, strict=False):
        with column:
            st.html(f'<p class="tw-seed">{html.escape(page.t["result"]["seed"].format(seed=seed))}</p>')
            _show_seed(page, run, seed, pictures, report)
    _show_next(page, name, record)
    show_observations(page, name, record)
    show_sections(page.gallery, name, record, page.language)
    show_other_model(spoken(prompts.simple), name, page.t, seed=record.seeds[0], but=settings.model)
    show_downloads(page.gallery, name, page.t, page.language)
    with st.expander(page.t["result"]["command"], key=f"command-{name}"):
        st.code(shlex.join(record.request.to_command()), language="bash", wrap_lines=True)


def _show_seed(page: PageContext, run: Run, seed: int, pictures: dict[str, bytes], report: dict[str, Any]) -> None:
    record = run.record
    both = record.pair(seed)
    alts = tuple(
        report["alt"].format(arm=report["short_arm"][one.arm], seed=seed, prompt=getattr(record.prompts, one.arm))
        for one in both
    )
    simple, expanded = both
    viewer(
        pictures[simple.file],
        pictures[expanded.file],
        (alts[0], alts[1]),
        report,
        page.t["viewer"],
        seed,
        key=f"viewer-{run.name}-{seed}",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for one in both:
            st.download_button(
                report["short_arm"][one.arm],
                pictures[one.file],
                f"{one.arm}-{seed}.png",
                "image/png",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
                key=f"{run.name}-{one.file}",
            )


def _show_prompts(record: Record, report: dict[str, Any], page: PageContext) -> None:
    prompts = record.prompts
    pieces = diff(prompts.simple, prompts.expanded)
    for arm in ARMS:
        stretches = marked_prompt(pieces, arm, prompts.tokens.dropped_of(arm))
        marked = marked_html(stretches, report, language=page.language)
        st.html(f'<p class="tw-arm">{html.escape(report["arm"][arm])}</p>{marked}')


def _show_notes(record: Record, report: dict[str, Any], page: PageContext) -> None:
    certificate, prompts, sentences = record.certificate, record.prompts, report["certificate"]
    if certificate.holds:
        alike = "" if certificate.differs else "_alike"
        st.html(
            f'<p class="tw-seal"><b>✓ {html.escape(sentences[f"holds{alike}"])}</b> '
            f"<span>{html.escape(sentences[f'holds{alike}_about'])}</span></p>"
        )
    else:
        found = [] if certificate.same_seed else [sentences["other_seed"]]
        if certificate.offences:
            found.append(sentences["differs"].format(names=offences_text(certificate, report)))
        st.error(plain(f"{' '.join(found)} {sentences['fails_about']}"))
    unseen = unseen_note(prompts, report)
    # The verdict names the words that the model never learnt: once is enough.
    vocabulary = vocabulary_of(record.settings.model)
    in_verdict = record.findings is not None and unknown_in(prompts.simple, vocabulary, None) is not None
    warnings = [one for one in prompts.warnings if not (in_verdict and says_no_more_than_unlearnt(one))]
    notes = [*([unseen] if unseen else []), *(told(warning, page.language) for warning in warnings)]
    if notes:
        st.warning("\n\n".join(map(plain, notes)), icon=":material/info:")


def _show_next(page: PageContext, name: str, record: Record) -> None:
    """What to do with it now."""
    n = page.t["next"]
    steps = record.settings.num_inference_steps
    older = earlier_family(record.certificate.model_digest)
    if older is not None:
        st.caption(n["older"].format(title=older.title))
    with st.container(horizontal=True, key="next"):
        st.button(
            n["refine"].format(steps=2 * steps),
            key="refine",
            icon=":material/auto_fix_high:",
            help=n["refine_help"].format(before=steps, after=2 * steps),
            on_click=_refine,
            args=(page, name, record),
            disabled=page.busy or older is not None,
        )
        st.button(
            n["other_seed"],
            key="other-seed",
            icon=":material/casino:",
            help=n["other_seed_help"],
            on_click=_again,
            args=(page, record),
            disabled=page.busy,
        )
        st.button(
            n["reuse"],
            key="reuse",
            icon=":material/settings_backup_restore:",
            help=n["reuse_help"],
            on_click=fill_from_request,
            args=(record.request, record.certificate.model_digest),
        )
        if st.button(n["lab"], key="to-lab", icon=":material/science:", help=n["lab_help"]):
            page.go("lab", run=name)


def _refine(page: PageContext, name: str, record: Record) -> None:
    language = page.language

    def work(session: Session, **how: Any) -> Run:
        return session.refine(name, language=language, **how)

    page.add(work, record.concept.text)


def _again(page: PageContext, record: Record) -> None:
    """The same prompts and settings, word for word, from the seeds that follow."""
    request, prompts = record.request, record.prompts
    drawn_with, _ = size_of_today(record.settings, record.certificate.model_digest)
    seed = (record.seeds[-1] + 1) % (MAX_SEED - len(record.seeds))
    with page.telling():
        settings = replace(
            drawn_with,
            seed=seed,
            images=request.settings.images,
            device=request.settings.device,
            dtype=request.settings.dtype,
        )
        again = replace(
            request,
            settings=settings,
            simple=prompts.simple,
            expanded=prompts.expanded,
            negative=prompts.negative,
            preset=None,  # its words and LoRAs are in the prompts and settings, and so are those of the styles
            styles=(),
            enhance=False,
            aspect=None,
            draft=None,
            language=page.language,
        )
        page.add(work_of(again), record.concept.text)
