"""The instruction template: what an LLM is told, from `templates/prompts/` or from a file of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import templates
from ideation.errors import Clause, TwinseedError, nearest
from ideation.expanders.instruction_template.sandbox import LIMIT_S, MAX_INSTRUCTION_CHARACTERS, fill, fill_in_child

#: The variants that come with the program, by the names that `--template` takes.
BUILT_IN_TEMPLATES: dict[str, str] = {
    "default": "prompts/expand.txt.j2",
    "concise": "prompts/expand-concise.txt.j2",
    "cinematic": "prompts/expand-cinematic.txt.j2",
    "teaching": "prompts/expand-teaching.txt.j2",
    "natural": "prompts/expand-natural.txt.j2",
    "flux": "prompts/expand-flux.txt.j2",
    "qwen": "prompts/expand-qwen.txt.j2",
    "z-image": "prompts/expand-z-image.txt.j2",
}

MAX_TEMPLATE_CHARACTERS = 50_000

#: What a template can use, and what each is.
VARIABLES: dict[str, str] = {
    "concept": "the concept as a JSON string between two marked lines; must be in every template, once and unchanged",
    "marker": "the word that begins those two lines",
    "parts": "kind -> English name as a JSON string, of a concept that was drawn; else empty",
    "words": "how many words fit into the encoder, or none with --tokens truncate",
    "least": "how many words there should be at least, or none where that is left open",
    "known": "kind -> names that the rendering model knows, or none",
    "previous": "the earlier answer as a JSON object, or none",
    "complaints": "what was wrong with the earlier answer, each a JSON string",
}


def _extending(file: str) -> str:
    return f"{{% extends {file!r} %}}"


#: The sources that need no watching.
_BUILT_IN_SOURCES = frozenset(map(_extending, BUILT_IN_TEMPLATES.values()))


class InstructionTemplateError(TwinseedError):
    """A template that is not there, cannot be read, or cannot be filled in."""


@dataclass(frozen=True)
class InstructionTemplate:
    """A template's `source`, and the name or path that it goes by in messages."""

    name: str
    source: str

    def render(self, **context: Any) -> str:
        """The instruction. Raises `InstructionTemplateError`, with the line where it went wrong."""
        fill_in = fill if self.source in _BUILT_IN_SOURCES else fill_in_child
        filled = fill_in(self.source, Path(templates.__file__).parent, context)
        if not filled.fault:
            return filled.text
        name, where = self.name, Clause(", line {number}", number=filled.line) if filled.line is not None else ""
        if filled.fault == "long":
            raise InstructionTemplateError(
                "{name}: it writes more than {max_instruction_characters:,} characters",
                hint="shorten its loops; an LLM needs a page, not a book",
                name=name,
                max_instruction_characters=MAX_INSTRUCTION_CHARACTERS,
            )
        if filled.fault in ("time", "memory", "end"):
            raise InstructionTemplateError(
                "{name}: filling it in takes more than {seconds:g} seconds"
                if filled.fault == "time"
                else "{name}{where}: filling it in takes too much memory"
                if filled.fault == "memory"
                else "{name}: the process that fills it in broke off ({said})",
                hint="take out its large numbers and its loops inside loops; an LLM needs a page, not a book",
                name=name,
                where=where,
                said=filled.said,
                seconds=LIMIT_S,
            )
        if filled.fault == "missing":
            raise InstructionTemplateError(
                "{name}: it builds on {name_2!r}, which is not there",
                hint="a template can extend or include {values}",
                name=name,
                name_2=filled.said,
                values=", ".join(BUILT_IN_TEMPLATES.values()),
            )
        raise InstructionTemplateError(
            "{name}{where}: {said}",
            hint="a template can use {variables}; begin with a copy of one of templates/prompts",
            name=name,
            where=where,
            said=filled.said,
            variables=", ".join(VARIABLES),
        )


def find_template(name: str) -> InstructionTemplate:
    """The built-in variant of that name, or the file at that path. Raises `InstructionTemplateError`.

    >>> find_template("concise").source
    "{% extends 'prompts/expand-concise.txt.j2' %}"
    """
    built_in = BUILT_IN_TEMPLATES.get(name)
    if built_in is not None:
        return InstructionTemplate(name, _extending(built_in))
    file = Path(name).expanduser()
    if not file.is_file():
        raise InstructionTemplateError(
            "there is no template {name!r}",
            hint="{nearest}; or name a file",
            name=name,
            nearest=nearest(name, list(BUILT_IN_TEMPLATES)),
        )
    again = "give a text file in UTF-8 with an instruction in Jinja2"
    try:
        with file.open(encoding="utf-8-sig") as opened:
            source = opened.read(MAX_TEMPLATE_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise InstructionTemplateError("{name} is not text in UTF-8", hint="{again}", name=name, again=again) from error
    except OSError as error:
        raise InstructionTemplateError(
            "{name} cannot be read: {reason}", hint="{again}", name=name, reason=error.strerror, again=again
        ) from error
    if len(source) > MAX_TEMPLATE_CHARACTERS:
        raise InstructionTemplateError(
            "{name} has more than {max_template_characters:,} characters",
            hint="{again}",
            name=name,
            max_template_characters=MAX_TEMPLATE_CHARACTERS,
            again=again,
        )
    return InstructionTemplate(name, source)
