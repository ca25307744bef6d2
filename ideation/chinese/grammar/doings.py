"""Doings in the grammar: verbs with their objects, places and manners; 把 and 被; one thing after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ideation.chinese.grammar.nouns import WITH_MANY, its, played
from ideation.chinese.phrases import Actions, Doing, Noun, Quantity, Scene, Verb


def doing(verb: Verb) -> Actions:
    return Actions((Doing(verb),))


#: Verbs whose passive tells how something is, and not what goes on.
_STATES = frozenset(
    "cover surround wrap tie bury lock trap freeze hide decorate break abandon destroy tear close open hang paint "
    "dye".split()
)


def acting_on(verb: Verb, noun: Noun) -> Actions | None:
    if verb.posture and noun.placed:  # 坐在沙發上看電視的狗: the dog sits on the sofa, and nobody on the dog
        return None
    if verb.base == "go up" and noun.group in ("animal", "person", "being"):  # 在雲上打麻將的神明 is on no god
        return None
    if not verb.of(noun).base:  # 長頭髮的女孩 grows no hair: it is long
        return None
    whose = noun if verb.of(noun).base in ("have", "grow") else its(noun)
    if verb.base in WITH_MANY and noun.quantity is None and not noun.beside:
        whose = replace(noun, quantity=Quantity("", many=True))
    return Actions((Doing(verb.of(noun), replace(whose, moments=()).settled),), moments=noun.moments)


def extended(actions: Actions, tail: str) -> Actions:
    *first, last = actions.doings
    return replace(actions, doings=(*first, replace(last, tail=(*last.tail, tail))))


def staying(actions: Actions, place: str) -> Actions | None:
    """A place behind its verb: 坐在沙發上."""
    last = actions.doings[-1]
    return extended(actions, place) if not last.object else None


#: Verbs of which the place behind them is where what was done has been since: 蓋在鯨魚背上, built on a whale.
_RESULTS = frozenset(
    "build write draw paint carve stick put tie bury print plant lock arrange embroider install".split()
)


def staying_posture(verb: Verb, place: str) -> Actions | None:
    """坐在沙發上, and 開在路上: sitting on a sofa, driving on a road."""
    if "direction" in verb.by_group:
        verb = replace(verb, base=verb.by_group["direction"], by_group={})
    elif verb.base in _RESULTS:
        verb = Verb(verb.base, given=verb.done)
    elif not verb.posture:
        return None
    elif verb.base.endswith(" in"):  # soaking in a bathtub: the place has the word already
        verb = replace(verb, base=verb.base.removesuffix(" in"), by_group={})
    return extended(doing(verb), place)


def towards(verb: Verb, direction: str) -> Verb | None:
    if verb.given or verb.direction or (not verb.posture and direction in ("over", "to", "onto", "down")):
        return None
    return replace(verb, base=verb.by_group.get("direction", verb.base), direction=direction, by_group={})


def at_play(place: str, noun: Noun) -> Actions | None:
    """在雪地滑板: a place, and what is done there by the name of the thing that it takes."""
    doing_what = None if noun.before or noun.after or noun.quantity else played(noun)
    return None if doing_what is None else replace(doing(Verb(doing_what)), places=(place,))


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
        verb = Verb(first.verb.base) if first.verb.base in _RESULTS else first.verb.of(noun)
        if first.tail and first.tail[0].startswith(("in ", "on ", "at ")) and verb.base in _PUTTING:
            verb = Verb("put")
        return replace(actions, doings=(replace(first, object=noun, verb=verb), *rest))
    if first.verb.direction:
        verb, joint = replace(first.verb, direction=""), first.verb.direction
    elif first.verb.base in ("be", "work as"):
        verb, joint = Verb("use"), "as"
    elif first.verb.base == "turn into":
        verb, joint = Verb("turn"), "into"
    else:
        return None
    return replace(actions, doings=(Doing(verb, noun, (f"{joint} {first.object.text}", *first.tail)), *rest))


#: Verbs that mean putting, where 把 says what and 在 where.
_PUTTING = frozenset(("put down", "contain", "release", "fly", "arrange", "install", "insert", "set off"))


def serving(noun: Noun, verb: Verb) -> Actions | None:
    """給狗洗澡: bathing a dog. The verb is what the English says of whoever is served."""
    return acting_on(verb, noun)


def dressing(noun: Noun, actions: Actions) -> Actions | None:
    """給狗穿衣服: putting clothes on a dog."""
    first, *rest = actions.doings
    if rest or first.object is None or first.tail or first.verb.base not in ("wear", "put on", "stick", "change"):
        return None
    return replace(actions, doings=(Doing(Verb("put"), first.object, (f"on {noun.settled.text}",)),))


def letting(_: None, scene: Scene) -> Actions | None:
    """讓 before who does what: making a student dance."""
    if scene.subject is None or scene.actions is None or len(scene.actions.doings) != 1:
        return None
    doing = scene.actions.doings[0]
    if doing.verb.given or doing.prefix or scene.actions.moments:
        return None
    tail = (_infinitive(doing).removeprefix("be "), *scene.actions.manner, *scene.actions.places)
    return Actions((Doing(Verb("make"), scene.subject.settled, tail),))


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
    if first.verb.base.startswith("get "):
        suffers = first.verb.participle()
    else:
        suffers = first.verb.done if first.verb.base.split()[0] in _STATES else f"being {first.verb.done}"
    verb = Verb("be", given=suffers)
    return replace(actions, doings=(Doing(verb, first.object, (*first.tail, *by)), *rest))


#: Verbs that have both whom and what: giving a child a cake.
_GIVING = frozenset("give teach tell send deliver hand feed ask show buy bring lend".split())
#: Verbs after which somebody does something, with what stands before it in English.
_LEADING = {
    verb: to
    for to, verbs in {
        "to": ("teach", "ask", "invite", "order around", "command", "train", "lead", "call", "beg for", "accompany"),
        "": ("help", "watch", "look at", "see", "hear", "listen to"),
    }.items()
    for verb in verbs
}


def giving(actions: Actions, noun: Noun) -> Actions | None:
    """給孫子一個紅包: giving a grandson a red envelope."""
    last = actions.doings[-1]
    whom = last.object
    if whom is None or last.tail or last.verb.base not in _GIVING or whom.group not in ("person", "being", "animal"):
        return None
    if noun.group in ("person", "being", "place"):
        return None
    return extended(actions, noun.settled.text)


def pivoting(actions: Actions, next_one: Actions) -> Actions | None:
    """教孫女騎腳踏車: teaching a granddaughter to ride a bicycle."""
    last, first = actions.doings[-1], next_one.doings[0]
    if last.object is None or last.tail or last.verb.base not in _LEADING or len(next_one.doings) > 1:
        return None
    if first.verb.given or first.prefix or last.object.group not in ("person", "being", "animal"):
        return None
    told = f"{_LEADING[last.verb.base]} {_infinitive(first)}".strip()
    verb = replace(last.verb, base="watch") if last.verb.base == "look at" else last.verb
    doing = replace(last, verb=verb, tail=(told, *next_one.manner, *next_one.places))
    return replace(actions, doings=(*actions.doings[:-1], doing), moments=(*actions.moments, *next_one.moments))


def _infinitive(doing: Doing) -> str:
    base = doing.verb.base
    if doing.object is None:
        base = base.removesuffix(" on").removesuffix(" for")
    told = (base, doing.verb.direction, doing.object.text if doing.object else "", *doing.tail)
    return " ".join(filter(None, told))


def unable(_: None, actions: Actions) -> Actions | None:
    return wanting("be unable to", actions)


def afraid(_: None, actions: Actions) -> Actions | None:
    return wanting("be afraid to", actions)


def about_to(_: None, actions: Actions) -> Actions | None:
    return wanting("be about to", actions)


def very(_: None, actions: Actions) -> Actions | None:
    """很怕黑: very afraid of the dark. What else is done is not done very."""
    first, *rest = actions.doings
    if not first.verb.base.startswith("be afraid"):
        return None
    verb = replace(first.verb, base=first.verb.base.replace("be ", "be very ", 1))
    return replace(actions, doings=(replace(first, verb=verb), *rest))


def daring(_: None, actions: Actions) -> Actions | None:
    return wanting("dare to", actions)


def disliking(_: None, actions: Actions) -> Actions | None:
    """不喜歡吃魚: not liking to eat fish."""
    liking = wanting("like to", actions)
    return prefixed("not")(None, liking) if liking else None


def handing(actions: Actions, noun: Noun) -> Actions:
    return extended(actions, f"to {noun.settled.text}")


def mannered(actions: Actions, manner: str) -> Actions:
    return replace(actions, manner=(*actions.manner, manner)) if manner else actions
