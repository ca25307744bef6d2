"""Scenes in the grammar: who does what, what is where, and in which style."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ideation.chinese.grammar.nouns import WITH_MANY, belonging, on_own_body
from ideation.chinese.phrases import Actions, Doing, Noun, Quantity, Scene, Verb
from ideation.english import style_phrase


def acting(noun: Noun, actions: Actions) -> Scene | None:
    first, *rest = actions.doings
    alone = not (rest or first.prefix or noun.beside)
    if noun.group == "place" and first.verb.base == "have" and first.object and alone:
        # 台北有一隻貓: the place is where somebody is.
        where, moments = replace(noun, moments=()).there, (*noun.moments, *actions.moments)
        return Scene(first.object, None, (where, *actions.places), moments, noun.styles)
    if noun.group == "body" and first.verb.base == "go up":  # 頭上: on the head, and no head that goes up
        return None
    return Scene(noun, belonging(noun, actions))


def being_there(noun: Noun, place: str) -> Scene | None:
    return None if noun.group == "place" else Scene(noun, None, (place,))


def there(place: str, noun: Noun) -> Scene | None:
    """夜市裡的貓 without 的. 頭上 before somebody is his own head, on which he is not."""
    own = on_own_body(place) and noun.group in ("animal", "person", "being")
    return None if own else being_there(noun, place)


def appearing(verb: Verb, noun: Noun) -> Actions | None:
    """躺著一隻貓, behind where it lies."""
    return Actions((Doing(verb, noun),)) if verb.posture and not verb.given else None


def found(place: str, actions: Actions) -> Scene | None:
    """桌上坐著一隻貓, 天上有一條龍: what is there comes last and is who does it."""
    first, *rest = actions.doings
    if first.object is None or rest or first.tail:
        return None
    if first.verb.base in WITH_MANY:
        # 牆上掛滿照片
        many = first.object if first.object.quantity else replace(first.object, quantity=Quantity("many", many=True))
        return Scene(many, None, (place,), actions.moments)
    if first.verb.base == "have":
        return Scene(first.object, None, (place,), actions.moments)
    if not first.verb.posture:
        return None
    doing = replace(first, object=None, tail=(place,))
    return Scene(first.object, replace(actions, doings=(doing,)))


def more(scene: Scene, actions: Actions) -> Scene | None:
    if scene.subject is None or scene.actions is not None:
        return None
    return replace(scene, actions=actions)


def with_moment(thing: Scene | Actions, moment: str) -> Scene | Actions:
    return replace(thing, moments=(*thing.moments, moment))


def with_place(thing: Scene | Actions, place: str) -> Scene | Actions:
    return replace(thing, places=(*thing.places, place))


def style(name: str, _: Any) -> str:
    return style_phrase(name)


def noun_style(noun: Noun, _: Any) -> str | None:
    return style_phrase(noun.bare) if noun.quantity is None else None


def in_weather(noun: Noun, moment: str) -> Scene:
    """富士山在下雪."""
    return Scene(noun, moments=(moment,))
