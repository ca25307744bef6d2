"""The word-level diff of two prompts: which words both have, and which only one of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

from ideation.english.words import segments

Kind = Literal["same", "added", "removed"]

#: Beyond so many comparisons (1,000 words against 1,000) two prompts count as wholly different: prompts are no books.
_MOST_COMPARISONS = 1_000_000

#: One word in common outweighs any number of neighbours; neighbours decide between equal choices.
_COMMON, _NEIGHBOUR = 100_000, 1


@dataclass(frozen=True)
class Piece:
    """A stretch of words. `simple` and `expanded` hold its text in either prompt, verbatim, "" where it is not there.

    The two may differ in case and punctuation when the words are the "same".
    """

    kind: Kind
    simple: str
    expanded: str

    @property
    def text(self) -> str:
        """The text as the expanded prompt has it, or the simple one for a "removed" piece."""
        return self.simple if self.kind == "removed" else self.expanded


def diff(simple: str, expanded: str) -> list[Piece]:
    """The pieces of both prompts in order, words compared without case and punctuation.

    Joining `.simple` over all pieces gives `simple` back exactly, and joining `.expanded` gives `expanded`.

    >>> [(piece.kind, piece.text) for piece in diff("a dog", "a red dog, at night")]
    [('same', 'a '), ('added', 'red '), ('same', 'dog, '), ('added', 'at night')]
    """
    before, after = segments(simple), segments(expanded)
    matched = common_words(*([word.key if word else "" for word, _ in side] for side in (before, after)))
    steps: list[Piece] = []
    i = j = 0
    for next_i, next_j in [*matched, (len(before), len(after))]:
        steps += [Piece("removed", text, "") for _, text in before[i:next_i]]
        steps += [Piece("added", "", text) for _, text in after[j:next_j]]
        if next_i < len(before) and next_j < len(after):
            steps.append(Piece("same", before[next_i][1], after[next_j][1]))
        i, j = next_i + 1, next_j + 1
    return [_joined(list(group)) for _, group in itertools.groupby(steps, key=lambda piece: piece.kind)]


def _joined(pieces: list[Piece]) -> Piece:
    return Piece(pieces[0].kind, "".join(piece.simple for piece in pieces), "".join(piece.expanded for piece in pieces))


def common_words(before: list[str], after: list[str]) -> list[tuple[int, int]]:
    """Pairs of places at which both have the same word, in order: the most that there are, and of equally many those
    with the most words side by side.

    >>> common_words(["a", "red", "dog"], ["a", "dog", "at", "night"])
    [(0, 0), (2, 1)]
    """
    rows, columns = len(before), len(after)
    if rows * columns > _MOST_COMPARISONS:
        return []
    # best[i][j]: what before[i:] and after[j:] have in common; paired[i][j]: the same, if i and j are paired.
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    paired = [[-1] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            if before[i] == after[j]:
                paired[i][j] = _COMMON + max(best[i + 1][j + 1], paired[i + 1][j + 1] + _NEIGHBOUR)
            best[i][j] = max(paired[i][j], best[i + 1][j], best[i][j + 1])
    matched = []
    i = j = 0
    follows = False  # the words before this place are a pair, and were counted as having a neighbour here
    while i < rows and j < columns:
        if paired[i][j] >= 0 and (follows or paired[i][j] == best[i][j]):
            matched.append((i, j))
            follows = paired[i + 1][j + 1] >= 0 and paired[i + 1][j + 1] + _NEIGHBOUR >= best[i + 1][j + 1]
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return matched
