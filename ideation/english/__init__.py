"""English as text: words, stems, phrases, grammar, the difference of two texts, marks on words. It knows no models.

Chinese and Japanese texts are cut into words as well, character by character.
"""

from ideation.english.diff import Kind, Piece, common_words, diff
from ideation.english.grammar import indefinite_article, style_phrase, with_article
from ideation.english.inflection import plural, singular
from ideation.english.marks import MarkedText, carry_marks, concept_sentence
from ideation.english.phrases import ARTICLES, phrases_of
from ideation.english.plain_text import PlainText, as_prompt, concept_as_prompt, plain_answer, tidied
from ideation.english.stems import GLUE, content_stems, same, stem
from ideation.english.words import QUOTED, WordSpan, as_written, encoder_pieces, plain_words, segments, words_of

__all__ = [
    "ARTICLES",
    "GLUE",
    "QUOTED",
    "Kind",
    "MarkedText",
    "Piece",
    "PlainText",
    "WordSpan",
    "as_prompt",
    "as_written",
    "carry_marks",
    "common_words",
    "concept_as_prompt",
    "concept_sentence",
    "content_stems",
    "diff",
    "encoder_pieces",
    "indefinite_article",
    "phrases_of",
    "plain_answer",
    "plain_words",
    "plural",
    "same",
    "segments",
    "singular",
    "stem",
    "style_phrase",
    "tidied",
    "with_article",
    "words_of",
]
