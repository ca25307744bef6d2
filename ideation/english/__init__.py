"""English as text: words, their stems, phrases, grammar and the difference of two texts. It knows no models.

Chinese and Japanese texts are cut into words as well, character by character.
"""

from ideation.english.diff import Kind, Piece, diff
from ideation.english.grammar import indefinite_article, style_phrase, with_article
from ideation.english.phrases import ARTICLES, phrases_of
from ideation.english.stems import GLUE, content_stems, same, stem
from ideation.english.words import WordSpan, as_written, encoder_pieces, plain_words, segments, words_of

__all__ = [
    "ARTICLES",
    "GLUE",
    "Kind",
    "Piece",
    "WordSpan",
    "as_written",
    "content_stems",
    "diff",
    "encoder_pieces",
    "indefinite_article",
    "phrases_of",
    "plain_words",
    "same",
    "segments",
    "stem",
    "style_phrase",
    "with_article",
    "words_of",
]
