"""The instruction: what an LLM is told, filled into an instruction template."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from ideation.concept import typed_concept
from ideation.draw import seedling_vocabulary
from ideation.expanders.instruction_template import InstructionTemplate, InstructionTemplateError, find_template
from ideation.expanders.protocol import DraftedPrompts, DraftRequest

#: Words that fit into a token. Prompts are full of commas, and a comma takes a token too.
WORDS_PER_TOKEN = 0.6

#: What an LLM may add for a model that knows few words.
_ADDED_KINDS = ("setting", "time", "weather", "colour")


def instruction_for(request: DraftRequest) -> str:
    """One message that holds everything, for not every model has a place for a system prompt.

    The concept goes in as a JSON string between two marked lines. The mark depends on the concept, so no concept can
    contain its own: what looks like the end of the data inside it is not. Everything else that may repeat words of a
    concept is a JSON string as well. Raises `InstructionTemplateError` when the template fails, or does not show the
    concept in this form.

    >>> told = instruction_for(DraftRequest(typed_concept("a dog"), seed=0, token_limit=77))
    >>> [line for line in told.splitlines() if "a dog" in line]
    ['"a dog"']
    """
    template = request.template or find_template("default")
    concept, vocabulary, previous = request.concept, request.vocabulary, request.previous
    parts = {"subject": concept.topic, "action": concept.action, "style": concept.style}
    known = None
    if vocabulary is not None:
        known = {kind: vocabulary.names(kind) for kind in _ADDED_KINDS} | {"filler": list(vocabulary.filler)}
    shown = None
    if previous is not None:
        draft = asdict(previous)
        shown = _quoted({key: draft[key] for key in ("simple", "expanded", "negative")})
    marker = f"CONCEPT-{hashlib.sha256(concept.text.encode()).hexdigest()[:16].upper()}"
    block = f"{marker} BEGIN\n{_quoted(concept.text)}\n{marker} END"
    told = template.render(
        concept=block,
        marker=marker,
        parts={kind: _quoted(word.en) for kind, word in parts.items() if word is not None},
        words=(words := _words(request)),
        least=_least(request, words),
        target=request.target,
        known=known,
        previous=shown,
        complaints=[_quoted(complaint) for complaint in request.complaints],
    )
    if told.count(block) != 1 or f"\n{block}\n" not in f"\n{told}\n":
        raise InstructionTemplateError(
            "{name} does not show the concept once, on lines of its own",
            hint="put {{{{ concept }}}} alone on a line: it is the concept as data, with a mark before and after it",
            name=template.name,
        )
    return told


def _words(request: DraftRequest) -> int | None:
    if not request.fit:
        return None
    words = max(8, int((request.token_limit - 2) * WORDS_PER_TOKEN))
    return min(words, request.target.words) if request.target else words


def _least(request: DraftRequest, words: int | None) -> int | None:
    """The fewest words that the target wants; None where so many are not to be had."""
    least = request.target.least_words if request.target else 0
    return least if words is not None and 0 < least < words else None


def checked_template(name: str) -> InstructionTemplate:
    """The template of that name or file, tried out on every shape of request before anything is asked.

    Raises `InstructionTemplateError`.

    >>> checked_template("concise").name
    'concise'
    """
    template = find_template(name)
    first = DraftRequest(typed_concept("a dog"), 0, 77, template=template)
    repair = DraftRequest(
        first.concept,
        0,
        77,
        seedling_vocabulary(),
        DraftedPrompts("en", "a dog", "a dog"),
        ("a complaint",),
        template=template,
        fit=False,
    )
    for request in (first, repair):
        instruction_for(request)
    return template


def _quoted(value: object) -> str:
    """JSON on one line, for people and LLMs who take other signs than "\\n" for the end of a line, too."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(f"\\u{ord(c):04x}" if c in "\x85\u2028\u2029" else c for c in text)
