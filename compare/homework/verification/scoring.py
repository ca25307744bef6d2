"""Scoring: whether the scores and the verdict of a record are those of its own pictures."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator

from compare.homework.verification.finding import Finding
from compare.instruments import DistanceRecord, Findings, PictureScore, score
from compare.instruments.scores import VerdictRecord, mark_of, unknown_to, verdict_of
from compare.runs.record import RECORD_FILE, Record, RecordError
from compare.runs.run import Run
from ideation import Clause
from ideation.prompt import phrases_of

#: Rounding of another library of numbers, in what is worked out from pixels.
_SAME_SCORE = 1e-4
#: Rounding to six digits on either side, in what is worked out from numbers of the record.
_SAME_NUMBER = 5e-6
#: Measured on 16 pairs with the embedded model's CLIP: on another number of threads equal, with other instructions of
#: the processor at most 0.000001 apart, in bfloat16 at most 0.003, and 0.0143 in the shares of phrases.
_SAME_COSINE, _SAME_SHARE = 0.005, 0.03


def disagreements(run: Run, version: str) -> Iterator[Finding]:
    """What of the scores does not follow from the pictures or from other scores, as far as no CLIP is needed for it.

    `version` of Twinseed judged, "" where nobody knows: the rules of another may be others.
    """
    record, found = run.record, run.record.findings
    for seed in record.seeds:
        try:
            measured = score(run.image("simple", seed), run.image("expanded", seed))
        except (RecordError, ValueError):
            continue  # which was said
        distance = None if found is None else found.distances.get(seed)
        if any(one is not None and _apart(one, measured) for one in (record.scores[seed], distance)):
            yield _fault(Clause("the scores of seed {seed} are not those of the pictures", seed=seed))
    if found is None:
        return
    for what, named in (("distances", found.distances), ("CLIP scores", found.cards)):
        if (named or (found.verdict is not None and named is found.distances)) and set(named) != set(record.seeds):
            yield _fault(Clause("the {what} are not of the seeds that the pictures are of", what=what))
    if found.cards and found.clip is None:
        yield _fault(Clause("there are CLIP scores, and the record names no CLIP"))
    is_fault = version in ("", importlib.metadata.version("twinseed"))
    for words in (_of_phrases(record, found), _of_verdict(record, found)):
        if words is not None:
            yield Finding("scores", words, RECORD_FILE, is_fault=is_fault)


def of_other_pictures(recorded: Findings, again: Findings) -> Iterator[Finding]:
    """What a CLIP said otherwise of the same pictures when it looked `again`: a line for each seed, and one for the
    phrases."""
    assert recorded.clip is not None and again.clip is not None  # noqa: S101, PT018 - whoever asks had both
    for seed, card in again.cards.items():
        pairs = [(recorded.cards[seed].model_dump(), card.model_dump())] if seed in recorded.cards else []
        if seed in recorded.distances:
            # Whoever looked once more without a CLIP has the cards of before, and no distance by CLIP.
            old, new = recorded.distances[seed].clip, again.distances[seed].clip
            pairs.append(({"distance": new if old is None else old}, {"distance": new}))
        for name, was, now in ((name, one[name], other[name]) for one, other in pairs for name in one):
            if not _near(was, now, _SAME_COSINE):
                words = Clause(
                    "the CLIP scores of seed {seed} are not those of these pictures: measured again, {name} is {now} "
                    "instead of {was}",
                    seed=seed,
                    name=name,
                    now=_shown(now),
                    was=_shown(was),
                )
                yield _fault(words)
                break
    cuts = [(one.limit, one.simple_cut, one.expanded_cut) for one in (recorded.clip, again.clip)]
    if cuts[0] != cuts[1]:
        yield _fault(Clause("what the CLIP read of the prompts is not what the record says"))
    for one, other in zip(recorded.phrases, again.phrases, strict=False):
        if one.mark is None:
            continue  # looked for without a CLIP
        sure = other.on_simple is None or other.on_expanded is None  # then the mark hangs on words alone
        if (sure and one.mark != other.mark) or not all(
            _near(getattr(one, name), getattr(other, name), _SAME_SHARE) for name in ("on_simple", "on_expanded")
        ):
            words = Clause(
                "what the CLIP saw of the phrase {phrase!r} is not what it sees in these pictures", phrase=one.text
            )
            yield _fault(words)
            break


def _fault(words: Clause) -> Finding:
    return Finding("scores", words, RECORD_FILE)


def _apart(recorded: PictureScore | DistanceRecord, measured: PictureScore) -> bool:
    return not all(
        _near(getattr(recorded, name), getattr(measured, name), _SAME_SCORE)
        for name in ("mean_absolute_difference", "ssim")
    )


def _near(one: float | None, other: float | None, most: float) -> bool:
    return one is other if one is None or other is None else abs(one - other) <= most


def _shown(value: float | None) -> str:
    return "?" if value is None else f"{value:.4f}"


def _of_phrases(record: Record, found: Findings) -> Clause | None:
    """Whether the phrases are those of the prompt, each with the mark that its shares give."""
    if found.phrases and [(one.text, one.start, one.end) for one in found.phrases] != [
        tuple(one) for one in phrases_of(record.prompts.expanded)
    ]:
        return Clause("the phrases that the CLIP looked for are not those of the expanded prompt")
    for one in found.phrases:
        on_simple, on_expanded = one.on_simple, one.on_expanded
        if on_simple is not None and on_expanded is not None and one.mark != mark_of(on_simple, on_expanded):
            return Clause("the mark of the phrase {phrase!r} does not follow from its scores", phrase=one.text)
    return None


def _of_verdict(record: Record, found: Findings) -> Clause | None:
    """Whether the verdict is the one that cards, distances and prompts of the record give."""
    said = found.verdict
    if said is None:
        return Clause("the record has scores and no verdict") if found.distances else None
    clip = None if found.clip is None else found.clip.name
    unknown = unknown_to(record.prompts.simple, record.settings.model, clip)
    followed = verdict_of(record.prompts, found.distances, found.cards, unknown)
    if said.kind != followed.kind:
        return Clause(
            "the verdict does not follow from the scores: they give {followed!r}, the record says {said!r}",
            followed=Clause(followed.kind),
            said=Clause(said.kind),
        )
    if said.seeds != followed.seeds or said.unknown != followed.unknown or not _same_numbers(said, followed):
        return Clause("the numbers of the verdict do not follow from the scores")
    return None


def _same_numbers(one: VerdictRecord, other: VerdictRecord) -> bool:
    for name in ("intent", "gain"):
        first, second = getattr(one, name), getattr(other, name)
        if (first is None) != (second is None):
            return False
        if first is not None and not all(
            _near(getattr(first, part), getattr(second, part), _SAME_NUMBER) for part in ("mean", "low", "high")
        ):
            return False
    return all(_near(getattr(one, name), getattr(other, name), _SAME_NUMBER) for name in ("worst", "bound"))
