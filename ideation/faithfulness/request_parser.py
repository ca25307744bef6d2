"""Reading a concept in English: noun phrases, verbs and styles by word tables and places, without a parser."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from ideation.draw import built_in_words, phrasings, seedling_vocabulary
from ideation.english import GLUE, QUOTED, content_stems, plain_words, stem
from ideation.english.inflection import is_plural, singular
from ideation.faithfulness.requirement import (
    COLOURS,
    NUMBERS,
    Requirement,
    absence_requirement,
    colour_requirement,
    count_requirement,
    number_in,
    phrase_requirement,
    quote_requirements,
    style_requirement,
)

_NEGATION = r"without|no|not|never|minus|lacking|free\s+of|devoid\s+of|sans"
_NEGATED = re.compile(
    rf"\b(?:{_NEGATION})\s+(?:(?:any|a|an|the|being|wearing|having|holding|showing)\s+)*(?P<what>[^,.;]+)",
    re.IGNORECASE,
)
_MEDIUM = re.compile(
    r"^\s*(?:an?\s+|the\s+)?(?P<medium>(?:[\w-]+\s+){0,2}(?:photo|photograph|painting|drawing|sketch|illustration|"
    r"watercolou?r|print|poster|mural|engraving|woodcut|render|picture|image|portrait|close-up|view))"
    r"\s+(?:of|showing)\s+",
    re.IGNORECASE,
)
#: What stands behind the name of a style, in a clause that it begins with.
_STYLED = re.compile(r"(?:['’]s(?=[\s-])|(?<![\s-])(?=[\s-]))[\s-]++styled?\b", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:the|an?)\s+", re.IGNORECASE)
_NAMED_STYLE = (
    re.compile(r"\bin\s+(?:the|an?)\s+(?:style|manner)\s+of\s+(?P<style>[^,;.]+)", re.IGNORECASE),
    re.compile(r"\bby\s+(?P<style>[A-Z][\w.é-]+(?:\s+(?:van|von|de|da|di|[A-Z][\w.é-]+))*)\s*(?=$|[,;.])"),
)

_STOPS = frozenset(
    "in on at by with to for from into onto near over under through across along beside behind between above below "
    "inside outside around against beneath among amid during before after toward towards like as while when where "
    "that which who whose and or but of upon off next atop down up out".split()
)
#: Adjectives that stand behind their noun, "a penguin unable to fly", and never before it.
_PREDICATES = frozenset("able unable afraid asleep awake alone alive aware ready".split())
_AUXILIARIES = frozenset("is are was were has have had be being been does do can will".split())
#: Nouns that end like a participle.
_NOT_VERBS = frozenset(
    "king ring wing string spring thing ceiling building evening morning wedding viking duckling seedling sibling "
    "gosling pudding lightning swing sling painting drawing clothing being bling earring sterling herring starling "
    "lighting dumpling".split()
)
#: A name in front of a number.
_NAME = re.compile(r"(?<![\w'’-])[A-Z][\w'’-]*\s\Z")
#: What is like "upside-down": an adjective, whose last part would else end the noun phrase.
_COMPOUND = re.compile(r"\b\w+-(?:down|up|out|off|in|on|over)\s++(?=(\w++))")
#: Things that are named by what they are for: nobody swims in "an empty swimming pool".
_NAMED_BY_USE = frozenset(
    "swimming pool, living room, dining room, dining table, waiting room, sewing machine, washing machine, "
    "vending machine, rocking chair, shopping mall, shopping cart, shopping bag, walking stick, fishing boat, "
    "fishing rod, fishing net, sleeping bag, hiking boots, frying pan, racing car, racing bike, flying saucer, "
    "parking lot, cutting board, skating rink, ice skating rink, boxing ring, boxing gloves, running shoes, "
    "baking tray, mixing bowl, drinking fountain, watering can, hunting dog, rowing boat, sailing boat, "
    "sailing ship, dressing table, dressing gown, reading glasses, reading lamp, spinning top, spinning wheel, "
    "knitting needles, landing strip, landing gear, climbing frame, bowling ball, bowling alley, skipping rope, "
    "riding boots, chewing gum, magnifying glass, steering wheel, wrapping paper, operating table".split(", ")
)
#: Numbers that are also the people or things themselves: "a wedding couple" dances, "a couple of apples" is two.
_GATHERED = frozenset("couple pair duo trio quartet quintet twin twins triplet triplets".split())
#: What stands between a thing and what it is made of or surrounded by.
_PASSIVES = frozenset("full made built carved drawn woven lit seen hung worn grown known kept held shown born".split())
#: Nouns that only gather or frame the thing that is asked for.
_FRAMES = frozenset(
    "group herd flock pack pile stack bunch pair couple dozen trio duo lot school swarm crowd row set kind "
    "piece".split()
)
#: What people add to every prompt, and adjectives that say the same of everything.
_FILLER = frozenset(
    "detailed highly beautiful cute quality best masterpiece realistic photorealistic high resolution hd uhd 4k 8k art "
    "artwork picture image scene trending artstation professional very pretty nice lovely amazing stunning please draw "
    "show make create want there here something it them him her me you i we us other another each every all says "
    "saying said labeled titled pm am oclock called named".split()
)
_ADJECTIVES = frozenset(
    "small tiny little big large huge giant gigantic old young ancient cute happy sad angry tall short fat thin long "
    "new lonely brave wise lazy sleepy friendly scary fluffy furry wild wet dry hot cold dark bright pale shiny broken "
    "strange smart fast slow heavy light beautiful pretty ugly funny magic magical tired hungry proud shy empty".split()
)

_ENDS_PHRASE = _STOPS | _AUXILIARIES | _PREDICATES
_NO_NOUNS = GLUE | COLOURS | _ADJECTIVES | _STOPS
#: No noun phrase has more words, and the one behind a number ends within so many characters.
_MOST_WORDS, _LOOKED_AHEAD = 24, 200


def requirements_of(text: str) -> list[Requirement]:
    """Everything that a concept or a simple prompt in English asks for, the subject first.

    >>> [required.name for required in requirements_of("three red apples without a leaf, watercolor")]
    ['subject: apples', 'style: watercolor', 'count: three apples', 'colour: red', 'negation: no leaf']
    """
    found = quote_requirements(text)
    text = QUOTED.sub(" ", text)
    text, absences = _without_absences(text)
    text, styles = _without_style(text)
    # An action from the lists is known as a whole; elsewhere "ice skating" would be ice that skates.
    actions = [phrase_requirement("action", match.group()) for match in _known_actions().finditer(text)]
    clauses = _clauses(_known_actions().sub(" , ", text))
    things: list[Requirement] = []
    for number, clause in enumerate(clauses):
        things += _thing_requirements(clause, main=number == 0)
    # The subject first, as people say it.
    things[1:1] = actions
    things += [*styles, *_count_requirements(clauses), *_colour_requirements(clauses), *found, *absences]
    return list({thing.name: thing for thing in things}.values())


@dataclass(frozen=True)
class Thing:
    """A thing that a concept asks to see, in the singular: how many, and in what colour, where it says so."""

    name: str
    count: int | None = None
    colour: str | None = None


def things_in(text: str) -> tuple[Thing, ...]:
    """The things that a concept in English asks to see: its subjects, and whatever is counted or has a colour. What it
    does is not among them, nor what is to be absent.

    >>> things_in("three small red apples without a leaf, watercolor")
    (Thing(name='apple', count=3, colour='red'),)
    >>> [thing.name for thing in things_in("a shiba inu and a pair of hens beside a blue door in the snow")]
    ['shiba inu', 'hen', 'door']
    """
    text, _ = _without_absences(QUOTED.sub(" ", text))
    text, _ = _without_style(text)
    found: dict[str, Thing] = {}
    for number, clause in enumerate(_clauses(_known_actions().sub(" , ", text))):
        for thing in _things_of(clause, main=number == 0):
            found.setdefault(thing.name, thing)
    return tuple(found.values())


def _things_of(clause: str, *, main: bool) -> Iterator[Thing]:
    tokens = plain_words(_COMPOUND.sub(_unless_it_ends_a_phrase, clause))
    at, carried = 0, None
    while at < len(tokens):
        phrase, end = _noun_phrase(tokens, at)
        words = tokens[at:end]
        count = carried or next((number for word in words if (number := number_in(word))), None)
        colour = next((word for word in words if word in COLOURS), None)
        gathers = tokens[end : end + 1] == ["of"] and bool(words) and words[-1] in _FRAMES | _GATHERED
        noun = [
            word
            for place, word in enumerate(phrase)
            if word not in _ADJECTIVES
            and not (_is_participle(word) and " ".join(phrase[place : place + 2]) not in _NAMED_BY_USE)
        ]
        if not gathers and noun and not COLOURS.issuperset(noun) and (main or count or colour):
            yield Thing(" ".join((*noun[:-1], singular(noun[-1]))), count, colour)
        carried = count if gathers else None
        at = end
        if at < len(tokens):  # what stands between two things
            main = main and (gathers or tokens[at] in ("and", "or"))
            at += 1


def _clauses(text: str) -> list[str]:
    return [clause for clause in re.split(r"[,;.:!?()]+", text) if plain_words(clause)]


def _without_absences(text: str) -> tuple[str, list[Requirement]]:
    found = []
    for match in _NEGATED.finditer(text):
        if match.group().casefold().startswith(("no longer", "no matter", "not only", "not far")):
            continue
        with_others = "and" in match["what"].split()
        for part in re.split(r"\b(?:or|nor|and)\b", match["what"]):
            words = plain_words(part)
            phrase, _ = _noun_phrase(words)
            if words and not phrase and _is_participle(words[0]):
                found.append(absence_requirement(words[0]))
            if phrase:
                found.append(absence_requirement(phrase[-1]))
            if with_others:
                break  # "without a hat and with a scarf": what comes after "and" may well be there
    return _NEGATED.sub(lambda m: " , " + _after_absence(m["what"]), text), found


def _after_absence(what: str) -> str:
    """What follows the thing that is absent: "in a park" of "a hat in a park"."""
    rest = re.search(r"\b(?:and|in|on|at|with|near|under|by|while)\b.*", what)
    return rest.group() if rest else ""


def _without_style(text: str) -> tuple[str, list[Requirement]]:
    media: list[Requirement] = []
    while medium := _MEDIUM.match(text):
        text = text[medium.end() :]
        named = [
            word for word in plain_words(medium["medium"]) if word not in _FILLER | {"portrait", "view", "close", "up"}
        ]
        media += [style_requirement(" ".join(named))] if named else []
    text, styles = _without_named_style(text)
    return text, [*media, *styles]


def _without_named_style(text: str) -> tuple[str, list[Requirement]]:
    in_the_style, by_somebody = (pattern.search(text) for pattern in _NAMED_STYLE)
    for begin, end, style in (
        *([(*in_the_style.span(), in_the_style["style"])] if in_the_style else []),
        *islice(_styled(text), 1),
        *([(*by_somebody.span(), by_somebody["style"])] if by_somebody else []),
    ):
        if plain_words(style):
            return text[:begin] + " , " + text[end:], [style_requirement(style.strip())]
    for known in _known_styles():
        # Only where it stands as a style: as a clause of its own, or as "in watercolor", "as an oil painting".
        pattern = re.compile(
            rf"(?:(?:^|[,;])\s*|\b(?:in|as)\s+(?:an?\s+)?){re.escape(known)}"
            r"(?:\s+(?:painting|drawing|art|picture))?\s*(?=$|[,;.])",
            re.IGNORECASE,
        )
        if match := pattern.search(text):
            return text[: match.start()] + " , " + text[match.end() :], [style_requirement(known)]
    return text, []


def _styled(text: str) -> Iterator[tuple[int, int, str]]:
    """Clauses such as "in Joan Miro's style", up to that word, and whose style it is."""
    for clause in re.finditer(r"(?:^|[,;])([^,;]*)", text):
        if found := _STYLED.search(clause[1]):
            style = clause[1][: found.start()].strip()
            if style := style[article.end() :] if (article := _ARTICLE.match(style)) else style:
                yield clause.start(), clause.start(1) + found.end(), style


@lru_cache(maxsize=1)
def _known_styles() -> list[str]:
    names = {word.en for word in built_in_words().styles}
    names |= {phrase for term in seedling_vocabulary().terms["style"] for phrase in term.phrases}
    return sorted(names, key=len, reverse=True)


def _thing_requirements(clause: str, *, main: bool) -> list[Requirement]:
    """Subjects, actions and details of one clause. The head of a noun phrase is asked for, its adjectives are not."""
    found: list[Requirement] = []
    kind = "subject" if main else "detail"
    tokens = plain_words(_COMPOUND.sub(_unless_it_ends_a_phrase, clause))
    at = 0
    while at < len(tokens):
        phrase, end = _noun_phrase(tokens, at)
        gathers = tokens[end : end + 1] == ["of"] and phrase[-1:] and phrase[-1] in _FRAMES
        # In "five white and one brown" the colours stand for things that were named before.
        if phrase and not gathers and not (kind == "detail" and COLOURS.issuperset(phrase)):
            # In "a sleeping cat" the participle before the noun is all that is said of what it does.
            found += [
                phrase_requirement("action", word)
                for word, after in itertools.pairwise(phrase)
                if main and _is_participle(word) and f"{word} {after}" not in _NAMED_BY_USE
            ]
            found.append(phrase_requirement(kind, phrase[-1]))
        at = end
        if at < len(tokens) and _is_verb(tokens, at):
            _, end = _noun_phrase(tokens, at + 1)
            # "riding a bicycle": up to the object, of which only the head is looked for.
            found.append(_action_requirement(tokens[at:end]))
            kind = "detail"
            at = end
        elif at < len(tokens):
            kind = kind if tokens[at] in ("and", "or", "of") else "detail"
            if tokens[at] in _PREDICATES:
                found.append(phrase_requirement("detail", tokens[at]))
            at += 1
    return found


def _unless_it_ends_a_phrase(compound: re.Match[str]) -> str:
    """Nothing for the "upside-down" of "an upside-down cat", the words for the "grown-up" of "a grown-up reading"."""
    is_noun = compound[1] in _ENDS_PHRASE or _is_participle(compound[1])
    return compound[0] if is_noun else ""


def _action_requirement(tokens: list[str]) -> Requirement:
    content = [token for token in tokens if token not in COLOURS and token not in NUMBERS and token not in GLUE]
    name = " ".join(tokens)
    if phrasings(content_stems(name)) != {content_stems(name)}:
        return phrase_requirement("action", name)
    wanted = tuple(map(stem, dict.fromkeys([content[0], content[-1]])))
    return Requirement(f"action: {name}", lambda said: said.says(wanted))


def _noun_phrase(tokens: list[str], start: int = 0) -> tuple[list[str], int]:
    """The words of the noun phrase from `start`, without articles, numbers, colours and filler, and where it ends."""
    phrase: list[str] = []
    end, longest = start, min(len(tokens), start + _MOST_WORDS)
    while end < longest and tokens[end] not in _ENDS_PHRASE and not _is_verb(tokens, end):
        token = tokens[end]
        if _is_passive(tokens, end):
            break
        is_number = token.isdigit() or (token in NUMBERS and not _stands_alone(tokens, end))
        if token not in GLUE and token not in _FILLER and not is_number:
            phrase.append(token)
        end += 1
    without_colours = [token for token in phrase if token not in COLOURS]
    return without_colours or phrase, end


def _is_participle(token: str) -> bool:
    return len(token) > 4 and token.endswith("ing") and token not in _NOT_VERBS


def _is_passive(tokens: list[str], at: int) -> bool:
    """The "made" of "a tower made of cheese"."""
    after = tokens[at + 1 : at + 2]
    return at > 0 and (tokens[at] in _PASSIVES or tokens[at].endswith("ed")) and bool(after) and after[0] in _STOPS


def _stands_alone(tokens: list[str], at: int) -> bool:
    """Whether "couple" is the couple itself, and not the number of something else."""
    after = tokens[at + 1 : at + 2]
    ends = not after or (after[0] != "of" and after[0] in _ENDS_PHRASE) or _is_participle(after[0])
    return tokens[at] in _GATHERED and ends


def _is_verb(tokens: list[str], at: int) -> bool:
    """A participle after its noun, or a known verb in the form that follows a noun: "rides", "two dogs ride"."""
    token, before = tokens[at], tokens[at - 1] if at else ""
    is_number = before.isdigit() or (before in NUMBERS and before not in _GATHERED)
    after_noun = bool(before) and not (before in _NO_NOUNS or is_number)
    if " ".join(tokens[at : at + 2]) in _NAMED_BY_USE:
        return False
    if _is_participle(token):
        if not before:
            return tokens[1:2] == [] or tokens[1] in GLUE
        return after_noun or before in ("and", "while") or before in _AUXILIARIES
    if not after_noun or stem(token) not in _verbs():
        return False
    return token.endswith("s") != before.endswith("s")


@lru_cache(maxsize=1)
def _known_actions() -> re.Pattern[str]:
    names = sorted((action.en for action in built_in_words().actions), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?![\w-])", re.IGNORECASE)


@lru_cache(maxsize=1)
def _verbs() -> frozenset[str]:
    return frozenset(stem(plain_words(action.en)[0]) for action in built_in_words().actions)


def _count_requirements(clauses: list[str]) -> list[Requirement]:
    found = []
    for clause in clauses:
        for match in re.finditer(r"(?<![\w.-])(half\s+a\s+dozen|(\w+)\s+dozen|\w+)(-\w+)?(?=\s|$)", clause):
            number = number_in(match.group(1))
            if number is None:
                continue
            after = plain_words(clause[match.end() : match.end() + _LOOKED_AHEAD])
            after = after[1:] if after[:1] == ["of"] else after
            noun = plain_words(match.group(3))[:1] if match.group(3) else _noun_phrase(after)[0][-1:]
            if number == 0 or not noun or noun[0] in ("pm", "am", "mm", "percent", "degrees", "bit", "oclock"):
                continue
            # Of a name: there is one "Taipei 101 building", while "In Paris 3 cats" are three.
            if match.group(1).isdigit() and not is_plural(noun[0]) and _NAME.search(clause[: match.start()]):
                continue
            found.append(count_requirement(number, noun[0], f"{_spoken(match.group(1))} {noun[0]}"))
    return found


def _spoken(number: str) -> str:
    return f"a {number} of" if number.casefold() in ("pair", "couple", "duo", "trio") else " ".join(plain_words(number))


def _colour_requirements(clauses: list[str]) -> list[Requirement]:
    pairs: list[tuple[str, str | None]] = []
    for clause in clauses:
        tokens = plain_words(clause)
        for at, token in enumerate(tokens):
            if token in COLOURS:
                pairs.append((token, next(reversed(_noun_phrase(tokens, at + 1)[0]), None)))
    every = frozenset(stem(colour) for colour, _ in pairs)
    return [colour_requirement(colour, noun, every - {stem(colour)}) for colour, noun in pairs]
