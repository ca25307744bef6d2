"""The instruction: what an LLM is told, from `templates/prompts/expand.txt.j2`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

import templates
from ideation.draft import DraftRequest

#: Words that fit into a token. Prompts are full of commas, and a comma takes a token too.
WORDS_PER_TOKEN = 0.6

#: What an LLM may add for a model that knows few words.
_ADDED_KINDS = ("setting", "time", "weather", "colour")


def instruction(request: DraftRequest) -> str:
    """One message that holds everything, for not every model has a place for a system prompt.

    The concept goes in as a JSON string between two marked lines. The mark depends on the concept, so no concept can
    contain its own: what looks like the end of the data inside it is not.
    """
    concept, vocabulary, previous = request.concept, request.vocabulary, request.previous
    parts = {"subject": concept.topic, "action": concept.action, "style": concept.style}
    known = None
    if vocabulary is not None:
        known = {kind: vocabulary.names(kind) for kind in _ADDED_KINDS} | {"filler": list(vocabulary.filler)}
    shown = None
    if previous is not None:
        draft = asdict(previous)
        shown = json.dumps({key: draft[key] for key in ("simple", "expanded", "negative")}, ensure_ascii=False)
    return templates.render(
        "prompts/expand.txt.j2",
        concept=json.dumps(concept.text, ensure_ascii=False),
        marker=f"CONCEPT-{hashlib.sha256(concept.text.encode()).hexdigest()[:12].upper()}",
        parts={kind: word.en for kind, word in parts.items() if word is not None},
        words=max(8, int((request.token_limit - 2) * WORDS_PER_TOKEN)),
        known=known,
        previous=shown,
        complaints=request.complaints,
    )
