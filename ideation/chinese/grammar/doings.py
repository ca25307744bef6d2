"""Doings in the grammar: verbs with their objects, places and manners; 把 and 被; one thing after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ideation.chinese.grammar.nouns import its
from ideation.chinese.phrases import Actions, Doing, Noun, Verb


def doing(verb: Verb) -> Actions:
    return Actions((Doing(verb),))


def acting_on(verb: Verb, noun: Noun) -> Actions:
    whose = noun if verb.base == "have" else its(noun)
    return Actions((Doing(verb.of(noun), replace(whose, moments=()).settled),), moments=noun.moments)


def extended(actions: Actions, tail: str) -> Actions:
    *first, last = actions.doings
    return replace(actions, doings=(*first, replace(last, tail=(*last.tail, tail))))


def staying(actions: Actions, place: str) -> Actions | None:
    """A place behind its verb: 坐在沙發上."""
    last = actions.doings[-1]
    return extended(actions, place) if not last.object else None


def staying_posture(verb: Verb, place: str) -> Actions | None:
    return extended(doing(verb), place) if verb.posture else None


def towards(verb: Verb, direction: str) -> Verb | None:
    if verb.given or verb.direction or (not verb.posture and direction in ("over", "to", "onto", "down")):
        return None
    return replace(verb, base=verb.by_group.get("direction", verb.base), direction=direction, by_group={})


def going_to(_: None, noun: Noun) -> Actions | None:
    """去迪士尼樂園: going there."""
    return acting_on(Verb("go to"), noun) if noun.group == "place" else None


def heading(verb: Verb, place: str) -> Actions | None:
    """開進雲裡: driving into the clouds."""
    preposition, _, rest = place.partition(" ")
    if not verb.direction or preposition not in ("in", "on", "at"):
        return None
    return extended(doing(replace(verb, direction="")), f"{verb.direction} {rest}")


def in_turn(one: Actions, other: Actions) -> Actions:
    return Actions(
        (*one.doings, *other.doings),
        (*one.manner, *other.manner),
        (*one.places, *other.places),
        (*one.moments, *other.moments),
    )


def prefixed(prefix: str) -> Callable[[None, Actions], Actions]:
    def prefix_first(_: None, actions: Actions) -> Actions:
        first, *rest = actions.doings
        return replace(actions, doings=(replace(first, prefix=f"{prefix} {first.prefix}".strip()), *rest))

    return prefix_first


def wanting(wish: str, actions: Actions) -> Actions | None:
    """Wanting, learning or trying to do something."""
    first, *rest = actions.doings
    if first.verb.given:
        return None
    return replace(actions, doings=(replace(first, verb=replace(first.verb, base=f"{wish} {first.verb.base}")), *rest))


def disposing(noun: Noun, actions: Actions) -> Actions | None:
    """把 and its noun before the verb: 把西瓜切開, 把雲當枕頭."""
    noun = noun.settled
    first, *rest = actions.doings
    if first.object is None:
        return replace(actions, doings=(replace(first, object=noun, verb=first.verb.of(noun)), *rest))
    if first.verb.direction:
        verb, joint = replace(first.verb, direction=""), first.verb.direction
    elif first.verb.base in ("be", "work as"):
        verb, joint = Verb("use"), "as"
    elif first.verb.base == "turn into":
        verb, joint = Verb("turn"), "into"
    else:
        return None
    return replace(actions, doings=(Doing(verb, noun, (f"{joint} {first.object.text}", *first.tail)), *rest))


def with_manner(manner: str, actions: Actions) -> Actions:
    """With whom or with what before the verb: 用香蕉當劍 is using it as a sword."""
    first, *rest = actions.doings
    if first.verb.base in ("be", "work as") and first.object and manner.startswith("with "):
        tail = (manner.removeprefix("with "), f"as {first.object.text}", *first.tail)
        return replace(actions, doings=(Doing(Verb("use"), None, tail), *rest))
    return mannered(actions, manner)


def suffering(noun: Noun | None, actions: Actions) -> Actions | None:
    """被 before the verb: 老鼠被貓追."""
    first, *rest = actions.doings
    if first.verb.given or first.prefix:
        return None
    by = (f"by {noun.settled.text}",) if noun else ()
    suffers = first.verb.participle() if first.verb.base.startswith("get ") else f"being {first.verb.done}"
    verb = Verb("be", given=suffers)
    return replace(actions, doings=(Doing(verb, first.object, (*first.tail, *by)), *rest))


def handing(actions: Actions, noun: Noun) -> Actions:
    return extended(actions, f"to {noun.settled.text}")


def mannered(actions: Actions, manner: str) -> Actions:
    return replace(actions, manner=(*actions.manner, manner)) if manner else actions
