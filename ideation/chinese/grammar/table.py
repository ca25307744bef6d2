"""The grammar: how Chinese words make phrases, and what these say in English.

Categories: n (noun), np (noun phrase), num, m (measure word), q (quantity), a (adjective), mod (what 的 makes of
anything), v (verb that may have an object), v! (one that has none), vp (a doing with its object), place (夜市裡), at
(在夜市裡), loc (上, 裡), dir (進, 到), moment (time or weather), pp (with whom, with what), adv, sty (name of a style),
style, s (scene). A function word is a category of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ideation.chinese.chart import Lift, Rule
from ideation.chinese.grammar import doings, nouns, places, scenes
from ideation.chinese.phrases import Noun, Quantity
from ideation.english import style_phrase
from ideation.english.inflection import adverb

#: Pieces that a clause may be, with what each costs more than a whole scene.
WHOLE = {"s": 0.0, "np": 0.1, "vp": 0.2, "at": 0.3, "moment": 0.1, "style": 0.0, "adj": 0.6, "pp": 0.8, "adv": 0.6} | {
    "呢": 1.5
}


def _first(value: Any, _: Any) -> Any:
    return value


def _second(_: Any, value: Any) -> Any:
    return value


def _swapped(join: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda one, other: join(other, one)


def _same(value: Any) -> Any:
    return value


_RULES: list[tuple[str, str, str, float, Callable[[Any, Any], Any]]] = [
    # Nouns
    ("num", "m", "q", 0, nouns.measured),
    ("q", "n", "np", 0, nouns.counted),
    ("q", "np", "np", 0.6, nouns.counted),
    ("pp", "a", "than", 0.1, nouns.as_much),
    ("比", "np", "比np", 0, _second),
    ("比", "pron", "比np", 0, _second),
    ("比np", "a", "than", 0, nouns.compared),
    ("比np", "asp", "比np", 0.5, _first),
    ("than", "的", "mod", 0, _first),
    ("np", "than", "np", 0.3, _swapped(nouns.modified)),
    ("也", "a", "a", 0.2, _second),
    ("半是", "np", "half", 0, _second),
    ("half", "half", "halves", 0, nouns.halves),
    ("halves", "的", "mod", 0, _first),
    ("num", "n", "np", 0.4, nouns.counted),
    ("num", "a", "num-a", 2, lambda number, adjective: (number, adjective)),
    ("這", "m", "q", 0, lambda _, measure: replace(measure, number="the")),
    ("這", "n", "np", 0.3, lambda _, noun: nouns.counted(Quantity("the"), noun)),
    ("a", "n", "n", 0, nouns.described),
    ("很", "a", "a", 0, _second),
    ("看起來", "a", "a", 0, lambda _, adjective: f"{adjective}-looking"),
    ("a", "a", "aa", 0.2, lambda one, other: (one, other)),
    ("aa", "的", "mod", 0, lambda pair, _: Noun("", before=pair)),
    ("a", "的", "mod", 0, lambda adjective, _: Noun("", before=(adjective,))),
    ("np", "的", "mod", 0.2, lambda noun, _: nouns.owner(noun)),
    ("pron", "的", "mod", 0, nouns.pronoun),
    ("pron", "n", "np", 0.5, lambda owner, noun: nouns.counted(Quantity(owner), noun)),
    ("vp", "的", "mod", 0.1, lambda actions, _: nouns.by_doing(actions)),
    ("at", "的", "mod", 0, lambda place, _: Noun("", after=(place,))),
    ("pp", "的", "mod", 0.2, lambda manner, _: Noun("", after=(manner,))),
    ("moment", "的", "mod", 0, lambda moment, _: Noun("", moments=(moment,))),
    ("style", "的", "mod", 0, lambda style, _: Noun("", styles=(style,))),
    ("s", "的", "mod", 0.4, lambda scene, _: nouns.by_scene(scene)),
    ("s", "的", "mod", 0, lambda scene, _: nouns.with_on_body(scene)),
    ("s", "的", "mod", 1.1, lambda scene, _: nouns.with_scene(scene)),
    ("mod", "n", "n", 0, nouns.modified),
    ("mod", "np", "np", 0.3, nouns.modified),
    ("n", "n", "n", 1.0, nouns.compound),
    ("n", "們", "np", 0, nouns.several),
    ("np", "和", "np和", 0, _first),
    ("np和", "np", "np", 0.1, nouns.pair),
    ("np", "、", "np和", 0, _first),
    ("np", "跟", "np和", 0.5, _first),
    # Where, when and with what
    ("np", "loc", "place", 0, places.placed),
    ("在", "place", "at", 0, _second),
    ("在", "np", "at", 0.3, places.simple_place),
    # A place of two nouns that is no place, as in 在雪地滑板, may be a place and something else.
    ("在", "np", "at", 1.1, lambda _, noun: noun.there),
    ("在", "moment", "moment", 0, _second),
    ("正在", "moment", "moment", 0, _second),
    ("moment", "時", "moment", 0, _first),
    ("moment", "moment", "moment", 0.2, lambda one, other: f"{other} {one}"),
    ("moment", "的", "moment的", 0.1, _first),
    ("moment的", "moment", "moment", 0.1, lambda one, other: f"{other} {one}"),
    ("vp", "時", "moment", 0.2, lambda actions, _: f"while {actions.text}"),
    ("n", "place", "place", 0.3, places.place_of),
    ("mod", "place", "place", 0.2, places.described_place),
    ("跟", "np", "pp", 0.2, places.preposition("with")),
    ("和", "np", "pp", 0.9, places.preposition("with")),
    ("用", "np", "pp", 0, places.preposition("with")),
    ("對", "np", "pp", 0, places.preposition("to")),
    ("往", "np", "pp", 0, places.preposition("towards")),
    ("往", "place", "pp", 0, lambda _, place: f"towards {place.partition(' ')[2]}"),
    ("從", "np", "pp", 0, places.preposition("from")),
    ("從", "place", "pp", 0, lambda _, place: f"from {place.partition(' ')[2]}"),
    ("為", "np", "pp", 0, places.preposition("for")),
    ("給", "np", "pp", 0.4, places.preposition("for")),
    ("像", "np", "pp", 0, places.preposition("like")),
    ("pp", "一樣", "pp", 0, _first),
    ("沿", "np", "pp", 0, places.preposition("along")),
    ("pp", "做", "made", 0, places.made_of),
    ("用", "np", "用np", 0, _second),
    ("用np", "做", "made", -0.1, places.made_of_noun),
    ("n", "做", "made", 0.3, places.made_of_noun),
    ("made", "的", "mod", 0, lambda made, _: Noun("", after=(made,))),
    # Doings
    ("v", "asp", "v", 0.15, _first),
    ("v", "dir", "v", 0, doings.towards),
    ("v", "np", "vp", 0, doings.acting_on),
    ("v", "place", "vp", 0, doings.heading),
    ("v", "at", "vp", 0, doings.staying_posture),
    ("v!", "at", "vp", 0, doings.staying_posture),
    ("v!", "asp", "v!", 0, _first),
    ("v!", "dir", "v", 0, doings.towards),
    ("vp", "at", "vp", 0.9, doings.staying),
    ("vp", "asp", "vp", 0, _first),
    ("vp", "pp", "vp", 1.0, doings.mannered),
    ("at", "vp", "vp", 0.1, _swapped(scenes.with_place)),
    ("at", "n", "vp", 0.5, doings.at_play),
    ("moment", "vp", "vp", 0.1, _swapped(scenes.with_moment)),
    ("pp", "vp", "vp", 0, doings.with_manner),
    ("給", "np", "給np", 0, _second),
    ("為", "np", "給np", 0, _second),
    ("給np", "v給", "vp", -0.1, doings.serving),
    ("給np", "vp", "vp", -0.1, doings.dressing),
    ("v給", "asp", "v給", 0, _first),
    ("vp", "一樣", "vp", 0, _first),
    ("讓", "s", "vp", 0.3, doings.letting),
    ("vp", "np", "vp", 0.4, doings.giving),
    ("vp", "vp", "vp", 0.3, doings.pivoting),
    ("不", "會", "不會", 0, lambda _, __: "unable"),
    ("不會", "vp", "vp", 0, doings.unable),
    ("vp", "呢", "vp", 0.8, _first),
    ("adv", "vp", "vp", 0.1, _swapped(doings.mannered)),
    ("a", "地", "adv", 0, lambda adjective, _: adverb(adjective)),
    ("a", "vp", "vp", 1.2, lambda adjective, actions: doings.mannered(actions, adverb(adjective))),
    ("vp", "得", "vp得", 0, _first),
    ("v", "得", "vp得", 0, lambda verb, _: doings.doing(verb)),
    ("vp得", "a", "vp", 0, lambda actions, adjective: doings.mannered(actions, adverb(adjective))),
    ("在", "vp", "vp", 0.1, _second),
    ("正在", "vp", "vp", 0, _second),
    ("去", "vp", "vp", 0.1, _second),
    ("去", "np", "vp", 0.6, doings.going_to),
    ("會", "vp", "vp", 0.1, _second),
    ("喜歡", "vp", "vp", 0.1, _second),
    ("不", "喜歡", "不喜歡", 0, lambda _, __: "not liking"),
    ("不喜歡", "vp", "vp", 0, doings.disliking),
    ("很", "vp", "vp", 0.1, doings.very),
    ("不", "敢", "不敢", 0, lambda _, __: "afraid"),
    ("不敢", "vp", "vp", 0, doings.afraid),
    ("敢", "vp", "vp", 0.1, doings.daring),
    ("快要", "vp", "vp", 0, doings.about_to),
    ("也", "vp", "vp", 0, _second),
    ("不", "vp", "vp", 0.1, doings.prefixed("not")),
    ("想", "vp", "vp", 0.1, doings.wanting),
    ("vp", "去", "vp", 0.5, _first),
    ("vp", "vp", "vp", 0.6, doings.in_turn),
    ("vp", "和", "vp和", 0.2, _first),
    ("vp和", "vp", "vp", 0.1, doings.in_turn),
    ("把", "np", "把np", 0, _second),
    ("把np", "vp", "vp", 0, doings.disposing),
    ("被", "np", "被np", 0, _second),
    ("被np", "vp", "vp", 0, doings.suffering),
    ("被", "vp", "vp", 0.5, doings.suffering),
    ("vp", "給", "vp給", 0, _first),
    ("vp給", "np", "vp", 0.2, doings.handing),
    # Scenes
    ("np", "vp", "s", 0, scenes.acting),
    ("np", "at", "s", 0.4, scenes.being_there),
    ("np", "adj", "np", 1.0, nouns.predicate),
    ("at", "vp", "s", 0, scenes.found),
    ("v!", "np", "found", 0.3, scenes.appearing),
    ("at", "found", "s", 0, scenes.found),
    ("at", "np", "s", 0.9, scenes.there),
    ("s", "vp", "s", 0.2, scenes.more),
    ("讓", "s", "s", 0.2, _second),
    ("s", "呢", "s", 0.8, _first),
    ("有", "s", "s", 0.1, _second),
    ("有", "np", "np", 0.8, _second),
    ("at", "s", "s", 0.2, _swapped(scenes.with_place)),
    ("moment", "s", "s", 0.1, _swapped(scenes.with_moment)),
    ("s", "moment", "s", 0.5, scenes.with_moment),
    ("np", "moment", "s", 0.5, scenes.in_weather),
    ("s", "at", "s", 0.9, scenes.with_place),
    # Styles
    ("sty", "畫風", "style", 0, scenes.style),
    ("sty", "n", "n", 0.8, nouns.in_style),
    ("np", "畫風", "style", 0.9, scenes.noun_style),
    ("style", "的", "style", 0.3, _first),
    ("、", "style", "style", 0, _second),
]


RULES: dict[tuple[str, str], list[Rule]] = {}
for _left, _right, _category, _cost, _make in _RULES:
    RULES.setdefault((_left, _right), []).append(Rule(_category, _cost, _make))

LIFTS: dict[str, list[Lift]] = {
    "n": [Lift("np", 0.1, _same)],
    "v": [Lift("vp", 0.5, doings.doing)],
    "v!": [Lift("vp", 0.0, doings.doing)],
    "place": [Lift("at", 0.4, _same)],
    "np": [Lift("place", 1.4, places.bare_place)],
    "a": [Lift("adj", 0.0, _same)],
    "sty": [Lift("style", 0.8, style_phrase)],
}
