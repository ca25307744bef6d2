"""Findings: what the instruments found out about a run, as `record.json` keeps it under `findings`.

Every instrument has one model here and may be missing. Seeds are strings, files are plain names inside the run's
folder, cosines and distances are numbers without unit. Text for people is made from these numbers in the report, in the
reader's language; none is kept here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ideation.values import Count, FileName, Seed, Sha256, StrictModel

#: The instruments that take more than a look at the two pictures, by the names of their findings, and their questions.
INSTRUMENTS = {
    "ruler": "did the words change the picture more than another seed would?",
    "placebo": "better words, or only more words? the simple prompt with words that say nothing",
    "ladder": "which phrase moved the picture? one more at a time, and each left out",
    "morph": "the way from the simple to the expanded picture, in small steps",
    "attention": "where did each word look while the picture was drawn?",
    "sweep": "more steps: which schedulers settle, which wander?",
    "blind": "a language model with eyes describes both pictures, not knowing which is which",
}

Cosine = Annotated[float, Field(ge=-1.001, le=1.001)]
Distance = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Arm = Literal["simple", "expanded"]
BySeed = {"additionalProperties": False}


class DistanceRecord(StrictModel):
    """How far apart two pictures of one size are. `mean_absolute_difference` (0..1) is of their RGB values, `ssim` of
    their brightness (1 for equal pictures), `clip` is 1 minus the cosine of their CLIP vectors, if a CLIP is there."""

    mean_absolute_difference: Share
    ssim: Annotated[float, Field(ge=-1, le=1)]
    clip: Annotated[float, Field(ge=-0.001, le=2.001)] | None = None


class ClipRecord(StrictModel):
    """The CLIP that scored. `simple_cut` and `expanded_cut` are the words of each prompt beyond its token limit."""

    name: str
    digest: str
    limit: Count
    simple_cut: tuple[str, ...] = ()
    expanded_cut: tuple[str, ...] = ()


class CardRecord(StrictModel):
    """The score card of one seed, 2 x 2: CLIP cosines of picture and prompt, named picture_on_prompt.

    The rivals are the simple prompt with its subject or its action exchanged for others: their mean cosine, of
    whichever exchange costs the picture less. None where the prompt has no known subject or action.
    """

    simple_on_simple: Cosine
    expanded_on_simple: Cosine
    simple_on_expanded: Cosine
    expanded_on_expanded: Cosine
    simple_on_rivals: Cosine | None = None
    expanded_on_rivals: Cosine | None = None


class PhraseRecord(StrictModel):
    """One phrase of the expanded prompt, its characters `start` to `end`.

    `mark`: "shared" is in the simple prompt, too; "never seen" fell off the encoder's end; "drawn" is in the expanded
    pictures and not in the simple ones; "there already" is in both; "ignored" is not in the expanded ones; "unclear"
    where the pictures are too few or too close to call; None where no CLIP could look. `on_simple` and `on_expanded`
    are how well the phrase fits the pictures of either arm, averaged over the seeds: the share of unrelated phrases
    that fit worse (0..1, 0.5 is chance).
    """

    text: str
    start: Count
    end: Count
    mark: Literal["shared", "never seen", "drawn", "there already", "ignored", "unclear"] | None
    on_simple: Share | None = None
    on_expanded: Share | None = None


class RulerRecord(StrictModel):
    """The seed ruler: how far the words moved the picture, against how far another seed moves the simple one.

    `files` are the simple prompt's pictures under the other seeds. `words` is the mean distance between the arms of a
    seed, `other_seed` between two simple pictures of different seeds; `times` their ratio, by `measure`.
    """

    files: Annotated[dict[Seed, FileName], Field(json_schema_extra=BySeed)]
    words: DistanceRecord
    other_seed: DistanceRecord
    times: Distance
    measure: Literal["clip", "mean_absolute_difference"]


class RungRecord(StrictModel):
    """One picture on the ladder: its prompt, the phrase that was added to the one before (empty for the first), and
    how far it moved from the one before and from the simple picture."""

    prompt: str
    phrase: str
    file: FileName
    moved: DistanceRecord
    from_simple: DistanceRecord


class WithoutRecord(StrictModel):
    """The expanded prompt without one phrase, and how far its picture is from the expanded one."""

    prompt: str
    phrase: str
    file: FileName
    moved: DistanceRecord


class LadderRecord(StrictModel):
    """From the simple to the expanded prompt one phrase at a time, and the expanded one with each phrase left out.
    Where the expanded prompt words the simple one anew, the second rung does that and has no phrase."""

    seed: Seed
    rungs: tuple[RungRecord, ...]
    without: tuple[WithoutRecord, ...]


class MorphFrameRecord(StrictModel):
    """One picture on the straight way from the simple to the expanded embedding; `part` is 0 for simple, 1 for
    expanded, `moved` the distance from the frame before."""

    part: Share
    file: FileName
    moved: DistanceRecord


class MorphRecord(StrictModel):
    """The morph; `animation` is a WebP file that goes there and back."""

    seed: Seed
    frames: tuple[MorphFrameRecord, ...]
    animation: FileName


class WordMapRecord(StrictModel):
    """Where the picture looked at one word of its prompt while it was drawn. `file` lights the picture as its map is.
    `weight` is the word's share of all attention that the prompt's words got; `new` words are in this prompt alone."""

    arm: Arm
    word: str
    new: bool
    weight: Share
    file: FileName


class SharedWordRecord(StrictModel):
    """A word of both prompts: `file` shows the expanded map minus the simple one, `overlap` (0..1) is what they share,
    1 for equal maps."""

    word: str
    overlap: Share
    file: FileName


class AttentionRecord(StrictModel):
    seed: Seed
    words: tuple[WordMapRecord, ...]
    shared: tuple[SharedWordRecord, ...]


class SweepCellRecord(StrictModel):
    """Both pictures of one scheduler and number of steps. `moved` is the mean distance of the two from their pictures
    with the step count before, None for the first."""

    num_inference_steps: Annotated[int, Field(ge=1)]
    unet_evaluations: Count
    seconds: Annotated[float, Field(ge=0)]
    simple_file: FileName
    expanded_file: FileName
    moved: DistanceRecord | None = None


class SweepRowRecord(StrictModel):
    """One scheduler. `settles` is what is known of it, `settled` what its curve shows, None where that is too short to
    say; `recommended_steps` are the fewest after which more hardly move the pictures, None where it never settled."""

    scheduler: str
    settles: bool
    settled: bool | None
    recommended_steps: Annotated[int, Field(ge=1)] | None
    cells: tuple[SweepCellRecord, ...]


class SweepRecord(StrictModel):
    seed: Seed
    rows: tuple[SweepRowRecord, ...]


class PlaceboRecord(StrictModel):
    """The simple prompt, padded with words that say nothing to about as many tokens as the expanded one has.

    By seed: the picture's file, and its CLIP cosines with the simple and the expanded prompt. `moved` is the mean
    distance from the simple pictures, to be held against that of the expanded ones, `words_moved`.
    """

    prompt: str
    tokens: Count
    files: Annotated[dict[Seed, FileName], Field(json_schema_extra=BySeed)]
    on_simple: Annotated[dict[Seed, Cosine], Field(json_schema_extra=BySeed)]
    on_expanded: Annotated[dict[Seed, Cosine], Field(json_schema_extra=BySeed)]
    moved: DistanceRecord
    words_moved: DistanceRecord


class ChangeRecord(StrictModel):
    """The mean over seeds of a paired difference of cosines, expanded minus simple, with its 95 % interval."""

    mean: float
    low: float
    high: float


class VerdictRecord(StrictModel):
    """What the numbers allow one to say; `compare.instruments.verdict` has the rules, the report the sentences.

    `intent` is how much better the expanded pictures fit the simple prompt (below 0: worse), `gain` how much better
    they fit the expanded one. Both are None without a CLIP or with a single seed, where no interval can be had.
    "helped": the gain is real and the intent is as clear as before; "traded": the gain is real and the intent has
    become less clear; "intent lost": it can hardly be told from its rivals, or has become less clear for no gain.
    """

    kind: Literal["no difference", "one pair", "no clip", "helped", "traded", "intent lost", "cannot tell"]
    seeds: Count
    intent: ChangeRecord | None = None
    gain: ChangeRecord | None = None


class BlindRecord(StrictModel):
    """What a language model with eyes said of the two pictures of a seed, not knowing which is which: it saw them as A
    and B. `first` is the arm that was A."""

    expander: str
    llm_model: str | None
    seed: Seed
    first: Arm
    simple: str
    expanded: str
    differences: tuple[str, ...]


class Findings(StrictModel):
    """All that the instruments found; what was not asked for is None or empty."""

    clip: ClipRecord | None = None
    distances: Annotated[dict[Seed, DistanceRecord], Field(default_factory=dict, json_schema_extra=BySeed)]
    cards: Annotated[dict[Seed, CardRecord], Field(default_factory=dict, json_schema_extra=BySeed)]
    phrases: tuple[PhraseRecord, ...] = ()
    verdict: VerdictRecord | None = None
    ruler: RulerRecord | None = None
    ladder: LadderRecord | None = None
    morph: MorphRecord | None = None
    attention: AttentionRecord | None = None
    sweep: SweepRecord | None = None
    placebo: PlaceboRecord | None = None
    blind: BlindRecord | None = None
    notes: tuple[str, ...] = ()
    sha256: Annotated[dict[FileName, Sha256], Field(default_factory=dict)]

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all pictures that the findings brought, each once, in the order of the instruments."""
        return tuple(dict.fromkeys(self._files()))

    def _files(self) -> Iterator[str]:
        if self.ruler is not None:
            yield from self.ruler.files.values()
        if self.ladder is not None:
            yield from (rung.file for rung in self.ladder.rungs)
            yield from (one.file for one in self.ladder.without)
        if self.morph is not None:
            yield from (frame.file for frame in self.morph.frames)
            yield self.morph.animation
        if self.attention is not None:
            yield from (word.file for word in self.attention.words)
            yield from (both.file for both in self.attention.shared)
        if self.sweep is not None:
            yield from (
                file for row in self.sweep.rows for cell in row.cells for file in (cell.simple_file, cell.expanded_file)
            )
        if self.placebo is not None:
            yield from self.placebo.files.values()
