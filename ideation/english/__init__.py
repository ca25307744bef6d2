"""English as text: words, stems, grammar, the difference of two texts. It knows no prompts, and no models.

Chinese and Japanese texts are cut into words as well, character by character.
"""

from ideation.english.diff import Kind, Piece, common_words, diff
from ideation.english.grammar import indefinite_article, style_phrase, with_article
from ideation.english.inflection import plural, singular
from ideation.english.stems import GLUE, content_stems, same, stem
from ideation.english.words import (
    QUOTED,
    WordSpan,
    as_written,
    covers,
    encoder_pieces,
    is_inside,
    merged,
    plain_words,
    segments,
    words_of,
)

__all__ = [
    "GLUE",
    "QUOTED",
    "Kind",
    "Piece",
    "WordSpan",
    "as_written",
    "common_words",
    "content_stems",
    "covers",
    "diff",
    "encoder_pieces",
    "indefinite_article",
    "is_inside",
    "merged",
    "plain_words",
    "plural",
    "same",
    "segments",
    "singular",
    "stem",
    "style_phrase",
    "with_article",
    "words_of",
]
