"""Captions: what people would write about a scene, in many orders and with many words that say nothing."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from random import Random

from generate.training.scene import Scene
from ideation import KINDS, Vocabulary, built_in_words, seedling_vocabulary

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
) -> str:
    """A caption of the scene. Each attribute of `kinds` that is not neutral is named with probability `keep`; half of
    the captions are `chattering`: they have words in them that say nothing.

    `keep` is near 1 so that what a caption leaves open is neutral in the picture: whoever learns from these captions
    draws a plain flat scene by day unless told otherwise, and not a style that nobody asked for.
    """
    words = {
        kind: _phrase(kind, name, random, vocabulary)
        for kind, name in scene.named().items()
        if kind in kinds and random.random() < keep
    }
    if words.keys().isdisjoint(("subject", "action", "colour")) and random.random() < 0.5:
        return ", ".join(words.values())  # "at night" alone, as somebody asks of a picture
    colour, subject = words.get("colour"), words.get("subject", "something")
    article = random.choice(("a", "a", "a", "the", "one", "")) if "subject" in words else ""
    noun = " ".join(filter(None, (_agreeing(article, colour or subject), colour, subject)))
    if colour and random.random() < 0.15:
        noun = f"{_agreeing('a', subject)} {subject} that is {colour}"
    core = " ".join(
        filter(None, (noun, random.choice(("", "", "", "is ")) + words["action"] if "action" in words else ""))
    )
    # Where and when: inside the sentence, or as a list behind it.
    around = [words[kind] for kind in ("setting", "time", "weather") if kind in words]
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
    """The entries of the built-in word lists in which Seedling knows not a single word."""
    words, vocabulary = built_in_words(), seedling_vocabulary()
    entries = [word.en for word in (*words.topics, *words.actions, *words.styles)]
    return tuple(entry for entry in entries if not vocabulary.find(entry))


def _phrase(kind: str, name: str, random: Random, vocabulary: Vocabulary) -> str:
    term = next(term for term in vocabulary.terms[kind] if term.name == name)
    return term.name if random.random() < 0.6 or not term.also else random.choice(term.also)


def _agreeing(article: str, noun: str) -> str:
    return "an" if article == "a" and noun[:1].lower() in "aeiou" and not noun.startswith(("uni", "uki")) else article


def attribute_labels(scene: Scene, vocabulary: Vocabulary) -> list[int]:
    """One class per kind, in the order of `KINDS`: the name's place in the vocabulary, or their number for neutral."""
    labels = []
    for kind in KINDS:
        names, value = vocabulary.names(kind), getattr(scene, kind)
        labels.append(len(names) if value is None else names.index(value))
    return labels
