"""Templates: the one Jinja2 environment, over the folders beside this file, and the languages that we speak."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jinja2
import yaml

__all__ = [
    "LANGUAGES",
    "NOTEBOOK",
    "OWN_LOADER",
    "Language",
    "known_sentences",
    "language_for",
    "own_yaml",
    "render",
    "wording",
]

#: The languages of reports, page and drawn concepts; `locale/` has a file for each.
Language = Literal["en", "zh-TW"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-TW")

#: English as a notebook speaks it: that of the page, but for advice on fields and settings, which a cell has not.
NOTEBOOK: Literal["notebook"] = "notebook"

#: PyYAML's safe loader for files of ours: the C library's where there is one, ten times as fast.
OWN_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def render(name: str, **context: Any) -> str:
    """The template `name`, a path such as "prompts/offline/phrases.j2", filled in.

    A variable that is missing from `context` is an error. Only names that end in .html or .html.j2 escape HTML.
    """
    return _environment().get_template(name).render(**context)


def own_yaml(file: Path) -> Any:
    """What a YAML file that comes with Twinseed says. Those of other people go through `ideation.files`.

    >>> own_yaml(Path(__file__).parent / "locale" / "en.yaml")["report"]["motto"]
    'One seed, two prompts'
    """
    return yaml.load(file.read_text(encoding="utf-8"), OWN_LOADER)  # noqa: S506 - a safe loader


def language_for(tag: str) -> Language:
    """The language to speak to whoever gave a text in the language of that tag: theirs, where we have it, else English.

    >>> language_for("zh-TW"), language_for("fr")
    ('zh-TW', 'en')
    """
    return next((language for language in LANGUAGES if language == tag), "en")


def wording(english: str, language: Language | Literal["notebook"]) -> str:
    """The words for an English sentence of an error, with the same names in braces; itself where there are none.

    Those in English are for sentences that give advice for a shell, which means nothing on a page.
    """
    if language == NOTEBOOK:
        return _wordings(NOTEBOOK).get(english) or wording(english, "en")
    return _wordings(language).get(english, english)


def known_sentences() -> tuple[str, ...]:
    """The English of all sentences that can be said in another language."""
    return tuple(dict.fromkeys(english for language in LANGUAGES for english in _wordings(language)))


@lru_cache(maxsize=len(LANGUAGES) + 1)
def _wordings(language: Language | Literal["notebook"]) -> dict[str, str]:
    found: dict[str, str] = own_yaml(Path(__file__).parent / "locale" / f"errors.{language}.yaml")
    return found


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        # By default Jinja looks at the last ending only, and would leave x.html.j2 unescaped.
        autoescape=jinja2.select_autoescape(enabled_extensions=("html", "html.j2"), default_for_string=False),
        trim_blocks=True,
        lstrip_blocks=True,
    )
