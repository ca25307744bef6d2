"""Captions: what people would write about a scene, in many orders and with many words that say nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from zlib import crc32

from generate.training.scenes.scene import UNLEARNT, Scene
from ideation import KINDS, Vocabulary, built_in_words, seedling_vocabulary
from templates import own_yaml

_SYLLABLES = [a + b + c for a in "bcdfghklmnprstvwz" for b in "aeiou" for c in ("", "l", "m", "n", "r", "s", "t", "ck")]
_STRANGERS = Path(__file__).with_name("strangers.yaml")

#: Words that Seedling cannot draw. They appear with every kind of picture, so that an unknown word changes little.
_CHATTER = (
    "whimsical ornate serene majestic cosy ancient modern tiny huge happy sad quiet lively volumetric atmospheric "
    "hazy glossy matte delicate bold crisp dreamy surreal epic candid minimal lush ethereal glowing textured "
    "polished vintage futuristic romantic mysterious cheerful calm grand subtle harmonious balanced layered "
    "painterly expressive graceful foreground background horizon portrait landscape close-up panorama perspective "
    "silhouette shadow highlight contrast palette depth focus bokeh lens frame canvas paper brush line shape "
    "pattern mood story scene moment detail wonder"
).split()


def caption(
    scene: Scene,
    random: Random,
    vocabulary: Vocabulary,
    *,
    keep: float = 0.99,
    chattering: bool = True,
    kinds: Collection[str] = KINDS,
    relatives: bool = True,
) -> str:
    """A caption of the scene. Each attribute of `kinds` that is not neutral is named with probability `keep`; half of
    the captions are `chattering`: they have words in them that say nothing. With `relatives`, one subject or action in
    eight is named by something that it stands for, as a dog does for a wolf.

    `keep` is near 1 so that what a caption leaves open is neutral in the picture: whoever learns from these captions
    draws a plain flat scene by day unless told otherwise, and not a style that nobody asked for.
    """
    words = {
        kind: _phrase(kind, name, scene.count, random, vocabulary, relatives=relatives)
        for kind, name in scene.named().items()
        if kind in kinds and random.random() < keep
    }
    if words.keys().isdisjoint(("subject", "action", "colour")) and random.random() < 0.5:
        return ", ".join(words.values())  # "at night" alone, as somebody asks of a picture
    if "action" in kinds and scene.action is None and random.random() < 0.12:
        words["action"] = random.choice(vocabulary.still)
    noun = _noun(scene.count, words, random, vocabulary)
    verb = random.choice(("", "", "", "is " if scene.count == 1 else "are ")) + words.get("action", "")
    core = f"{noun} {verb}" if "action" in words else noun
    # Where and when: inside the sentence, or as a list behind it.
    around = [words[kind] for kind in ("setting", "time", "weather") if kind in words]
    if scene.side is not None and "subject" in words:
        around.append(random.choice(vocabulary.sides[scene.side]))
    random.shuffle(around)
    style = words.get("style")
    text = core
    listed: list[str] = []
    if around and random.random() < 0.7:
        text = " ".join((core, *around))
    else:
        listed += around
    if style is not None:
        form = random.random()
        if form < 0.3:
            text = (
                f"{_agreeing('a', style)} {style} {random.choice(('painting', 'picture', 'image', 'of art'))} of {text}"
            )
        elif form < 0.45:
            text = f"{style} of {text}"
        else:
            listed.append(random.choice((f"{style} style", f"{style} style", f"in {style} style", style)))
    if chattering and random.random() < 0.5:
        listed += [chatter(random, vocabulary) for _ in range(random.choice((1, 1, 2, 3, 5, 8)))]
        random.shuffle(listed)
    text = ", ".join((text, *listed))
    return text if random.random() < 0.85 else text[0].upper() + text[1:] + random.choice(("", "."))


def _noun(count: int, words: dict[str, str], random: Random, vocabulary: Vocabulary) -> str:
    """The subject in its colour with what stands before it: an article or a number."""
    colour, subject = words.get("colour"), words.get("subject", "something")
    if count > 1 and "subject" in words:
        number = random.choice(vocabulary.counts[count])
        if colour and random.random() < 0.15:
            return f"{number} {subject} that are {colour}"
        return " ".join(filter(None, (number, colour, subject)))
    if colour and random.random() < 0.15:
        return f"{_agreeing('a', subject)} {subject} that is {colour}"
    article = random.choice(("a", "a", "a", "the", "one", "")) if "subject" in words else ""
    return " ".join(filter(None, (_agreeing(article, colour or subject), colour, subject)))


def chatter(random: Random, vocabulary: Vocabulary) -> str:
    """One item that says nothing about the picture: a filler word of the vocabulary, or something never learnt."""
    kind = random.random()
    if kind < 0.4:
        return random.choice(vocabulary.filler)
    if kind < 0.7:
        return f"{random.choice(_CHATTER)} {random.choice(_CHATTER)}"
    return random.choice(_unlearnt())


@lru_cache(maxsize=1)
def _unlearnt() -> tuple[str, ...]:
    """The built-in styles in which Seedling knows not a single word. Topics and actions are not among them: for those
    a box with a question mark is drawn."""
    vocabulary = seedling_vocabulary()
    return tuple(word.en for word in built_in_words().styles if not vocabulary.find(word.en))


@dataclass(frozen=True)
class Strangers:
    """Names of subjects and actions that are never learnt, and those that are `kept_back` from training to see whether
    words like them are taken for known ones."""

    names: dict[str, tuple[str, ...]]
    kept_back: dict[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def strangers() -> Strangers:
    """Read from `strangers.yaml` and the built-in word lists; one name in six is kept back."""
    content, words, vocabulary = own_yaml(_STRANGERS), built_in_words(), seedling_vocabulary()
    names, kept_back = {}, {}
    for kind, built_in in (("subject", words.topics), ("action", words.actions)):
        every = dict.fromkeys([*content[f"{kind}s"], *(word.en for word in built_in)])
        unknown = [name for name in every if not vocabulary.find(name)]
        back = [name for name in unknown if crc32(name.encode()) % 6 == 0]
        names[kind], kept_back[kind] = tuple(name for name in unknown if name not in back), tuple(back)
    return Strangers(names, kept_back)


def _phrase(kind: str, name: str, count: int, random: Random, vocabulary: Vocabulary, *, relatives: bool) -> str:
    if name == UNLEARNT:
        return random.choice(strangers().names[kind]) if random.random() < 0.75 else _made_up(kind, random)
    term = next(term for term in vocabulary.terms[kind] if term.name == name)
    form = random.random()
    if relatives and term.near and form < 0.125:
        place = len(term.phrases) + random.randrange(len(term.near))
    elif form < 0.65 or not term.also:
        place = 0
    else:
        place = 1 + random.randrange(len(term.also))
    return (term.plurals if kind == "subject" and count > 1 else (*term.phrases, *term.near))[place]


def _made_up(kind: str, random: Random) -> str:
    """A word that nobody has ever heard, so that not only those of a list are taken for what was never learnt."""
    first, second = ("".join(random.choices(_SYLLABLES, k=random.randint(1, 3))) for _ in range(2))
    if kind == "subject":
        return first if random.random() < 0.7 else f"{first} {second}"
    return random.choice((f"{first}ing", f"{first}ing {second}", f"{first}ing a {second}", f"{first}ing the {second}"))


def _agreeing(article: str, noun: str) -> str:
    return "an" if article == "a" and noun[:1].lower() in "aeiou" and not noun.startswith(("uni", "uki")) else article


#: What can be seen in a picture: the vocabulary's kinds, how many there are and at which side.
ASPECTS = (*KINDS, "count", "side")


def aspect_names(vocabulary: Vocabulary) -> dict[str, list[str]]:
    """The names of every aspect; the class after the last one is the neutral one."""
    names = {kind: vocabulary.names(kind) for kind in KINDS}
    for kind in ("subject", "action"):
        names[kind] = [*names[kind], UNLEARNT]
    return names | {"count": ["two", "three"], "side": ["left", "right"]}


def attribute_labels(scene: Scene, vocabulary: Vocabulary) -> list[int]:
    """One class per aspect, in the order of `ASPECTS`: the name's place, or their number for neutral."""
    shown = {**scene.named(), "side": scene.side, "count": {2: "two", 3: "three"}.get(scene.count)}
    labels = []
    for aspect, names in aspect_names(vocabulary).items():
        value = shown.get(aspect)
        labels.append(len(names) if value is None else names.index(value))
    return labels
