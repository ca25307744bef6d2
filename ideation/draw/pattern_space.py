"""The space of a pattern: all texts that it can become, counted, drawn from, and numbered, without listing them.

Every piece knows its exact `count`; its `size`, an upper bound of the length of a text and of the steps that it takes
to make it; and its `height`, how deep it is nested. A text is drawn with dice, or made from its number.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import comb, factorial, gcd, lcm, prod
from typing import Protocol

from ideation.draw.randomizer import mix


class Space(Protocol):
    """A piece of a pattern. `memory` holds the variables that were drawn once, by number."""

    count: int
    size: int
    height: int

    def draw(self, dice: Dice, memory: dict[int, str], /) -> str:
        """A text at random."""

    def nth(self, number: int, memory: dict[int, str], /) -> str:
        """The text with this number, from 0 to `count - 1`."""


class Dice:
    """Random numbers that belong to a seed and a place, the same on every machine and Python version."""

    def __init__(self, seed: int, index: int) -> None:
        digest = hashlib.blake2b(f"{seed} {index}".encode(), digest_size=8).digest()
        self._state = int.from_bytes(digest, "big")

    def below(self, limit: int) -> int:
        """A number from 0 to `limit - 1`, each as likely to within 1 in 2 to the 64th."""
        number = 0
        for _ in range(limit.bit_length() // 64 + 2):
            self._state = mix(self._state)
            number = number << 64 | self._state
        return number % limit


class Fixed:
    """Text that stands for itself."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.count, self.size, self.height = 1, len(text) + 1, 1

    def draw(self, _dice: Dice, _memory: dict[int, str], /) -> str:
        return self.text

    def nth(self, _number: int, _memory: dict[int, str], /) -> str:
        return self.text


class Series:
    """Pieces one after the other; in numbering, the last one changes fastest."""

    def __init__(self, parts: Sequence[Space]) -> None:
        self._parts = tuple(parts)
        self.count = prod(part.count for part in parts)
        self.size = 1 + sum(part.size for part in parts)
        self.height = 1 + max((part.height for part in parts), default=0)

    def draw(self, dice: Dice, memory: dict[int, str], /) -> str:
        return "".join([part.draw(dice, memory) for part in self._parts])

    def nth(self, number: int, memory: dict[int, str], /) -> str:
        digits = []
        for part in reversed(self._parts):
            number, digit = divmod(number, part.count)
            digits.append(digit)
        # In the order of reading, so that a variable is set before it is used.
        return "".join([part.nth(digit, memory) for part, digit in zip(self._parts, reversed(digits), strict=True)])


class Remembered:
    """A variable that is drawn once: it leaves no text, and its value is remembered."""

    def __init__(self, slot: int, value: Space) -> None:
        self._slot, self._value = slot, value
        self.count, self.size, self.height = value.count, value.size + 1, value.height + 1

    def draw(self, dice: Dice, memory: dict[int, str], /) -> str:
        memory[self._slot] = self._value.draw(dice, memory)
        return ""

    def nth(self, number: int, memory: dict[int, str], /) -> str:
        memory[self._slot] = self._value.nth(number, memory)
        return ""


class Recalled:
    """The use of such a variable."""

    def __init__(self, slot: int, value: Space) -> None:
        self._slot = slot
        self.count, self.size, self.height = 1, value.size, 1

    def draw(self, _dice: Dice, memory: dict[int, str], /) -> str:
        return memory[self._slot]

    def nth(self, _number: int, memory: dict[int, str], /) -> str:
        return memory[self._slot]


class Pick:
    """From `least` to `most` different options, in any order, joined by a separator.

    In numbering, few come before many, and orders follow that of the options. In drawing, how many is drawn first,
    all numbers being as likely; then one option after the other by its weight.
    """

    def __init__(
        self, options: Sequence[Space], weights: Sequence[Fraction], least: int, most: int, separator: str
    ) -> None:
        self._options = tuple(options)
        self._least, self._most, self._separator = least, most, separator
        unit = lcm(*(weight.denominator for weight in weights))
        whole = [int(weight * unit) for weight in weights]
        common = gcd(*whole)
        self._weights = [weight // common for weight in whole]
        self._heavier = list(accumulate(self._weights))
        self._counts = [option.count for option in options]
        self._before = list(accumulate(self._counts))
        self.count = sum(_ordered(Counter(self._counts), picks) for picks in range(least, most + 1))
        self.size = 1 + max(option.size for option in options) * most + len(separator) * max(most - 1, 0)
        self.height = 1 + max(option.height for option in options)

    def draw(self, dice: Dice, memory: dict[int, str], /) -> str:
        if self._least == self._most == 1:
            return self._options[bisect_right(self._heavier, dice.below(self._heavier[-1]))].draw(dice, memory)
        weights = list(self._weights)
        chosen = []
        for _ in range(self._least + dice.below(self._most - self._least + 1)):
            heavier = list(accumulate(weights))
            chosen.append(bisect_right(heavier, dice.below(heavier[-1])))
            weights[chosen[-1]] = 0
        return self._separator.join([self._options[option].draw(dice, memory) for option in chosen])

    def nth(self, number: int, memory: dict[int, str], /) -> str:
        if self._least == self._most == 1:
            option = bisect_right(self._before, number)
            return self._options[option].nth(number - self._before[option] + self._counts[option], memory)
        left = Counter(self._counts)
        picks = self._least
        while number >= (here := _ordered(left, picks)):
            number -= here
            picks += 1
        texts = []
        chosen: set[int] = set()
        for more in range(picks - 1, -1, -1):
            ways: dict[int, int] = {}
            for option, count in enumerate(self._counts):
                if option in chosen:
                    continue
                if count not in ways:
                    ways[count] = _ordered(left - Counter({count: 1}), more)
                if number < count * ways[count]:
                    break
                number -= count * ways[count]
            digit, number = divmod(number, ways[count])
            texts.append(self._options[option].nth(digit, memory))
            chosen.add(option)
            left[count] -= 1
        return self._separator.join(texts)


def _ordered(counts: Counter[int], picks: int) -> int:
    """How many texts come of `picks` different options in any order, where `counts[c]` options have c texts each.

    The options' generating function is the product of (1 + c x) over all options, cut off after x to the `picks`.
    """
    ways = [1] + [0] * picks
    for count, options in counts.items():
        factor = [comb(options, taken) * count**taken for taken in range(picks + 1)]
        ways = [sum(ways[total - taken] * factor[taken] for taken in range(total + 1)) for total in range(picks + 1)]
    return ways[picks] * factorial(picks)
