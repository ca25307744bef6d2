"""From Chinese to English without a language model."""

from ideation.chinese.translation import TranslationError, to_english

__all__ = ["TranslationError", "to_english"]
