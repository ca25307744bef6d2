"""The model that prompts are written for: one that is here, or a family of which none need be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from generate.families import Reader
from generate.models.catalog import known_models, models_folder, reader_budget, token_budget
from generate.models.clip_tokenizer import find_clip_tokenizer, tokenizer_file
from generate.models.resolve import family_of, find_tokenizer, vocabulary_of, words_for
from generate.models.weights.weight_file import ModelError
from generate.settings import DEFAULT_MODEL
from ideation import (
    CLIP_LIMIT,
    EstimatedBudget,
    PromptTarget,
    TokenBudget,
    Vocabulary,
    WordLists,
    find_target,
    known_targets,
    target_of_family,
)


@dataclass(frozen=True)
class WritingTarget:
    """What is to be known of a model before prompts are written for it. `facts` are None where it is written for in
    the usual way, `tokenizer` where none of its own is here, `vocabulary` where it knows any word; `reader` is its text
    encoder where that is told of."""

    facts: PromptTarget | None
    tokenizer: Path | None
    vocabulary: Vocabulary | None
    reader: Reader | None = None

    @property
    def words(self) -> WordLists:
        """What a concept for it is drawn from: the words that it has learnt, where that is known, else all."""
        return words_for(self.vocabulary)

    def budget(self, *, chunked: bool = False) -> TokenBudget | EstimatedBudget:
        """Counts with the model's own tokenizer, and estimates where that is not here."""
        limit = CLIP_LIMIT if self.facts is None else self.facts.limit
        if self.tokenizer is None:
            return EstimatedBudget(limit, chunked=chunked)
        if self.reader is not None:
            return reader_budget(self.reader, self.tokenizer)
        return token_budget(self.tokenizer, limit, chunked=chunked)


@dataclass(frozen=True)
class NamedTarget(WritingTarget):
    """One that somebody named, of which something is known."""

    facts: PromptTarget


def writing_target(model: str | None = None, written_for: str | None = None) -> WritingTarget:
    """Whom prompts are written for: `written_for`, if that is named; else the model that will render them, the usual
    one unless another is named, which is told of only where it reads sentences. Raises as `find_writing_target` does.

    >>> writing_target().facts, writing_target(written_for="flux").facts.manner
    (None, 'sentences')
    """
    if written_for is not None:
        return find_writing_target(written_for)
    renderer = model or DEFAULT_MODEL
    family = family_of(renderer)
    if family is not None and family.in_turn is not None:
        return find_writing_target(renderer)
    return WritingTarget(None, find_tokenizer(renderer), vocabulary_of(renderer))


def find_writing_target(name: str) -> NamedTarget:
    """A model here with that name or path, else a family. Loads no model and asks no hub.

    Raises `UnknownTarget`, and `ModelError` for a model here that is broken.

    >>> find_writing_target("flux").facts.manner, find_writing_target("seedling").facts.manner
    ('sentences', 'phrases')
    """
    name = name.strip()
    here = {model.name for model in known_models() if model.renders}
    if name in here or (name and Path(name).expanduser().exists()):
        family = family_of(name)
        facts = (target_of_family(family.name) if family else None) or known_targets()["sd1"]
        in_turn = family.in_turn if family is not None else None
        reader = in_turn.readers[0] if in_turn is not None else None
        return NamedTarget(facts, find_tokenizer(name), vocabulary_of(name), reader)
    facts = find_target(name)
    if (vocabulary := vocabulary_of(facts.family)) is not None:  # the embedded model, by another spelling
        return NamedTarget(facts, find_tokenizer(facts.family), vocabulary)
    return NamedTarget(facts, _clip_tokenizer() if facts.clip else None, None)


def _clip_tokenizer() -> Path | None:
    """CLIP's tokenizer, if it is on this machine: with a model, in the models folder, or in the hub's cache."""
    try:
        return tokenizer_file(find_clip_tokenizer(models_folder() / "any model"))
    except ModelError:
        return None
