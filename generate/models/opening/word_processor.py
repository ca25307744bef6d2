"""Processors of words and pictures, of which the part for words is there alone: the other would want torchvision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, ProcessorMixin


class WordProcessor(ProcessorMixin):
    """What pipelines ask of a processor for prompts without pictures, done by the processor's own tokenizer.

    The words come out as from the processor itself, which writes a chat by the same template and then hands it on to
    the same tokenizer.
    """

    def __init__(self, tokenizer: Any) -> None:  # whoever made it would want a part for pictures as well
        self.tokenizer = tokenizer

    def __call__(self, text: Any = None, **keywords: Any) -> Any:
        """The tokens of texts, as the tokenizer has them."""
        pictures = {"images", "videos"}  # which are none, for prompts alone
        return self.tokenizer(text, **{name: value for name, value in keywords.items() if name not in pictures})

    def apply_chat_template(self, conversation: list[Any], **keywords: Any) -> Any:
        """The tokens of a chat or several; unlike a tokenizer's, always in rows."""
        several = conversation if isinstance(conversation[0], list) else [conversation]
        return self.tokenizer.apply_chat_template(several, **keywords)

    def decode(self, tokens: Any, **keywords: Any) -> str:
        """The text of tokens."""
        text: str = self.tokenizer.decode(tokens, **keywords)
        return text


def word_processor(folder: Path) -> WordProcessor:
    """The one for the processor in the folder."""
    return WordProcessor(AutoTokenizer.from_pretrained(str(folder), local_files_only=True))
