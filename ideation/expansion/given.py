"""Prompts that somebody typed: what cannot be one."""

from __future__ import annotations

import unicodedata

from ideation.errors import Clause, TwinseedError

#: The longest prompt that is taken as it is, in characters.
MAX_GIVEN_CHARACTERS = 20_000


class GivenPromptError(TwinseedError):
    """A prompt that was typed as it is and cannot be one."""


def require_prompt(name: str, prompt: str, *, may_be_empty: bool = False) -> None:
    """Raises `GivenPromptError` for a typed prompt that cannot be one; `name` is its option's. An empty negative
    prompt may be: it says that nothing is to be avoided."""
    hint = Clause("give the whole prompt with --{name}, or leave --{name} out to have it written", name=name)
    if not may_be_empty and not any(character.isalnum() for character in prompt):
        raise GivenPromptError("the {name} prompt is empty", hint="{advice}", name=name, advice=hint)
    if len(prompt) > MAX_GIVEN_CHARACTERS:
        raise GivenPromptError(
            "the {name} prompt has {count:,} characters; {max_given_characters:,} are accepted",
            hint="{advice}",
            name=name,
            count=len(prompt),
            max_given_characters=MAX_GIVEN_CHARACTERS,
            advice=hint,
        )
    control = [f"U+{ord(c):04X}" for c in prompt if unicodedata.category(c) in ("Cc", "Cs") and not c.isspace()]
    if control:
        raise GivenPromptError(
            "the {name} prompt contains control characters: {control}",
            hint="{advice}",
            name=name,
            control=", ".join(control[:5]),
            advice=hint,
        )
