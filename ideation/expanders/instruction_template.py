"""The instruction template: what an LLM is told, from `templates/prompts/` or from a file of the user's."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import jinja2.sandbox

import templates
from ideation.errors import Clause, TwinseedError, nearest

#: The variants that come with the program, by the names that `--template` takes.
BUILT_IN_TEMPLATES: dict[str, str] = {
    "default": "prompts/expand.txt.j2",
    "concise": "prompts/expand-concise.txt.j2",
    "cinematic": "prompts/expand-cinematic.txt.j2",
    "teaching": "prompts/expand-teaching.txt.j2",
}

MAX_TEMPLATE_CHARACTERS = 50_000
MAX_INSTRUCTION_CHARACTERS = 100_000

#: What a template can use, and what each is.
VARIABLES: dict[str, str] = {
    "concept": "the concept as a JSON string between two marked lines; must be in every template, once and unchanged",
    "marker": "the word that begins those two lines",
    "parts": "kind -> English name as a JSON string, of a concept that was drawn; else empty",
    "words": "how many words fit into the encoder, or none with --tokens truncate",
    "known": "kind -> names that the rendering model knows, or none",
    "previous": "the earlier answer as a JSON object, or none",
    "complaints": "what was wrong with the earlier answer, each a JSON string",
}

#: Jinja's name for the code of a template that comes from a string.
_OURS = "<template>"


class InstructionTemplateError(TwinseedError):
    """A template that is not there, cannot be read, or cannot be filled in."""


@dataclass(frozen=True)
class InstructionTemplate:
    """A template's `source`, and the name or path that it goes by in messages."""

    name: str
    source: str

    def render(self, **context: Any) -> str:
        """The instruction. Raises `InstructionTemplateError`, with the line where it went wrong."""
        written: list[str] = []
        size = 0
        try:
            # In pieces, so that a loop gone wild is stopped before it fills the memory.
            for piece in _environment().from_string(self.source).generate(**context):
                written.append(piece)
                size += len(piece)
                if size > MAX_INSTRUCTION_CHARACTERS:
                    raise InstructionTemplateError(
                        "{name}: it writes more than {max_instruction_characters:,} characters",
                        hint="shorten its loops; an LLM needs a page, not a book",
                        name=self.name,
                        max_instruction_characters=MAX_INSTRUCTION_CHARACTERS,
                    )
        except TwinseedError:
            raise
        except jinja2.TemplateNotFound as error:
            raise InstructionTemplateError(
                "{name}: it builds on {name_2!r}, which is not there",
                hint="a template can extend or include {values}",
                name=self.name,
                name_2=error.name,
                values=", ".join(BUILT_IN_TEMPLATES.values()),
            ) from error
        except jinja2.TemplateSyntaxError as error:
            raise InstructionTemplateError(
                "{name}, line {lineno}: {error}",
                hint="{advice}",
                name=self.name,
                lineno=error.lineno,
                error=error,
                advice=_HINT,
            ) from error
        except Exception as error:  # whatever an expression in somebody's template can come to
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _OURS]
            where = Clause(", line {number}", number=lines[-1]) if lines else ""
            said = str(error) or type(error).__name__
            raise InstructionTemplateError(
                "{name}{where}: {said}", hint="{advice}", name=self.name, where=where, said=said, advice=_HINT
            ) from error
        return "".join(written)


def find_template(name: str) -> InstructionTemplate:
    """The built-in variant of that name, or the file at that path. Raises `InstructionTemplateError`.

    >>> find_template("concise").source
    "{% extends 'prompts/expand-concise.txt.j2' %}"
    """
    built_in = BUILT_IN_TEMPLATES.get(name)
    if built_in is not None:
        return InstructionTemplate(name, f"{{% extends {built_in!r} %}}")
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


_HINT = Clause(
    "a template can use {variables}; begin with a copy of one of templates/prompts", variables=", ".join(VARIABLES)
)


def _environment() -> jinja2.Environment:
    """A sandbox: a template from a stranger reaches no files but our templates, and nothing of Python."""
    return jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(Path(templates.__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
