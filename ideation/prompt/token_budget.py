"""The token budget: what an encoder with N tokens will see of a prompt, and what falls off the end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ideation.english import as_written, encoder_pieces, words_of
from ideation.errors import TwinseedError
from ideation.prompt.pair import TokenCount
from ideation.prompt.syntax import parse_prompt, spoken

_HALVES = re.compile("[\ud800-\udfff]")

#: What the CLIP text encoders of Stable Diffusion see, start and end tokens included.
CLIP_LIMIT = 77


class TokenizerError(TwinseedError):
    """A tokenizer file that cannot be read, or a limit that leaves no room for words."""


def estimated_tokens(prompt: str) -> int:
    """About as many tokens as a text encoder makes of English, start and end included; for CLIP rather too many.

    Long words come in pieces.

    >>> estimated_tokens("a dog"), estimated_tokens("an uncharacteristically happy dog")
    (4, 8)
    """
    return 2 + sum(1 if len(piece) <= 7 else 2 if len(piece) <= 11 else 3 for piece in encoder_pieces(prompt))


class EstimatedBudget:
    """The budget of a model whose tokenizer is not here: `estimated_tokens`, and what would be dropped is not known.

    >>> EstimatedBudget(512).measure("a dog", "a dog on a beach").expanded
    7
    """

    def __init__(self, limit: int, *, chunked: bool = False) -> None:
        self.limit, self.chunked = limit, chunked

    def count(self, prompt: str) -> int:
        return estimated_tokens(spoken(prompt))

    def measure(self, simple: str, expanded: str) -> TokenCount:
        return TokenCount(self.limit, self.count(simple), self.count(expanded))


class TokenBudget:
    """Counts tokens with the very tokenizer of the model that will render, without torch or transformers.

    `tokenizer_file` is the `tokenizer.json` beside a model; `limit` counts the start and end tokens too, as encoders
    do. With `chunked`, prompts of any length are read, `limit` tokens at a time, and nothing is dropped. The syntax of
    a prompt (weights, breaks, adapters) takes no tokens. `vectors` has the names of the textual inversions that the
    model can be given, each of which takes as many tokens as it has vectors; the model forgets none, so whoever counts
    has to say (`generate.models.token_budget` knows the models folder). `around` are the tokens before and behind the
    words of what the model's makers put around every prompt, in the place of start and end tokens. Raises
    `TokenizerError`.
    """

    def __init__(
        self,
        tokenizer_file: Path,
        limit: int = CLIP_LIMIT,
        *,
        vectors: Mapping[str, int],
        chunked: bool = False,
        around: tuple[int, int] = (0, 0),
    ) -> None:
        from tokenizers import Tokenizer

        again = "give the folder of a whole model, with its tokenizer/tokenizer.json, or take --model seedling"
        if not tokenizer_file.is_file():
            raise TokenizerError(
                "there is no tokenizer at {tokenizer_file}", hint="{again}", tokenizer_file=tokenizer_file, again=again
            )
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        except Exception as error:  # the Rust library raises nothing narrower
            raise TokenizerError(
                "the tokenizer {tokenizer_file} cannot be read: {error}",
                hint="{again}",
                tokenizer_file=tokenizer_file,
                error=error,
                again=again,
            ) from error
        # A saved tokenizer often cuts and pads by itself, and would then call every prompt 77 tokens long.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.limit, self.chunked = limit, chunked
        self._vectors = {name.casefold(): count for name, count in vectors.items()}
        longest_first = "|".join(re.escape(name) for name in sorted(self._vectors, key=len, reverse=True))
        self._names = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)", re.IGNORECASE) if longest_first else None
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        self._around = sum(around) or special
        # What is cut off first is what stands behind the words, where that is no end token, which always stays.
        self._room = limit - (around[0] if sum(around) else special)
        if self._room < 1:
            raise TokenizerError("a limit of {limit} tokens leaves no room for words", hint="77 is usual", limit=limit)

    def count(self, prompt: str) -> int:
        """Tokens of the whole prompt, with those around it."""
        return self._around + sum(len(offsets) for _, offsets in self._stretches(prompt))

    def count_words(self, words: str) -> int:
        """The same of words whose brackets are no syntax."""
        return self._around + len(list(self._offsets(words)))

    def dropped(self, prompt: str) -> tuple[str, ...]:
        """The words past the limit, in order and without punctuation; a word cut in the middle is among them."""
        dropped: list[str] = []
        room = len(prompt) if self.chunked else self._room
        for text, offsets in self._stretches(prompt):
            if len(offsets) > room:
                # Offsets may include the space in front of a word, hence the end of the first token, not its start.
                first = offsets[room][1]
                dropped += [word.text for word in as_written(w for w in words_of(text) if w.end >= first)]
            room = max(0, room - len(offsets))
        return tuple(dropped)

    def _stretches(self, prompt: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
        """The texts that are encoded one by one, each with the places of its tokens in it."""
        for section in parse_prompt(prompt).sections:
            for stretch in section:
                yield stretch.text, list(self._offsets(stretch.text))

    def _offsets(self, text: str) -> Iterator[tuple[int, int]]:
        """Where each token of the text begins and ends; all vectors of a name stand at the name."""
        begin = 0
        for name in self._names.finditer(text) if self._names else ():
            yield from self._plain(text, begin, name.start())
            yield from [name.span()] * self._vectors[name.group().casefold()]
            begin = name.end()
        yield from self._plain(text, begin, len(text))

    def _plain(self, text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
        # Halves of characters, which the tokenizer refuses, are one unknown character each.
        whole = _HALVES.sub("\ufffd", text[begin:end])
        for first, last in self._tokenizer.encode(whole, add_special_tokens=False).offsets:
            yield begin + first, begin + last

    def measure(self, simple: str, expanded: str) -> TokenCount:
        return TokenCount(
            self.limit, self.count(simple), self.count(expanded), self.dropped(expanded), self.dropped(simple)
        )


def read_part(prompt: str, dropped: tuple[str, ...]) -> str:
    """The prompt without its `dropped` last words; all of it, if those are not its last words.

    >>> read_part("a dog, in neon light", ("neon", "light"))
    'a dog, in '
    """
    tail = [word.key for word in words_of(" ".join(dropped))]
    found = words_of(prompt)[-len(tail) :] if tail else []
    return prompt[: found[0].start] if found and [word.key for word in found] == tail else prompt
