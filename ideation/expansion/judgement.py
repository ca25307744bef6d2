"""A draft judged: the prompts that it comes to, what they keep of the concept, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ideation.concept import Concept
from ideation.english import plain_words, words_of
from ideation.errors import Clause
from ideation.expanders import DraftedPrompts, DraftRequest, UnusableResponse
from ideation.expanders.errors import shortened
from ideation.expansion.notes import notes_on_draft
from ideation.faithfulness import Faithfulness, check
from ideation.prompt import (
    EstimatedBudget,
    MarkedText,
    PlainText,
    TokenBudget,
    TokenCount,
    as_prompt,
    carry_marks,
    parse_prompt,
    plain_answer,
    read_part,
    spoken,
)


@dataclass(frozen=True)
class Plan:
    """What stands before anybody is asked: the prompts that were `given`, by name, and the prompt whose marks the
    written ones get, also taken apart; where both are written, it is the concept. `by_llm` says who writes them."""

    given: dict[str, str]
    source: str
    marked: MarkedText
    by_llm: bool

    @classmethod
    def of(cls, source: str, given: dict[str, str], *, by_llm: bool) -> Plan:
        """Raises `PromptSyntaxError`."""
        for prompt in (source, *given.values()):
            parse_prompt(prompt)
        return cls(given, source, MarkedText.of(source), by_llm)


@dataclass(frozen=True)
class Judgement:
    """A draft, the prompts that it comes to, and what is wrong with it. Fewer faults are better, lost meaning before
    lost words."""

    draft: DraftedPrompts
    simple: str
    expanded: str
    negative: str
    faithfulness: Faithfulness
    tokens: TokenCount
    complaints: tuple[str, ...]
    notes: tuple[Clause, ...]

    @property
    def faults(self) -> tuple[int, int, int]:
        return len(self.faithfulness.lost), len(self.tokens.dropped), len(self.complaints)


def judge(request: DraftRequest, draft: DraftedPrompts, budget: TokenBudget | EstimatedBudget, plan: Plan) -> Judgement:
    """What a draft comes to, with the marks of the plan on it. Raises `UnusableResponse` for one without words."""
    concept, given = request.concept, plan.given
    if not (concept.topic or concept.action or concept.style):
        # Script alone takes French for English; whoever translated it knows better.
        concept = replace(concept, language=language_of(concept, draft))
    answers = {name: PlainText(getattr(draft, name)) for name in ("simple", "expanded", "negative")}
    if plan.by_llm:
        answers = {name: plain_answer(answer.text) for name, answer in answers.items()}
    written = {name: answers[name].text for name in ("simple", "expanded") if name not in given}
    for name, text in written.items():
        if not words_of(text):
            raise UnusableResponse(
                "the LLM's {name} prompt has no words in it: {shortened}",
                hint="try again, or name a model that follows instructions better with --llm-model NAME",
                name=name,
                shortened=shortened(getattr(draft, name)),
            )
    carried = carry_marks(plan.marked, *written.values())
    prompts = given | dict(zip(written, carried.prompts, strict=True))
    if not given and not carried.missing and answers["simple"].text == plan.marked.sentence:
        prompts["simple"] = plan.source  # with its marks as somebody wrote them
    said = {name: spoken(prompt) for name, prompt in prompts.items()}
    tokens = budget.measure(prompts["simple"], prompts["expanded"])
    faithfulness, tokens = faithful(concept, said["simple"], said["expanded"], tokens)
    complaints = [f"Not said in both prompts: {name}." for name in faithfulness.lost]
    missing = [word for word in carried.missing if word != "BREAK"] if "expanded" not in given else []
    if missing and request.concept.language == "en":
        complaints.append(f"Not in these words in both prompts: {', '.join(missing)}. Keep them letter by letter.")
    # What was typed as it is cannot be mended by asking again.
    if tokens.dropped and request.fit and "expanded" not in given:
        complaints.append(
            f"The expanded prompt is too long by {len(tokens.dropped)} words, which the model will not read: "
            f"{' '.join(tokens.dropped)}. Shorten it."
        )
    if plain_words(said["simple"]) == plain_words(said["expanded"]) and not given:
        complaints.append("The expanded prompt adds nothing to the simple one.")
    return Judgement(
        replace(
            draft,
            simple=said["simple"] if "simple" in given else draft.simple,
            expanded=said["expanded"] if "expanded" in given else draft.expanded,
        ),
        prompts["simple"],
        prompts["expanded"],
        as_prompt(answers["negative"].text),
        faithfulness,
        tokens,
        tuple(complaints),
        notes_on_draft(
            (answers[name] for name in (*written, "negative")),
            carried.missing,
            given,
        ),
    )


def faithful(concept: Concept, simple: str, expanded: str, tokens: TokenCount) -> tuple[Faithfulness, TokenCount]:
    """What both prompts, without their marks, keep of the concept, and their tokens with what of it is not read."""
    read = read_part(simple, tokens.simple_dropped), read_part(expanded, tokens.dropped)
    faithfulness = check(concept, simple, expanded, read)
    return faithfulness, replace(tokens, unread=faithfulness.unread)


def language_of(concept: Concept, draft: DraftedPrompts) -> str:
    """The draft's tag, unless it says less than what is known already ("zh" for "zh-TW")."""
    known, told = concept.language, draft.language
    if concept.topic is not None or told == "und" or known.casefold().split("-")[0] == told.casefold():
        return known
    return told
