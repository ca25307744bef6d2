"""Phrases: the nouns, doings and scenes that a Chinese concept is made of, as they are said in English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ideation.english import indefinite_article
from ideation.english.inflection import past_participle, plural, present_participle

#: How a noun is counted: a cat; tea; glasses; the moon; Mazu.
Counting = Literal["count", "mass", "plural", "the", "name"]

#: Nouns that one is on.
_ON = re.compile(r"^(?:the moon|Mars|the ground|the sea|the earth)$|planet$|^Mount |Mountain$")
#: Prepositions of verbs that want an object.
_LEADING_ON = (" at", " for", " on", " of", " to", " with", " from")


@dataclass(frozen=True)
class Noun:
    """A noun and what goes with it.

    `head` is the bare English, with its article where `counting` is "the" or "name". `group` is its class, which verbs
    ask for; `at` the preposition of being there; `placed` is whether it is told where somebody does what he is told by
    (在沙發上看電視的狗). `quantity` is None while nobody has counted. `moments` (times and
    weathers) and `styles` are told of the noun and belong to the whole picture.
    """

    head: str
    counting: Counting = "count"
    group: str = ""
    at: str = "in"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    quantity: Quantity | None = None
    beside: tuple[Noun, ...] = ()
    placed: bool = False

    @property
    def text(self) -> str:
        """The noun phrase, ready to stand in a sentence: a cat; two cups of tea; the moon; a cat, a dog and Mazu."""
        first = self._alone
        if not self.beside:
            return first
        *between, last = [noun._alone for noun in self.beside]
        return f"{', '.join((first, *between))} and {last}"

    @property
    def _alone(self) -> str:
        article, head = ("the", self.head[4:]) if self.head.startswith("the ") else ("", self.head)
        quantity = self.quantity or Quantity("a")
        number, several = quantity.number, quantity.many
        if quantity.measure and (quantity.container or self.counting in ("mass", "plural")):
            inside = plural(head) if self.counting == "count" else head
            outside = plural(quantity.measure) if several else quantity.measure
            words = f"{outside} of {' '.join((*self.before, inside, *self.after))}"
        else:
            if several and self.counting not in ("mass", "plural"):
                head = plural(head)
            if number == "a" and self.counting != "count":
                number = article
            words = " ".join((*self.before, head, *self.after))
        if number in ("a", "half a"):
            number = number[:-1] + indefinite_article(words)
        return f"{number} {words}".strip()

    @property
    def settled(self) -> Noun:
        """The noun with all that is told of it in its own words, where the whole picture is not what is told of."""
        styles = (f"in {style}" for style in self.styles)
        return replace(self, after=(*self.after, *self.moments, *styles), moments=(), styles=())

    @property
    def there(self) -> str:
        """Where one is who is there: at a night market, on the moon, beside a friend."""
        if self.group in ("animal", "person", "being"):
            return f"beside {self.settled.text}"
        on = _ON.search(self.head)
        return f"{'on' if on else self.at} {self.settled.text}"

    @property
    def bare(self) -> str:
        """The noun as the first half of another one: "temple" in "temple roof"."""
        return " ".join((*self.before, self.head.removeprefix("the "), *self.after))


@dataclass(frozen=True)
class Quantity:
    """How much or how many, or whose: `number` is what stands first, as in "a", "two" or "my mother's"; `many` when it
    asks for the plural. `measure` is a cup or a group: with `container` also of what can be counted (a basket of
    apples), without only of what cannot (a slice of pizza, but a leaf)."""

    number: str
    measure: str = ""
    container: bool = False
    many: bool = False


@dataclass(frozen=True)
class Verb:
    """A verb: its English base form, by the class of its object where that makes a difference.

    `given` is the present participle of a doing that comes with its own. `posture` is what is done somewhere;
    `direction` says where to, as in jumping into something.
    """

    base: str
    by_group: Mapping[str, str] = field(default_factory=dict)
    given: str = ""
    posture: bool = False
    transitive: bool = False
    direction: str = ""

    def of(self, noun: Noun) -> Verb:
        """The verb for this object: 打 is playing basketball, and beating a drum."""
        return replace(self, base=self.by_group.get(noun.group, self.base), by_group={})

    def participle(self, *, alone: bool = False) -> str:
        """The -ing form: without the preposition that leads to an object when there is none."""
        if self.given:
            return self.given
        base = self.base.rpartition(" ")[0] or self.base if alone and self.base.endswith(_LEADING_ON) else self.base
        if base == "have":
            return "with"
        return base.removeprefix("be ") if base.startswith("be ") else present_participle(base)

    @property
    def done(self) -> str:
        return self.base.removeprefix("be ") if self.base.startswith("be ") else past_participle(self.base)


@dataclass(frozen=True)
class Doing:
    """A verb with its object and what stands right behind it."""

    verb: Verb
    object: Noun | None = None
    tail: tuple[str, ...] = ()
    prefix: str = ""

    @property
    def text(self) -> str:
        verb = self.verb.participle(alone=self.object is None)
        direction = self.verb.direction
        if direction == "to" and not self.object:
            direction = ""
        prefix = self.prefix
        if prefix.endswith("not") and verb == "with":
            prefix, verb = prefix.removesuffix("not"), "without"
        whom = self.object.text if self.object else ""
        if (verb, whom) == ("without", "a person"):
            whom = "people"
        told = (prefix.strip(), verb, direction, whom, *self.tail)
        return " ".join(filter(None, told))


@dataclass(frozen=True)
class Actions:
    """What somebody does, one or several things; with whom and how; where; when and in which weather."""

    doings: tuple[Doing, ...]
    manner: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        *first, last = [doing.text for doing in self.doings]
        # Whatever somebody has or lacks is no second thing that is done: playing chess without a chair.
        joint = " " if len(first) == 1 and last.startswith(("with ", "without ")) else " and "
        said = f"{', '.join(first)}{joint}{last}" if first else last
        return " ".join((said, *self.manner, *self.places))


@dataclass(frozen=True)
class Scene:
    """A whole picture, or the part of it that a clause tells."""

    subject: Noun | None = None
    actions: Actions | None = None
    places: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def joined(self, other: Scene) -> Scene:
        """Both in one picture: what the other one adds to this subject, or does beside it."""
        if self.subject and _only_where(self) and other.subject:
            named = replace(self.subject, moments=(), styles=())
            moments = (*self.moments, *self.subject.moments)
            return Scene(None, None, (named.there,), moments, (*self.styles, *self.subject.styles)).joined(other)
        moments = (*self.moments, *other.moments)
        merged = replace(self, moments=moments, styles=(*self.styles, *other.styles), places=self.places + other.places)
        if other.subject and self.subject:
            beside = replace(other, moments=(), styles=(), places=()).text
            return replace(merged, places=self.places, others=(*self.others, " ".join((beside, *other.places))))
        actions = self.actions
        if other.actions and actions:
            actions = Actions(
                (*actions.doings, *other.actions.doings),
                (*actions.manner, *other.actions.manner),
                (*actions.places, *other.actions.places),
                (*actions.moments, *other.actions.moments),
            )
        return replace(
            merged,
            subject=self.subject or other.subject,
            actions=actions or other.actions,
            others=(*self.others, *other.others),
        )

    @property
    def text(self) -> str:
        """The English: who does what, where, when and in which weather, what else is there, in which style."""
        subject, actions = self.subject, self.actions
        told = [subject.text if subject else "", actions.text if actions else "", *self.places]
        moments = (*self.moments, *(actions.moments if actions else ()), *(subject.moments if subject else ()))
        told += sorted(dict.fromkeys(moments), key=_weather_last)
        sentence = " ".join(filter(None, told))
        styles = dict.fromkeys((*self.styles, *(subject.styles if subject else ())))
        return ", ".join(filter(None, (sentence, *self.others, *styles)))


def _only_where(scene: Scene) -> bool:
    """Whether so far only a place is named: 夜晚的台北, before somebody does something there."""
    subject = scene.subject
    if subject is None or scene.actions or scene.places or scene.others:
        return False
    return subject.group == "place" or (subject.group == "nature" and subject.counting == "name")


def _weather_last(moment: str) -> bool:
    return moment in ("in the rain", "in the snow", "in the fog", "in the wind", "in a storm", "in a thunderstorm")
