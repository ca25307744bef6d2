"""The response of an LLM: what was meant as a draft is taken out of it, everything else is a typed error."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ideation.english import words_of
from ideation.expanders.errors import Refusal, TruncatedResponse, UnusableResponse, WrongLanguage, shortened
from ideation.expanders.llm.json_text import objects_in
from ideation.expanders.llm.refusal import declines, declines_later
from ideation.expanders.protocol import DraftedPrompts
from ideation.files import complaint_of

#: The JSON schema of an answer. A plain dict, because the providers' own converters lose `required` on the way.
RESPONSE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "language": {"type": "string"},
        "simple": {"type": "string"},
        "expanded": {"type": "string"},
        "negative": {"type": "string"},
        "reasons": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["language", "simple", "expanded", "negative", "reasons"],
}

#: An answer is a few sentences; a longer one is a model that repeats itself.
MAX_RESPONSE_CHARACTERS = 50_000
MAX_PROMPT_CHARACTERS = 4_000

_ASK_AGAIN = "try again, or name a model that follows instructions better with --llm-model NAME"
_SAY_IT_OTHERWISE = "say the concept in other words, or try another model with --llm-model NAME"

_THOUGHT = re.compile(r"<(?P<ends>/?)(?P<name>think|thinking|reasoning|thought)>", re.IGNORECASE)
_THOUGHT_ENDS = re.compile(r"</(?:think|thinking|reasoning|thought)>", re.IGNORECASE)
_THOUGHT_BEGINS = re.compile(r"<(?:think|thinking|reasoning|thought)>", re.IGNORECASE)

_NAMES = (
    r"(?:the\s+)?(?P<key>language|simple|expanded|negative)"
    r"(?:\s+(?:(?:english|image|text)\s+)?(?:prompt|version|text))?"
)
#: `**Simple prompt:** a dog`, "## Expanded" over its text, `| simple | a dog |`. The text ends at a blank line.
_LABELLED = re.compile(
    rf"^[ \t>*#|\d.)\"'“-]*{_NAMES}[\"'”]?(?:(?:[*\s]*[:：|]|[*]*\s[-–—]\s)[*\"'”]*|[*#]*[ \t]*\n)\s*(?P<value>.+?)\s*"
    rf"(?=\|?[ \t]*\n\s*\n|\|?[ \t]*\n[ \t>*#|\d.)\"'“-]*(?:the\s+)?(?:language|simple|expanded|negative|reasons?)\b"
    rf"[^\n:：|–—-]{{0,30}}(?:[:：|\n]|\s?[-–—]\s)|\|?\s*\Z)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_TAGGED = re.compile(
    r"<(?P<key>language|simple|expanded|negative)(?P<more>[\w-]*)>(?P<value>[^<]{1,4000})</(?P=key)(?P=more)>",
    re.IGNORECASE | re.DOTALL,
)

# Enough to tell a French or German prompt from an English one with a borrowed name in it. Words that English shares
# ("die", "on", "no", "con") are left out.
_FOREIGN_GLUE = frozenset(
    "der das und eine einen einem einer mit auf im un une le les des du et avec sur dans el los las una "
    "y en del gli nel della il uno um uma com na em het een met op van".split()
)
#: How a prompt begins in those languages, where it is too short to have more of their words. None begins a name.
_FOREIGN_ARTICLES = ("un ", "une ", "eine ", "einen ", "uno ", "um ", "uma ", "een ")
_ENGLISH_GLUE = frozenset("a an the of with in on and by at under over near its".split())
#: What stands before a line of Markdown: a heading, a list.
_MARKER = re.compile(r"^\s*(?:#{1,6}\s+|[-*+•]\s+|>\s*|\d{1,2}[.)]\s+)+")
#: Tags of a web page around words; `<lora:...>` and the like are none.
_INLINE_TAG = re.compile(r"</?(?:b|i|em|strong|span|u|code)(?:\s[^<>]*)?>", re.IGNORECASE)
_BLOCK_TAG = re.compile(r"</?(?:p|br|div|pre|li|ul|ol|h\d)(?:\s[^<>]*)?/?>", re.IGNORECASE)
#: What some models write before the prompt inside the form: "Here is the expanded prompt:".
_LABEL = re.compile(
    r"^(?:(?:sure|certainly|of course|okay|ok)\W+)?(?:here(?:['’]s| is)\s+)?(?:(?:the|an?|your|my)\s+)?"
    r"(?:(?:simple|expanded|negative|english|detailed|final|image)\s+)*prompt(?:\s+in\s+english)?\s*(?:[:：]\s*|$)",
    re.IGNORECASE,
)
#: Switches of another tool, which a diffusion model would read as words.
_SWITCHES = re.compile(r"\s--[a-z]+(?:\s+[\w.:]+)?(?=\s--|\s*$)")
#: Words of `templates/prompts/expand.txt.j2` that no prompt needs: the model has copied its instruction.
_INSTRUCTION = re.compile(
    r"CONCEPT-[0-9A-F]{12,}|the concept in plain english|the same picture as a rich prompt", re.IGNORECASE
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^“”]*”|「[^「」]*」|『[^『』]*』|«[^«»]*»")


class _Response(BaseModel):
    """What an LLM is asked for. Here alone extra keys are let pass: LLMs like to add some."""

    model_config = ConfigDict(extra="ignore", strict=True)

    language: str = "und"
    simple: str
    expanded: str
    negative: str = ""
    reasons: tuple[str, ...] = ()

    @field_validator("simple", "expanded", "negative", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        """A list of phrases is a prompt that somebody forgot to join; null is an empty one."""
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return ", ".join(_MARKER.sub("", item) for item in value)
        return "" if value is None else value

    @field_validator("reasons", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """The reasons are shown, never used: whatever cannot be shown as lines is left out."""
        if isinstance(value, str):
            value = [value]
        if isinstance(value, dict):
            value = [f"{key}: {reason}" for key, reason in value.items()]
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    @field_validator("language", mode="before")
    @classmethod
    def _tag(cls, value: Any) -> Any:
        tag = str(value).strip().replace("_", "-")
        return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) else "und"


def read_response(text: str) -> DraftedPrompts:
    """The draft in an LLM's answer.

    A preamble, code fences, thoughts, a list around the object, text after it, trailing commas, Python's quotes and a
    second layer of JSON are passed over; of several drafts the last counts, as second thoughts do. Raises
    `UnusableResponse` when there is none (its subclasses `TruncatedResponse` and `WrongLanguage` say why), `Refusal`
    when the LLM declined.

    >>> read_response('Sure! {"language": "en", "simple": "a dog", "expanded": "a dog on a beach",}').expanded
    'a dog on a beach'
    """
    if len(text) > MAX_RESPONSE_CHARACTERS:
        raise UnusableResponse(
            "the LLM answered with {count:,} characters of text",
            hint="{ask_again}",
            count=len(text),
            ask_again=_ASK_AGAIN,
        )
    spoken = _unquoted_lines(without_thoughts(text))
    if not spoken:
        raise UnusableResponse("the LLM gave an empty answer", hint="{ask_again}", ask_again=_ASK_AGAIN)
    objects, broken_off = _objects(spoken)
    if not objects and "&" in spoken:
        spoken = html.unescape(spoken)
        objects, broken_off = _objects(spoken)
    if (
        not objects
        and "{" not in spoken
        and re.match(r"""\W*(?:language|simple|expanded)["'”’]?\s*[:：]\s*["“”]""", spoken)
    ):
        objects, broken_off = _objects(f"{{{spoken}}}")  # without its braces
    twice = [_encoded_twice(value) for item in [{"": spoken}, *objects] for value in item.values()]
    objects += [item for found in twice for item in found]
    # A refusal is recognised by its words even where the LLM put them into the form.
    for item in objects:
        form = {"simple", "expanded"} & item.keys() or item.keys()
        said = next((item[key] for key in form if isinstance(item[key], str) and declines(item[key])), None)
        if said or ("simple" not in item and (said := item.get("refusal"))):
            raise _declined(str(said))
    problem = ""
    # Some write an object for each prompt: together they are a draft.
    together = {key: value for item in objects for key, value in item.items()}
    labelled = {} if objects else _labelled(spoken)
    if not ({"simple", "expanded"} <= labelled.keys()) and not objects and declines_later(spoken):
        raise _declined(spoken)
    for candidate in [*reversed(objects), together] if objects else [labelled]:
        try:
            answer = _Response.model_validate(candidate)
        except ValidationError as error:
            problem = problem or complaint_of(error, most=3).lower()
            continue
        return _checked(answer)
    if broken_off:
        raise TruncatedResponse(
            "the LLM's answer broke off: …{shortened}",
            hint="{ask_again}",
            shortened=shortened(spoken[-60:]),
            ask_again=_ASK_AGAIN,
        )
    reason = f" ({problem})" if problem else ""
    raise UnusableResponse(
        "the LLM's answer holds no two prompts{reason}: {shortened}",
        hint="{ask_again}",
        reason=reason,
        shortened=shortened(spoken),
        ask_again=_ASK_AGAIN,
    )


def without_thoughts(text: str) -> str:
    text = text.strip().removeprefix("\ufeff")
    if text.startswith(("{", "[")):
        return text
    text = _without_whole_thoughts(text)
    # Some chat templates open the thought themselves, so that only its end stands in the answer.
    text = _THOUGHT_ENDS.split(text)[-1].strip()
    if begin := _THOUGHT_BEGINS.search(text):
        if "{" in text[: begin.start()]:
            return text[: begin.start()].strip()
        # A thought that nobody closed and that ends with a whole object was done; any other was cut off.
        if not text.rstrip("` \n").endswith("}"):
            raise TruncatedResponse(
                "the LLM was cut off while it was still thinking", hint="{ask_again}", ask_again=_ASK_AGAIN
            )
        return text[begin.end() :].strip()
    return text


def _without_whole_thoughts(text: str) -> str:
    """Without what stands between `<think>` and the next `</think>`, and others of its kind."""
    tags = list(_THOUGHT.finditer(text))
    last = {tag["name"].casefold(): number for number, tag in enumerate(tags) if tag["ends"]}
    kept, position, name = "", 0, ""
    for number, tag in enumerate(tags):
        called = tag["name"].casefold()
        if not name and not tag["ends"] and last.get(called, -1) > number:
            kept, name = f"{kept}{text[position : tag.start()]} ", called
        elif tag["ends"] and name == called:
            position, name = tag.end(), ""
    return kept + text[position:]


def _declined(said: str) -> Refusal:
    return Refusal(
        "the LLM declined: {shortened}",
        hint="{say_it_otherwise}",
        shortened=shortened(said),
        say_it_otherwise=_SAY_IT_OTHERWISE,
    )


def _unquoted_lines(text: str) -> str:
    """Without the "> " of a quotation in an e-mail or in Markdown, where it stands before every line of a block."""
    return re.sub(r"(?m)^[ \t]*>+[ \t]?", "", text) if re.search(r"(?m)^[ \t]*>+[ \t]?[\w\"“{}`*]", text) else text


def _objects(text: str) -> tuple[list[dict[str, Any]], bool]:
    """The objects in the text, keys folded, and whether one began and never ended.

    An object that holds no prompt is looked into: some models wrap their answer in another.
    """
    found, broken_off = objects_in(text, lambda value: bool({"simple", "expanded"} & set(map(_folded, value))))
    return [{_folded(key): item for key, item in value.items()} for value in found], broken_off


def _encoded_twice(value: Any) -> list[dict[str, Any]]:
    """The objects in a string that holds JSON, itself written as JSON."""
    if not isinstance(value, str) or "{" not in value or "expanded" not in value:
        return []
    if value.startswith('"') and value.endswith('"'):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return _objects(value)[0]


def _folded(key: str) -> str:
    """ "Simple Prompt", "simple_prompt", "simplePrompt" and "simple" are one key."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[\W_]+", " ", unicodedata.normalize("NFKC", key)).casefold().split()
    named = [word for word in words if word not in ("prompt", "prompts", "english", "the", "text", "version", "en")]
    return " ".join(named if named else words)


def _labelled(text: str) -> dict[str, Any]:
    """The answer of a model that cannot write JSON: lines such as `**Simple prompt:** a dog`, or tags around it."""
    text = re.sub(r"(?m)^(?=[ \t|:-]*---)[ \t|:-]*+$\n?", "", text)  # the line under the head of a table
    found = list(_TAGGED.finditer(text)) or list(_LABELLED.finditer(text))
    return {match["key"].casefold(): match["value"].strip(" \t\n|") for match in found}


def _checked(answer: _Response) -> DraftedPrompts:
    simple, expanded, negative = (plain_line(text) for text in (answer.simple, answer.expanded, answer.negative))
    for name, prompt in (("simple", simple), ("expanded", expanded)):
        if not any(character.isalnum() for character in prompt):
            raise UnusableResponse(
                "the LLM left the {name} prompt empty", hint="{ask_again}", name=name, ask_again=_ASK_AGAIN
            )
        if _INSTRUCTION.search(prompt):
            raise UnusableResponse(
                "the LLM repeats its instruction as the {name} prompt",
                hint="{ask_again}",
                name=name,
                ask_again=_ASK_AGAIN,
            )
        if len(prompt) > MAX_PROMPT_CHARACTERS:
            raise UnusableResponse(
                "the LLM's {name} prompt has {count:,} characters",
                hint="{ask_again}",
                name=name,
                count=len(prompt),
                ask_again=_ASK_AGAIN,
            )
        if not _is_english(prompt):
            raise WrongLanguage(
                "the LLM's {name} prompt is not in English: {shortened}",
                hint="{ask_again}",
                name=name,
                shortened=shortened(prompt),
                ask_again=_ASK_AGAIN,
            )
    return DraftedPrompts(
        answer.language, simple, expanded, negative, tuple(filter(None, map(plain_line, answer.reasons)))
    )


def plain_line(text: str) -> str:
    """One line without control characters, Markdown, a web page's tags, a label in front or quotes around the whole."""
    text = html.unescape(html.unescape(text)).replace("\\n", "\n")
    text = _INLINE_TAG.sub("", _BLOCK_TAG.sub("\n", text).strip())
    visible = "".join(
        " " if c.isspace() else c for c in _unlisted(text) if c.isspace() or unicodedata.category(c)[0] != "C"
    )
    line = re.sub(r"\*\*|__|`", "", " ".join(visible.split()))
    line = re.sub(r"(?<![\w*])([*_])(?=\S)([^*_]+)(?<=\S)\1(?![\w*])", r"\2", line)
    line = _LABEL.sub("", line)
    for begin, end in ('""', "''", "“”"):
        inner = line[1:-1]
        if len(line) > 1 and line[0] == begin and line[-1] == end and begin not in inner and end not in inner:
            line = inner.strip()
    return _SWITCHES.sub("", line)


def _unlisted(text: str) -> str:
    """Headings and lists, on lines of their own or all on one, as phrases with commas between them."""
    if re.match(r"\s*1[.)]\s", text) and re.search(r"\s2[.)]\s", text):
        text = re.sub(r"\s(?=\d{1,2}[.)]\s)", "\n", text)
    lines = [line for line in text.splitlines() if line.strip()]
    if not any(map(_MARKER.match, lines)):
        return text
    phrases = [_MARKER.sub("", line).strip(" ,;") for line in lines]
    return ", ".join(phrase for phrase in phrases if _LABEL.sub("", phrase.strip("*_:")))


def _is_english(prompt: str) -> bool:
    """Mostly Latin letters outside of quoted words, and not the small words of another language."""
    spoken = _QUOTED.sub(" ", prompt)
    letters = [character for character in spoken if character.isalpha()]
    latin = sum(unicodedata.name(character, "").startswith("LATIN") for character in letters)
    if latin < 0.8 * len(letters):
        return False
    words = {part for word in words_of(spoken) for part in word.parts}
    if spoken.casefold().startswith(_FOREIGN_ARTICLES) and not words & _ENGLISH_GLUE:
        return False
    return len(words & _FOREIGN_GLUE) < 2 or bool(words & _ENGLISH_GLUE)
