"""The report of a homework: all pairs on one page, in two languages, and nothing from anywhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import html5lib
import pytest
from sample_run import CONCEPT, sample_certificate, sample_record

from compare.instruments import Findings
from compare.report import sentences
from compare.report.blocks import Table, Text
from compare.runs import Record
from compare.view import Failure, Homework, homework_html, homework_pdf
from compare.view.homework import MOST_SEEDS, booklet_of
from ideation import typed_concept
from templates import LANGUAGES, Language

MADE = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\u202e</blockquote><img src=x onerror=alert(2)>"


def judged(gain: float, intent: float, seeds: tuple[int, ...] = (7,), digest: str = "cd" * 32) -> Findings:
    """Findings of a CLIP that saw so much gained, and so much of the intent."""
    card = {"simple_on_simple": 0.3, "expanded_on_simple": 0.3 + intent, "simple_on_expanded": 0.2}
    changed = {"mean_absolute_difference": 0.1, "ssim": 0.8}
    return Findings.model_validate(
        {
            "clip": {"name": "clip", "digest": digest, "limit": 77},
            "cards": {seed: card | {"expanded_on_expanded": 0.2 + gain} for seed in seeds},
            "distances": dict.fromkeys(seeds, changed),
            "verdict": {"kind": "one pair", "seeds": len(seeds)},
        }
    )


def homework(*changes: dict[str, Any], **about: Any) -> tuple[Homework, dict[str, bytes]]:
    """A homework of a record for each of the changes, and its pictures."""
    records: dict[str, Record] = {}
    pictures: dict[str, bytes] = {}
    for number, change in enumerate(changes):
        record, files = sample_record(**{"concept": typed_concept(f"a dog on hill {number}")} | change)
        records[f"run {number}"] = record
        pictures |= {f"run {number}/{name}": content for name, content in files.items()}
    return Homework(records, MADE, **about), pictures


def summary(homework: Homework, language: Language = "en") -> tuple[str, Mapping[str, tuple[str, ...]]]:
    """What the summary says in sentences, and the rows of its table."""
    blocks = booklet_of(homework, language).front[0].blocks
    said = " ".join(block.text for block in blocks if isinstance(block, Text))
    return said, {row[0]: row[1:] for block in blocks if isinstance(block, Table) for row in block.rows}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_every_pair_once_and_needs_nothing_else(language: Language) -> None:
    work, pictures = homework(
        {"concept": CONCEPT, "observations": "輪子變圓了。", "images": 3, "seed": 5},
        {"observations": HOSTILE, "findings": judged(0.1, 0.0)},
        by=("林美玲", "B11<b>001234"),
        failed=(Failure("a cat", HOSTILE, "twinseed pair --seed 7 -- 'a cat'"),),
    )
    page = homework_html(work, pictures, language)
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    said, t = sentences(language)["homework"], sentences(language)["report"]
    text = "".join(tree.itertext())
    for words in ("林美玲", "B11<b>001234", "輪子變圓了。", HOSTILE, "a cat", said["failed"]["title"], t["motto"]):
        assert words in text, words
    assert (" %" in text) == (language == "en"), "percent signs as the language sets them"
    links = [element.get("href") for element in tree.iter("a")]
    assert links == ["#pair-1", "#pair-2", "runs/run%200/report.html", "runs/run%201/report.html"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    images = [element.get("src") for element in tree.iter("img")]
    assert len(images) == 3 * 2 + 2
    assert all(source.startswith("data:image/") for source in images)
    assert all(element.get("alt") for element in tree.iter("img"))
    assert len([element for element in tree.iter("input") if element.get("type") == "range"]) == 2
    (policy,) = (one.get("content") for one in tree.iter("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not re.search(r"\b(?:src|href)=\"(?!data:image/|#|runs/)", page)
    assert sum(1 for _ in tree.iter("script")) == 1


def test_nobody_is_named_who_gave_no_name() -> None:
    work, pictures = homework({})
    assert 'class="by"' not in homework_html(work, pictures)


def test_what_breaks_a_certificate_is_said_in_front_and_at_the_pair() -> None:
    unfair = sample_certificate(differs=("prompt", "negative prompt"))
    work, pictures = homework({}, {"certificate": unfair})
    assert "In 1 of these pairs more than the prompt differs." in summary(work)[0]
    page = homework_html(work, pictures)
    assert page.count(sentences("en")["report"]["certificate"]["fails_about"]) == 1
    assert page.count('<span class="light fails">') == 1


def test_that_nothing_differs_is_said_in_the_list() -> None:
    page = homework_html(*homework({}, {"certificate": sample_certificate(differs=())}))
    lights = [page.count(f"</span> {words}</span>") for words in ("only the prompt differs", "nothing differs")]
    assert lights[0] == lights[1] > 0


def test_from_six_concepts_on_they_are_judged_together() -> None:
    changes = [{"findings": judged(0.1 + 0.01 * number, -0.002 * number)} for number in range(6)]
    said, rows = summary(homework(*changes)[0])
    assert "6 concepts, 6 pairs of pictures. Verdicts: one seed alone 6." in said
    assert "Over 6 concepts the expanded pictures show more" in said
    assert "+12.5 points, with 95 % confidence between" in said
    assert (rows["3. a dog on hill 2"][0], *rows["3. a dog on hill 2"][2:]) == ("one seed alone", "+12.0", "−0.4")
    said, _ = summary(homework(*changes[:5])[0])
    assert "With fewer than 6 concepts nothing is said" in said
    assert "95 %" not in said


def test_a_concept_counts_once_however_often_it_was_made() -> None:
    same = typed_concept("A  dog on hill 0")
    changes = [{"findings": judged(0.1, 0.0)} for _ in range(5)] + [{"concept": same, "findings": judged(0.5, 0.0)}]
    said, rows = summary(homework(*changes)[0])
    assert said.startswith("5 concepts, 6 pairs")
    assert "With fewer than 6 concepts" in said
    assert len(rows) == 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_points_of_two_judges_are_not_averaged(language: Language) -> None:
    told = sentences(language)["homework"]["summary"]
    digests = ["cd" * 32] * 5 + ["ef" * 32]
    changes = [{"findings": judged(0.1, 0.0, digest=digest)} for digest in digests]
    assert told["many_clips"].format(number=2) in summary(homework(*changes)[0], language)[0]
    assert told["no_clip"] in summary(homework({}, {})[0], language)[0]


def test_of_many_seeds_some_are_shown_and_the_others_counted() -> None:
    work, _ = homework({"images": MOST_SEEDS + 4})
    booklet = booklet_of(work)
    assert len(booklet.files) == 2 * (MOST_SEEDS + 1)
    assert "3 more seeds are in the whole report" in str(booklet.chapters[0].sections[-1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_the_same_each_time(language: Language) -> None:
    work, pictures = homework({"observations": "輪子 #變圓了 $x$"}, {"images": 2}, by=("Lin Mei",))
    pdf = homework_pdf(work, pictures, language)
    assert pdf.startswith(b"%PDF-")
    assert homework_pdf(work, pictures, language) == pdf
