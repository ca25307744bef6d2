"""From Chinese to English without a language model."""

from ideation.chinese.chart import Lookup
from ideation.chinese.dictionary import DictionaryError
from ideation.chinese.translation import Translation, TranslationError, UnclearChinese, UnknownChinese, translate

__all__ = [
    "DictionaryError",
    "Lookup",
    "Translation",
    "TranslationError",
    "UnclearChinese",
    "UnknownChinese",
    "translate",
]
