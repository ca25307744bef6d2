"""Templates: the one Jinja2 environment, over the folders beside this file, and the languages that we speak."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jinja2

__all__ = ["LANGUAGES", "Language", "render"]

#: The languages of reports, page and drawn concepts; `locale/` has a file for each.
Language = Literal["en", "zh-TW"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-TW")


def render(name: str, **context: Any) -> str:
    """The template `name`, a path such as "prompts/offline.j2", filled in.

    A variable that is missing from `context` is an error. Only names that end in .html or .html.j2 escape HTML.
    """
    return _environment().get_template(name).render(**context)


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
