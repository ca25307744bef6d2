"""Nouns in the grammar: counted, described, joined, and whatever stands before 的."""

from __future__ import annotations

import re
from dataclasses import replace

from ideation.chinese.phrases import Actions, Doing, Noun, Quantity, Scene
from ideation.english.inflection import comparative


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
    whose = possessive(noun)
    return replace(
        noun,
        before=(*modifier.before, *noun.before),
        after=(*noun.after, *(_belonging(told, whose) for told in modifier.after)),
        moments=(*noun.moments, *modifier.moments),
        styles=(*noun.styles, *modifier.styles),
        quantity=quantity,
        placed=modifier.placed,
    )


def in_style(name: str, noun: Noun) -> Noun | None:
    """賽博龐克女孩: a cyberpunk girl."""
    return replace(noun, before=(name, *noun.before)) if noun.group != "place" or not noun.before else None


#: What comes from a country.
_PEOPLES = dict(
    pair.split(":")
    for pair in (
        "Japan:Japanese China:Chinese Taiwan:Taiwanese Korea:Korean America:American France:French Egypt:Egyptian "
        "Africa:African India:Indian Thailand:Thai Italy:Italian Germany:German England:English Russia:Russian "
        "Mexico:Mexican Spain:Spanish Greece:Greek Vietnam:Vietnamese Tibet:Tibetan Mongolia:Mongolian Brazil:Brazilian"
    ).split()
)


#: What is done with a thing, where a place stands before it and no verb: 在雪地滑板.
_AT_PLAY = {
    "skateboard": "ride a skateboard",
    "snowboard": "ride a snowboard",
    "surfboard": "surf",
    "roller skates": "roller-skate",
    "ice skates": "ice-skate",
    "sled": "ride a sled",
    "kick scooter": "ride a kick scooter",
    "canoe": "paddle a canoe",
    "hang glider": "fly a hang glider",
    "frisbee": "play frisbee",
    "hula hoop": "hula-hoop",
    "trampoline": "jump on a trampoline",
    "soccer ball": "play soccer",
    "kite": "fly a kite",
    "parachute": "parachute",
}
_GAMES = frozenset(
    "basketball baseball softball volleyball tennis badminton dodgeball golf bowling billiards rugby hockey".split()
) | {"table tennis"}


def played(noun: Noun) -> str | None:
    """What is done with it for sport, if it is a thing for that."""
    return _AT_PLAY.get(noun.head) or (f"play {noun.head}" if noun.head in _GAMES else None)


def compound(one: Noun, other: Noun) -> Noun | None:
    if one.quantity or one.after or one.moments or other.before or other.counting in ("the", "name"):
        return None
    if one.head == other.head:
        return replace(other, before=one.before)
    if one.head in _PEOPLES:
        return replace(other, before=(_PEOPLES[one.head],))
    last, first = one.bare.split()[-1], other.head.split()[0]
    if last == first and one.counting == "count":
        return replace(other, head=other.head.partition(" ")[2] or other.head, before=(one.bare,))
    if one.group in ("person", "being") and one.counting != "name" and other.group not in ("person", "being", "animal"):
        return replace(other, before=(f"{one.bare}'s",))
    return replace(other, before=(one.bare,))


#: The pronoun before a noun, and the one for itself.
_OBJECTS = {"my": "me", "your": "you", "his": "him", "her": "her", "its": "it", "their": "them", "his own": "itself"}


def owner(noun: Noun) -> Noun | None:
    """The noun before 的: whose it is, what it is made of, what it shows."""
    told = noun.before or " " in noun.head or (noun.quantity is not None and noun.quantity.number not in _OBJECTS)
    if noun.group in ("body", "clothes") and told:
        return Noun("", after=(f"with {noun.settled.text}",))
    if noun.group == "body" and noun.quantity is None:
        return None  # 三隻眼睛的青蛙: the eyes have no frogs
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


#: Verbs of which what nobody has counted is many: loaded with watermelons.
WITH_MANY = ("be filled with", "be loaded with", "be covered in")


def several(noun: Noun, _: None) -> Noun | None:
    return replace(noun, quantity=Quantity("", many=True)) if noun.quantity is None else None


def its(noun: Noun) -> Noun:
    """A part of the body that nobody has counted is the doer's own."""
    return replace(noun, quantity=Quantity("its")) if noun.group == "body" and noun.quantity is None else noun


def predicate(noun: Noun, adjective: str) -> Noun | None:
    return None if adjective in noun.before else replace(noun, before=(adjective, *noun.before))


_FEMALE = re.compile(
    r"\b(?:\w*(?:woman|girl|mother|sister|wife|lady)|grandma|granny|mom|aunt|bride|princess|queen|niece|daughter|nun"
    r"|schoolgirl|waitress|ballerina|empress|goddess|witch|mermaid|maid|geisha|Little Red Riding Hood|Cinderella"
    r"|Snow White|Mazu|Chang'e|Elsa|Mulan|Rapunzel|Alice)$"
)
_MALE = re.compile(
    r"\b(?:\w*(?:man|boy|father|brother)|husband|grandpa|dad|uncle|groom|prince|king|emperor|wizard|monk|nephew|son|cowboy"
    r"|gentleman|samurai|Santa Claus|Monkey King|Guan Yu|Buddha|Spider-Man|Batman|Superman|Iron Man)$"
)


def possessive(noun: Noun) -> str:
    """Whose the things are that somebody has, in English: its, her, his, or their."""
    if noun.beside or (noun.quantity is not None and noun.quantity.many) or noun.counting == "plural":
        return "their"
    if _FEMALE.search(noun.head):
        return "her"
    if _MALE.search(noun.head):
        return "his"
    return "their" if noun.group == "person" else "its"


def _belonging(told: str, whose: str) -> str:
    """What is told of somebody, with his or her own things."""
    selves = {"its": "itself", "her": "herself", "his": "himself", "their": "themselves"}
    return re.sub(r"\bitself\b", selves[whose], re.sub(r"\bits\b", whose, told, count=1), count=1)


def belonging(noun: Noun, actions: Actions) -> Actions:
    """What somebody does, with his or her own things: a grandmother brushing her teeth."""
    whose = possessive(noun)
    if whose == "its":
        return actions
    doings = tuple(_doing_of(whose, doing) for doing in actions.doings)
    return replace(actions, doings=doings, manner=tuple(_belonging(told, whose) for told in actions.manner))


def _doing_of(whose: str, doing: Doing) -> Doing:
    verb = replace(doing.verb, base=_belonging(doing.verb.base, whose), given=_belonging(doing.verb.given, whose))
    noun = doing.object
    if noun is not None:
        noun = replace(noun, head=_belonging(noun.head, whose))
        if noun.quantity is not None and noun.quantity.number == "its":
            noun = replace(noun, quantity=replace(noun.quantity, number=whose))
    return replace(doing, verb=verb, object=noun, tail=tuple(_belonging(told, whose) for told in doing.tail))


def compared(than: Noun | str, adjective: str) -> Noun:
    """比房子還大: bigger than a house."""
    other = _OBJECTS.get(than, than) if isinstance(than, str) else than.settled.text
    return Noun("", after=(f"{comparative(adjective)} than {other}",))


def with_scene(scene: Scene) -> Noun | None:
    """燈光閃爍的城市: a city with lights flashing."""
    if scene.subject is None or scene.actions is None or len(scene.actions.doings) != 1:
        return None
    if scene.subject.group == "food" or scene.actions.doings[0].verb.transitive:
        return None
    return Noun("", after=(f"with {scene.subject.settled.text} {scene.actions.text}",), moments=scene.actions.moments)


def on_own_body(place: str) -> bool:
    """Whether a place is on the body of whoever is told of: on its head."""
    return place.split()[1:2] == ["its"]


def with_on_body(scene: Scene) -> Noun | None:
    """頭上長花的貓: a cat with a flower growing on its head."""
    if scene.subject is None or scene.others:
        return None
    actions = scene.actions
    if actions is None:
        told, place = "", " ".join(scene.places)
    elif len(actions.doings) == 1 and not (actions.manner or actions.places):
        told, place = actions.text, " ".join(actions.doings[0].tail)
        place = "" if actions.doings[0].object else place
    else:
        return None
    if not on_own_body(place):
        return None
    return Noun("", after=(f"with {scene.subject.settled.text} {told or place}",), moments=scene.moments)


def halves(one: Noun, other: Noun) -> Noun:
    """一半是貓一半是魚: half a cat and half a fish."""
    return Noun("", after=(f"that is half {one.settled.text} and half {other.settled.text}",))


def as_much(manner: str, adjective: str) -> Noun | None:
    """像房子一樣大: as big as a house."""
    like = manner.removeprefix("like ")
    return Noun("", after=(f"as {adjective} as {like}",)) if like != manner else None


def by_doing(actions: Actions) -> Noun:
    doing, *more = actions.doings
    if not (more or doing.object or doing.tail or doing.prefix or actions.manner or actions.places or actions.moments):
        participle = doing.verb.participle(alone=True)
        if " " not in participle and not doing.verb.direction and not doing.verb.transitive:
            return Noun("", before=(participle,))
    alone = not actions.manner or actions.manner[0].startswith("with ")
    if doing.verb.transitive and alone and not (more or doing.object or doing.tail or doing.prefix):
        # 用鉛筆畫的森林: the forest does not draw, it is drawn.
        told = " ".join((doing.verb.done, *actions.manner, *actions.places))
        return Noun("", after=(told,), moments=actions.moments)
    return Noun("", after=(actions.text,), moments=actions.moments, placed=bool(actions.places))


def by_scene(scene: Scene) -> Noun | None:
    """媽媽做的便當: the lunch box is what is made."""
    if scene.subject is None or scene.actions is None or len(scene.actions.doings) != 1:
        return None
    doing = scene.actions.doings[0]
    if scene.subject.group == "body":
        part = scene.subject.bare if scene.subject.counting == "plural" else its(scene.subject).text
        return Noun("", after=(f"with {part} {scene.actions.text}",))
    if doing.object or doing.tail or not doing.verb.transitive:
        return None
    return Noun("", after=(f"{doing.verb.done} by {scene.subject.settled.text}", *scene.actions.places))
