"""Inflection: the present participle and past participle of a verb, singular and plural of a noun, and the adverb."""

from __future__ import annotations

import re

_PAST = {
    base: done
    for pair in (
        "be been,beat beaten,become become,bite bitten,blow blown,break broken,bring brought,build built,burn burnt,"
        "buy bought,catch caught,choose chosen,cut cut,dig dug,do done,draw drawn,drink drunk,drive driven,eat eaten,"
        "feed fed,fight fought,find found,fly flown,forget forgotten,freeze frozen,get got,give given,grind ground,"
        "grow grown,hang hung,hide hidden,hit hit,hold held,hurt hurt,keep kept,know known,lay laid,lead "
        "led,leave left,"
        "light lit,lose lost,make made,pay paid,put put,read read,ride ridden,ring rung,run run,see seen,sell sold,"
        "send sent,set set,sew sewn,shake shaken,shoot shot,sing sung,steal stolen,stick stuck,sting stung,sweep swept,"
        "swing swung,take taken,teach taught,tear torn,tell told,think thought,throw thrown,wake woken,wear worn,"
        "weave woven,win won,wind wound,write written,sit sat,go gone,come come,stand stood,swim swum,speak spoken,"
        "spin spun,slide slid,kneel knelt,rise risen,spread spread,split split,shut shut,cast cast,let let,meet met,"
        "mow mown,leap leapt,shine shone,shrink shrunk,feel felt,hear heard,see seen,sink sunk,begin begun,lie lain,"
        "fall fallen,understand understood"
    ).split(",")
    for base, done in [pair.split()]
}
_PLURAL = {
    one: many
    for pair in (
        "man men, woman women, child children, person people, mouse mice, dormouse dormice, goose geese, foot "
        "feet, tooth teeth, ox oxen, bison bison, buffalo buffaloes, mech mechs, triceratops triceratops, "
        "cuttlefish cuttlefish, kitsune kitsune, wolf wolves, werewolf werewolves, leaf leaves, knife knives, "
        "scarf scarves, shelf shelves, elf elves, dwarf dwarves, thief thieves, loaf loaves, half halves, "
        "calf calves, potato potatoes, tomato tomatoes, hero heroes, superhero superheroes, mosquito "
        "mosquitoes, mango mangoes, cactus cacti, sheep sheep, deer deer, reindeer reindeer, fish fish, "
        "goldfish goldfish, jellyfish jellyfish, squid squid, aircraft aircraft, samurai samurai, ninja "
        "ninja, spacecraft spacecraft, dice dice, sushi sushi, Shiba Shiba, people people, police police"
    ).split(", ")
    for one, many in [pair.split()]
}
#: Verbs of two syllables that end as those of one do: begin, beginning.
_DOUBLING = frozenset("begin forget admit commit refer prefer control patrol transmit regret upset kidnap".split())
_VOWELS = "aeiou"
#: What follows the head of a noun phrase: "of tea" in "cup of tea".
_AFTER_HEAD = re.compile(r" (?:of|in|on|at|with|from|for|under|who|that|to)\b.*$")


def present_participle(verb: str) -> str:
    """The -ing form of a verb phrase, whose first word is the verb.

    >>> [present_participle(verb) for verb in ("ride a bicycle", "run", "lie down", "see", "play", "open")]
    ['riding a bicycle', 'running', 'lying down', 'seeing', 'playing', 'opening']
    """
    word, space, rest = verb.partition(" ")
    if word.endswith("ie"):
        form = f"{word[:-2]}ying"
    elif word.endswith("e") and not word.endswith(("ee", "oe", "ye")) and word != "be":
        form = f"{word[:-1]}ing"
    elif word.endswith("ic"):
        form = f"{word}king"
    else:
        form = f"{_doubled(word)}ing"
    return form + space + rest


def past_participle(verb: str) -> str:
    """The participle of the passive, of a verb phrase whose first word is the verb.

    >>> [past_participle(verb) for verb in ("chase", "hug", "carry", "take away")]
    ['chased', 'hugged', 'carried', 'taken away']
    """
    word, space, rest = verb.partition(" ")
    if word in _PAST:
        form = _PAST[word]
    elif word.endswith("e"):
        form = f"{word}d"
    elif word.endswith("y") and word[-2:-1] not in _VOWELS:
        form = f"{word[:-1]}ied"
    else:
        form = f"{_doubled(word)}ed"
    return form + space + rest


def plural(noun: str) -> str:
    """The plural of a noun phrase in the singular.

    >>> [plural(noun) for noun in ("cat", "cup of tea", "fox", "puppy", "policeman", "human", "polar bear")]
    ['cats', 'cups of tea', 'foxes', 'puppies', 'policemen', 'humans', 'polar bears']
    """
    rest = _AFTER_HEAD.search(noun)
    before, space, word = noun[: rest.start() if rest else None].rpartition(" ")
    if word in _PLURAL:
        word = _PLURAL[word]
    elif word.endswith("man") and word not in ("human", "German", "Roman", "talisman"):
        word = f"{word[:-3]}men"
    elif word.endswith("y") and word[-2:-1] not in _VOWELS:
        word = f"{word[:-1]}ies"
    elif word.endswith(("s", "x", "z", "ch", "sh")):
        word = f"{word}es"
    else:
        word = f"{word}s"
    return before + space + word + (rest.group() if rest else "")


def singular(noun: str) -> str:
    """One of what a noun of one word names several of; any other noun as it is.

    >>> [singular(noun) for noun in ("cats", "houses", "boxes", "puppies", "mice", "firemen", "bus", "glasses")]
    ['cat', 'house', 'box', 'puppy', 'mouse', 'fireman', 'bus', 'glass']
    """
    known = {many: one for one, many in _PLURAL.items()}
    if noun in known:
        return known[noun]
    if noun.endswith("men"):
        return f"{noun[:-3]}man"
    if not is_plural(noun):
        return noun
    if noun.endswith("ies") and len(noun) > 4:
        return f"{noun[:-3]}y"
    return noun[:-2] if noun.endswith(("sses", "buses", "xes", "ches", "shes")) else noun[:-1]


def is_plural(noun: str) -> bool:
    """Whether a noun of one word is one of several things, as far as its form tells.

    >>> is_plural("mice"), is_plural("buses"), is_plural("bus"), is_plural("glass"), is_plural("building")
    (True, True, False, False, False)
    """
    return noun in _PLURAL.values() or (noun.endswith("s") and not noun.endswith(("ss", "us", "is")))


def comparative(adjective: str) -> str:
    """More of it than something else.

    >>> [comparative(adjective) for adjective in ("big", "large", "heavy", "beautiful", "good")]
    ['bigger', 'larger', 'heavier', 'more beautiful', 'better']
    """
    irregular = {"good": "better", "bad": "worse", "many": "more", "little": "smaller", "far": "farther"}
    if adjective in irregular:
        return irregular[adjective]
    if adjective.endswith("y") and len(adjective) < 7:
        return f"{adjective[:-1]}ier"
    if len(re.findall(r"[aeiou]+", adjective.removesuffix("e"))) > 1 or " " in adjective or "-" in adjective:
        return f"more {adjective}"
    return f"{adjective}r" if adjective.endswith("e") else f"{_doubled(adjective)}er"


def adverb(adjective: str) -> str:
    """How something is done, from an adjective.

    >>> adverb("happy"), adverb("gentle"), adverb("fast"), adverb("quiet")
    ('happily', 'gently', 'fast', 'quietly')
    """
    if adjective == "tall":
        return "high"
    if adjective in ("fast", "hard", "high", "low", "late", "early", "far") or adjective.endswith("ly"):
        return adjective
    if adjective.endswith("y"):
        return f"{adjective[:-1]}ily"
    if adjective.endswith("le"):
        return f"{adjective[:-1]}y"
    return f"{adjective}ally" if adjective.endswith("ic") else f"{adjective}ly"


def _doubled(word: str) -> str:
    """The verb with its last letter twice, where its forms have it twice."""
    one_syllable = re.fullmatch(r"[^aeiou]*(?:qu)?[aeiou][^aeiouwxy]", word)
    return word + word[-1] if one_syllable or word in _DOUBLING else word
