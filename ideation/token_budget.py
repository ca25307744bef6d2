"""The token budget: what an encoder with N tokens will see of a prompt, and what falls off the end."""

from __future__ import annotations

import re
from pathlib import Path

from ideation.errors import TwinseedError
from ideation.prompt_pair import TokenCount

#: What the CLIP text encoders of Stable Diffusion see, start and end tokens included.
CLIP_LIMIT = 77


class TokenizerError(TwinseedError):
    """A tokenizer file that cannot be read, or a limit that leaves no room for words."""


class TokenBudget:
    """Counts tokens with the very tokenizer of the model that will render, without torch or transformers.

    `tokenizer_file` is the `tokenizer.json` beside a model; `limit` counts the start and end tokens too, as encoders
    do. Raises `TokenizerError`.
    """

    def __init__(self, tokenizer_file: Path, limit: int = CLIP_LIMIT) -> None:
        from tokenizers import Tokenizer

        again = "give the folder of a whole model, with its tokenizer/tokenizer.json, or take --model seedling"
        if not tokenizer_file.is_file():
            raise TokenizerError(f"there is no tokenizer at {tokenizer_file}", hint=again)
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        except Exception as error:  # the Rust library raises nothing narrower
            raise TokenizerError(f"the tokenizer {tokenizer_file} cannot be read: {error}", hint=again) from error
        # A saved tokenizer often cuts and pads by itself, and would then call every prompt 77 tokens long.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.limit = limit
        self._room = limit - self._tokenizer.num_special_tokens_to_add(is_pair=False)
        if self._room < 1:
            raise TokenizerError(f"a limit of {limit} tokens leaves no room for words", hint="77 is usual")

    def count(self, prompt: str) -> int:
        """Tokens of the whole prompt, start and end tokens included."""
        return len(self._tokenizer.encode(prompt).ids)

    def dropped(self, prompt: str) -> tuple[str, ...]:
        """The words past the limit, in order and without punctuation; a word cut in the middle is among them."""
        cut = self._tokenizer.encode(prompt, add_special_tokens=False).offsets[self._room :]
        if not cut:
            return ()
        words = re.finditer(r"\w+(?:[-'’.]\w+)*", prompt)
        # Offsets may include the space in front of a word, hence the end of the first token and not its start.
        return tuple(word.group() for word in words if word.end() >= cut[0][1])

    def measure(self, simple: str, expanded: str) -> TokenCount:
        return TokenCount(self.limit, self.count(simple), self.count(expanded), self.dropped(expanded))
