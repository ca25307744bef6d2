"""The whole report: its sections in the reader's language, and one HTML file that opens offline."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import templates
from compare.report import Section, sentences
from compare.report.blocks import Code
from compare.report.charts import inline
from compare.study.analysis import Analysis
from compare.study.design import Plan
from compare.study.export import citation
from compare.study.report.concepts import (
    examples_section,
    pairs_section,
    picture_name,
    picture_source,
    shown_pictures,
    wins_section,
)
from compare.study.report.origin import funnel_section, plan_section
from compare.study.report.results import (
    answer_section,
    category_section,
    power_section,
    prompts_section,
    ranking_section,
)
from compare.study.report.wording import listed, seeds_text
from templates import Language

#: Gives the bytes of a file of a unit.
Pictures = Callable[[str, str], bytes]


def study_sections(plan: Plan, analysis: Analysis, language: Language) -> tuple[Section, ...]:
    """All that the report says, the answer first."""
    t = sentences(language)["study"]
    made = (
        answer_section(plan, analysis, t),
        category_section(plan, analysis, t),
        ranking_section(plan, analysis, t),
        pairs_section(plan, analysis, t),
        wins_section(plan, analysis, t),
        examples_section(plan, analysis, t),
        prompts_section(plan, analysis, t),
        power_section(plan, analysis, t),
        funnel_section(plan, analysis, t, language),
        plan_section(plan, t, language),
        Section("cite", t["cite"]["title"], (t["cite"]["about"],), (Code(citation(plan).strip(), t["cite"]["title"]),)),
    )
    return tuple(section for section in made if section is not None)


def study_html(plan: Plan, analysis: Analysis, pictures: Pictures, language: Language = "en") -> str:
    """The report as one HTML text; `pictures` gives the bytes of a file of a unit."""
    said = sentences(language)
    t = said["study"]
    css = templates.render("reports/report.css") + templates.render("reports/study/study.css")
    return templates.render(
        "reports/study/study.html.j2",
        t=said["report"],
        said=t,
        # Hashes instead of 'unsafe-inline': should a text ever break out of its place, no browser would run it.
        policy=f"default-src 'none'; img-src data:; style-src {_hash(css)}; base-uri 'none'; form-action 'none'",
        css=css,
        language=language,
        motto=t["motto"].format(concepts=len(plan.concepts), seeds=seeds_text(plan, t), pairs=plan.pairs),
        of=t["of"].format(arms=listed(arm.name for arm in plan.arms), models=listed(plan.models)),
        created=f"{plan.created:%Y-%m-%d %H:%M} UTC",
        created_iso=f"{plan.created:%Y-%m-%dT%H:%M:%SZ}",
        sections=study_sections(plan, analysis, language),
        sources={
            picture_name(unit, file): picture_source(pictures(unit, file)) for unit, file in shown_pictures(analysis)
        },
        inline=inline,
        foot=t["foot"].format(models=listed(plan.models), version=f"Twinseed {plan.twinseed}"),
    )


def _hash(text: str) -> str:
    """The Content-Security-Policy source that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
