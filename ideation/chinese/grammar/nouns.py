"""Nouns in the grammar: counted, described, joined, and whatever stands before 的."""

from __future__ import annotations

from dataclasses import replace

from ideation.chinese.phrases import Actions, Noun, Quantity, Scene


def counted(quantity: Quantity, noun: Noun) -> Noun | None:
    return replace(noun, quantity=quantity) if noun.quantity is None else None


def measured(number: Quantity, measure: Quantity) -> Quantity:
    return replace(measure, number=number.number, many=number.many)


def described(adjective: str, noun: Noun) -> Noun | None:
    # 大象 and 大樓 are words of their own, and an adjective twice is a mistake in reading.
    return None if adjective in noun.before else replace(noun, before=(adjective, *noun.before))


def modified(modifier: Noun, noun: Noun) -> Noun:
    """`modifier` is a noun without a head: what it has before, after and around it goes to the noun."""
    quantity = modifier.quantity if noun.quantity is None else noun.quantity
    return replace(
        noun,
        before=(*modifier.before, *noun.before),
        after=(*noun.after, *modifier.after),
        moments=(*noun.moments, *modifier.moments),
        styles=(*noun.styles, *modifier.styles),
        quantity=quantity,
    )


def in_style(name: str, noun: Noun) -> Noun | None:
    """賽博龐克女孩: a cyberpunk girl."""
    return replace(noun, before=(name, *noun.before)) if noun.group != "place" or not noun.before else None


def compound(one: Noun, other: Noun) -> Noun | None:
    if one.quantity or one.after or one.moments or other.before or other.counting in ("the", "name"):
        return None
    if one.head == other.head:
        return replace(other, before=one.before)
    if one.group in ("person", "being") and one.counting != "name" and other.group not in ("person", "being"):
        return replace(other, before=(f"{one.bare}'s",))
    return replace(other, before=(one.bare,))


def owner(noun: Noun) -> Noun:
    """The noun before 的: whose it is, what it is made of, what it shows."""
    if noun.group in ("person", "being", "animal") or noun.quantity is not None or noun.after:
        ending = "'" if noun.text.endswith("s") else "'s"
        return Noun("", quantity=Quantity(noun.text + ending), moments=noun.moments)
    if noun.group == "place" or noun.counting in ("the", "name"):
        return Noun("", after=(f"{noun.at if noun.group == 'place' else 'of'} {noun.text}",))
    return Noun("", before=(noun.bare,), moments=noun.moments, styles=noun.styles)


def pronoun(owner: str, _: None) -> Noun:
    return Noun("", quantity=Quantity(owner))


def pair(one: Noun, other: Noun) -> Noun:
    moments, styles = (*one.moments, *other.moments), (*one.styles, *other.styles)
    members = (*one.beside, replace(other, beside=()), *other.beside)
    return replace(one, beside=members, moments=moments, styles=styles)


def several(noun: Noun, _: None) -> Noun | None:
    return replace(noun, quantity=Quantity("", many=True)) if noun.quantity is None else None


def its(noun: Noun) -> Noun:
    """A part of the body that nobody has counted is the doer's own."""
    return replace(noun, quantity=Quantity("the")) if noun.group == "body" and noun.quantity is None else noun


def predicate(noun: Noun, adjective: str) -> Noun | None:
    return None if adjective in noun.before else replace(noun, before=(adjective, *noun.before))


def by_doing(actions: Actions) -> Noun:
    doing, *more = actions.doings
    alone = not actions.manner or actions.manner[0].startswith("with ")
    if doing.verb.transitive and alone and not (more or doing.object or doing.tail or doing.prefix):
        # 用鉛筆畫的森林: the forest does not draw, it is drawn.
        told = " ".join((doing.verb.done, *actions.manner, *actions.places))
        return Noun("", after=(told,), moments=actions.moments)
    return Noun("", after=(actions.text,), moments=actions.moments)


def by_scene(scene: Scene) -> Noun | None:
    """媽媽做的便當: the lunch box is what is made."""
    if scene.subject is None or scene.actions is None or len(scene.actions.doings) != 1:
        return None
    doing = scene.actions.doings[0]
    if scene.subject.group == "body":
        part = scene.subject.bare
        return Noun("", after=(f"with {part} {scene.actions.text}",))
    if doing.object or doing.tail or not doing.verb.transitive:
        return None
    return Noun("", after=(f"{doing.verb.done} by {scene.subject.settled.text}", *scene.actions.places))
