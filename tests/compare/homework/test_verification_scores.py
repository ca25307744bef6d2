"""Scores in a bundle are measured again where their CLIP is here, and held against each other where it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from forger import kinds, unpacked, verified

from compare.instruments.scores import verdict_of
from compare.session import Session
from compare.session.repetition import NotHere, clip_here

pytest_plugins = ["forger"]
pytestmark = pytest.mark.usefixtures("opened_once")


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"scores.7.ssim": 0.5}, "the scores of seed 7 are not those of the pictures"),
        ({"findings.distances.8.mean_absolute_difference": 0.9}, "the scores of seed 8 are not those of the pictures"),
        ({"findings.verdict.kind": "helped"}, "they give 'cannot tell', the record says 'helped'"),
        ({"findings.verdict.gain.low": 0.01}, "the numbers of the verdict do not follow from the scores"),
        ({"findings.cards.8.expanded_on_expanded": 0.9}, "the numbers of the verdict do not follow from the scores"),
        ({"findings.verdict": None}, "the record has scores and no verdict"),
        ({"findings.cards.8": None}, "the CLIP scores are not of the seeds that the pictures are of"),
        ({"findings.distances": {}}, "the distances are not of the seeds that the pictures are of"),
        ({"findings.clip": None}, "there are CLIP scores, and the record names no CLIP"),
        ({"findings.phrases.0.text": "a blue cat"}, "the phrases that the CLIP looked for are not those of the"),
        ({"findings.phrases.0.mark": "there already"}, "the mark of the phrase 'a red dog' does not follow from its"),
    ],
    ids=lambda value: " and ".join(value) if isinstance(value, dict) else "",
)
def test_scores_that_do_not_follow_are_found_without_a_clip(
    edits: dict[str, Any], words: str, honest: Path, tmp_path: Path
) -> None:
    forger = unpacked(honest.with_name("scored.zip"), tmp_path / "unpacked")
    forger.rescore(edits)
    findings, _ = verified(forger.pack(tmp_path / "forged.zip"), None)
    assert kinds(findings) == {"scores"}, [one.line for one in findings]
    assert any(words in one.line for one in findings), [one.line for one in findings]


def test_what_a_clip_scored_is_measured_again(honest: Path, session: Session, tmp_path: Path) -> None:
    scored = honest.with_name("scored.zip")
    findings, pictures = verified(scored, session)
    assert ([one.line for one in findings], len(pictures)) == ([], 4)

    forger = unpacked(scored, tmp_path / "unpacked")
    findings_of = forger.run("dog").record.findings
    assert findings_of is not None
    card, phrase = findings_of.cards[7], findings_of.phrases[0]
    cards = findings_of.cards | {7: card.model_copy(update={"expanded_on_expanded": card.expanded_on_expanded + 0.05})}
    verdict = verdict_of(forger.run("dog").record.prompts, findings_of.distances, cards)
    assert phrase.on_simple is not None
    forger.rescore(
        {
            "findings.cards.7.expanded_on_expanded": cards[7].expanded_on_expanded,
            "findings.verdict": verdict.model_dump(mode="json"),
            "findings.distances.8.clip": 1.5,
            "findings.phrases.0.on_simple": phrase.on_simple / 2,
            "findings.phrases.0.on_expanded": 0.99,
            "findings.phrases.0.mark": "drawn",
        }
    )
    forged = forger.pack(tmp_path / "forged.zip")
    assert verified(forged, None)[0] == [], "every number follows from another one"
    lines = [one.line.partition(": ")[2] for one in verified(forged, session)[0] if one.kind == "scores"]
    assert [line.partition(" is ")[0] for line in lines] == [
        "the CLIP scores of seed 7 are not those of these pictures: measured again, expanded_on_expanded",
        "the CLIP scores of seed 8 are not those of these pictures: measured again, distance",
        "what the CLIP saw of the phrase 'a red dog'",
    ]


@pytest.mark.parametrize(
    ("edits", "is_fault", "words"),
    [
        ({"findings.clip.digest": "ab" * 32}, True, "the CLIP seedling has other weights here than those that scored"),
        ({"findings.clip.name": "owner/name"}, False, "the CLIP owner/name is not on this machine"),
    ],
)
def test_a_clip_that_is_not_here(
    edits: dict[str, Any], is_fault: bool, words: str, honest: Path, session: Session, tmp_path: Path
) -> None:
    forger = unpacked(honest.with_name("scored.zip"), tmp_path / "unpacked")
    forger.rescore(edits)
    (found,) = verified(forger.pack(tmp_path / "forged.zip"), session)[0]
    assert (found.kind, found.is_fault) == ("not rendered", is_fault)
    assert f"what the CLIP scored was not measured again: {words}" in found.line


def test_by_what_the_clip_of_a_record_is_opened(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    usual = {"TWINSEED_CLIP": str(mine)}
    for name, environ, foreign, opened in (
        ("seedling", {}, True, "seedling"),
        ("mine", usual, True, str(mine)),
        ("mine", {}, True, None),
        (str(mine), {}, False, str(mine)),
        (str(mine), {}, True, None),
        ("../mine", usual, True, None),
        ("stable_diffusion", {}, False, None),
        ("owner/name@main", usual, False, None),
    ):
        if opened is None:
            with pytest.raises(NotHere, match="is not on this machine"):
                clip_here(name, "owner/model", environ, foreign=foreign)
        else:
            assert clip_here(name, "owner/model", environ, foreign=foreign) == opened
