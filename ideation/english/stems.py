"""Stems: enough of English word forms and synonyms to see that "rides a bike" still says "riding a bicycle"."""

from __future__ import annotations

import re
from functools import lru_cache

from ideation.english.words import plain_words

_IRREGULAR = {
    form: base
    for base, forms in {
        "ride": "rode ridden",
        "run": "ran",
        "fly": "flew flown",
        "sit": "sat",
        "eat": "ate eaten",
        "hold": "held",
        "drive": "drove driven",
        "swim": "swam swum",
        "sleep": "slept asleep",
        "read": "reads",
        "write": "wrote written",
        "sing": "sang sung",
        "drink": "drank drunk",
        "wear": "wore worn",
        "stand": "stood",
        "blow": "blew blown",
        "build": "built",
        "catch": "caught",
        "fight": "fought",
        "throw": "threw thrown",
        "draw": "drew drawn",
        "feed": "fed",
        "grow": "grew grown",
        "hang": "hung",
        "light": "lit",
        "weave": "wove woven",
        "swing": "swung",
        "spin": "spun",
        "shine": "shone",
        "dig": "dug",
        "bend": "bent",
        "break": "broke broken",
        "wake": "woke",
        "bite": "bit bitten",
        "kneel": "knelt",
        "sweep": "swept",
        "weep": "wept",
        "steal": "stole stolen",
        "freeze": "froze frozen",
        "hide": "hid hidden",
        "sew": "sewn",
        "shoot": "shot",
        "slide": "slid",
        "tear": "tore torn",
        "leap": "leapt",
        "meet": "met",
        "give": "gave given",
        "bring": "brought",
        "buy": "bought",
        "sell": "sold",
        "teach": "taught",
        "man": "men",
        "woman": "women",
        "child": "children",
        "mouse": "mice",
        "goose": "geese",
        "foot": "feet",
        "tooth": "teeth",
        "person": "people persons",
        "wolf": "wolves",
        "leaf": "leaves",
        "knife": "knives",
        "scarf": "scarves",
        "shelf": "shelves",
        "elf": "elves",
        "octopus": "octopi octopuses",
        "cactus": "cacti",
        "tie": "tying",
        "lie": "lying",
        "gray": "grey",
        "golden": "gold",
        "wooden": "wood",
        "snow": "snowy",
        "rain": "rainy",
        "fog": "foggy",
    }.items()
    for form in forms.split()
}

#: Words that say the same in a prompt. What Seedling was taught (`vocabulary.phrasings`) comes on top.
_GROUPS = tuple(
    frozenset(group.split())
    for group in (
        "bicycle bike",
        "motorcycle motorbike",
        "car automobile",
        "airplane aeroplane plane aircraft",
        "boat ship sailboat",
        "television tv",
        "phone telephone smartphone",
        "photo photograph photography photographic",
        "movie film cinema",
        "person human man figure",
        "person human woman figure",
        "child kid boy",
        "child kid girl",
        "baby infant",
        "robot android",
        "astronaut cosmonaut",
        "ride pedal",
        "drive steer",
        "run sprint jog dash race",
        "jump leap hop bound",
        "eat munch devour nibble",
        "hold carry clutch grip grasp",
        "look gaze stare watch",
        "play strum perform",
        "sleep nap slumber doze snooze",
        "walk stroll wander",
        "fly soar float hover",
        "sit seat perch",
        "grandmother grandma granny",
        "grandfather grandpa granddad",
        "mother mom mum",
        "father dad",
        "puppy pup",
        "dance waltz twirl",
        "swim paddle",
        "fight battle",
        "cook bake",
        "throw toss hurl",
        "climb scale",
        "drink sip",
        "shout yell scream",
        "chase pursue",
        "wear dress clad",
        "hat cap",
        "sofa couch",
        "stone rock",
        "road street",
        "forest wood woodland jungle",
        "sea ocean",
        "beach shore",
        "night nighttime midnight nocturnal",
        "sunset dusk",
        "sunrise dawn",
        "autumn fall",
        "mountain peak",
        "river stream",
        "city town urban",
        "house home",
        "garden lawn",
        "space cosmos galaxy",
        "brown chestnut tan",
        "white ivory",
        "black ebony",
        "orange amber tangerine",
        "turquoise teal cyan aqua",
        "gray silver",
        "picture image",
        "moon moonlit",
        "sun sunlit sunny",
        "cartoon cartoonish",
        "sketch sketched",
        "happy cheerful joyful",
        "small tiny little",
        "big large huge giant gigantic enormous",
    )
)


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The part of a word that its forms share: "rid" of ride, rides and riding; "poni" of pony and ponies.

    >>> stem("ponies"), stem("riding"), stem("rode")
    ('poni', 'rid', 'rid')
    """
    word = _IRREGULAR.get(word, word)
    if len(word) > 7:
        word = re.sub(r"(?:istic|ism|ists?)$", "", word)
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = re.sub(r"(?<=ss|sh|ch)es$|(?<=[xz])es$|s$", "", word)
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) > 1 and re.search(r"[aeiouy]", base) and not word.endswith("eed"):
            word = re.sub(r"([^aeioulsz])\1$", r"\1", base)
            break
    word = word.removesuffix("e") if len(word) > 3 else word
    return word[:-1] + "i" if len(word) > 2 and word.endswith("y") else word


@lru_cache(maxsize=4096)
def same(word_stem: str) -> frozenset[str]:
    """The stem and those of its synonyms.

    >>> sorted(same(stem("bicycle")))
    ['bicycl', 'bik']
    """
    return _synonyms().get(word_stem, frozenset()) | {word_stem}


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {}
    for group in _GROUPS:
        together = frozenset(map(stem, group))
        for member in together:
            table[member] = table.get(member, frozenset()) | together
    return table


#: Words that hold a phrase together and say nothing by themselves.
GLUE = frozenset(
    "a an the of in on at by with and or to for from into onto its his her their our my your is are was were be being "
    "it he she they as that this these those which who some any very near over under up down out off among amid along "
    "through between behind beside above below inside around across against beneath style styled".split()
)


def content_stems(text: str) -> tuple[str, ...]:
    """The stems of the words that say something by themselves.

    >>> content_stems("the dogs on their bicycles")
    ('dog', 'bicycl')
    """
    return tuple(stem(word) for word in plain_words(text) if word not in GLUE)
