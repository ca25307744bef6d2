"""The pages of a class: all pairs with filters, and the blind ballot. Both open from the disk and ask nobody for
anything; whatever somebody else wrote is text in them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import templates
from compare.homework.classroom.ballot import ballot_json
from compare.homework.classroom.content import Class, HandedPair, HandIn, PictureId, SeedPair
from compare.homework.classroom.grades import fault_texts, verdict_text
from compare.homework.classroom.hand_ins.duplicates import found_twice, same_concept, twice_texts
from compare.homework.classroom.pictures import file_of, small_file_of
from compare.homework.classroom.pooled import Choices, PairVotes, Part, pooled, votes_of
from compare.report import policy_hash, sentences
from compare.view import marked_prompt
from generate.picture import ARMS
from ideation.english import diff
from templates import Language

_WIDTH = 1000  # of a bar, in its own units


def index_page(room: Class) -> str:
    """The page with all pairs of the class, its results and its hand-ins, as HTML; pictures are files beside it."""
    said = sentences(room.language)
    t = said["class"]
    css = templates.render("reports/report.css") + templates.render("reports/class/class.css")
    script = templates.render("reports/class/class.js")
    cards = list(_cards(room, said))
    lead, about, judges, results = _results(room, t)
    return templates.render(
        "reports/class/index.html.j2",
        # Hashes instead of 'unsafe-inline', and no source but files: should a text ever break out, no browser runs it.
        policy=f"default-src 'none'; img-src 'self' file:; style-src {policy_hash(css)}; "
        f"script-src {policy_hash(script)}; base-uri 'none'; form-action 'none'",
        css=css,
        script=script,
        brand=said["report"],
        t=t,
        language=room.language,
        room=room,
        summary=_summary(room, t),
        checked=t["checked_again" if room.rendered else "checked"],
        lead=lead,
        cards=cards,
        choices=_filters(cards, t),
        about=about,
        judges=judges,
        results=results,
        rows=list(_rows(room, t)),
    )


def ballot_page(room: Class, pictures: Mapping[PictureId, bytes]) -> str:
    """The ballot as one HTML text with its `pictures`, WebP files of the pairs that are on it, inside."""
    said = sentences(room.language)
    css, script = (templates.render(f"reports/class/ballot.{kind}") for kind in ("css", "js"))
    pairs = [
        (key, pair.concept, {name: _address(pictures[name]) for name in (pair.seeds[0].simple, pair.seeds[0].expanded)})
        for key, (_, pair) in room.on_ballot().items()
    ]
    return templates.render(
        "reports/class/ballot.html.j2",
        policy=f"default-src 'none'; img-src data:; style-src {policy_hash(css)}; script-src {policy_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        css=css,
        script=script,
        brand=said["report"],
        t=said["class"]["ballot"],
        title=room.title,
        language=room.language,
        pairs=ballot_json(pairs),
    )


def _address(webp: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"


def _summary(room: Class, t: dict[str, Any]) -> list[str]:
    students = len({hand_in.student for hand_in in room.hand_ins})
    pairs, said = sum(len(hand_in.pairs) for hand_in in room.hand_ins), t["summary"]
    texts = [
        said["one_student"] if students == 1 else said["students"].format(count=students),
        said["one_pair"] if pairs == 1 else said["pairs"].format(count=pairs),
    ]
    if room.refused:
        texts.append(said["refused"].format(count=len(room.refused)))
    return [*texts, said["made"].format(date=f"{room.created:%Y-%m-%d %H:%M} UTC")]


def _cards(room: Class, said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the page shows of each pair."""
    t, found, votes = said["class"], found_twice(room), votes_of(room)
    for at, hand_in in enumerate(room.hand_ins):
        for pair in hand_in.pairs:
            twice = twice_texts(found, room, at, pair.run)
            faults = [fault[room.language] for fault in (*pair.faults, *hand_in.faults)]
            if not pair.fair:
                faults.append(t["unfair"])
            states = ["fault" if faults else "verified", *(["twice"] if twice else [])]
            yield _card(hand_in, pair, room.language, said, votes.get(pair.id)) | {
                "faults": faults,
                "twice": twice,
                "notes": [note[room.language] for note in pair.notes],
                "states": states,
            }


def _card(
    hand_in: HandIn, pair: HandedPair, language: Language, said: dict[str, Any], votes: PairVotes | None
) -> dict[str, Any]:
    t = said["class"]
    pieces = diff(pair.simple, pair.expanded)
    dropped = {"simple": pair.simple_dropped, "expanded": pair.dropped}
    prompts = {arm: marked_prompt(pieces, arm, dropped[arm]) for arm in ARMS}
    counts = None if votes is None else (votes.expanded, votes.tie, votes.simple)
    return {
        "hand_in": hand_in,
        "pair": pair,
        "student_key": hand_in.student,
        "concept_key": same_concept(pair.concept),
        "styles": pair.styles,
        "style_keys": [style.casefold() for style in pair.styles] or [t["no_style"]],
        "verdict": verdict_text(pair, language),
        "prompts": prompts,
        "expander": said["report"]["prompts"]["expanders"].get(pair.expander, pair.expander),
        "seeds": [_seed(one, pair, t) for one in pair.seeds],
        "votes": None if counts is None else " : ".join(map(str, counts)),
        "said": pair.said.get(language, ""),
        "votes_text": None if votes is None else t["votes"].format(**vars(votes)),
    }


def _seed(one: SeedPair, pair: HandedPair, t: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"seed": one.seed, "width": one.width, "height": one.height}
    for arm in ARMS:
        picture = getattr(one, arm)
        shown[arm] = {
            "file": file_of(picture),
            "small": small_file_of(picture, one.width, one.height),
            "alt": t["alt"].format(arm=t["arms"][arm], seed=one.seed, concept=pair.concept),
        }
    return shown


def _filters(cards: list[dict[str, Any]], t: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen, as values with their labels."""

    def labelled(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        return sorted(dict(pairs).items(), key=lambda one: (_natural(one[1]), one[0]))

    states = {state for card in cards for state in card["states"]}
    return {
        "student": labelled((card["student_key"], card["hand_in"].label) for card in cards),
        "concept": labelled((card["concept_key"], card["pair"].concept) for card in cards),
        "style": labelled(
            (key, label)
            for card in cards
            for key, label in zip(card["style_keys"], card["styles"] or (t["no_style"],), strict=True)
        ),
        "model": labelled((card["pair"].model, card["pair"].model) for card in cards),
        "verdict": labelled((card["verdict"], card["verdict"]) for card in cards),
        "state": [(key, name) for key, name in t["filter"]["states"].items() if key in states],
    }


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A key by which "Student 10" comes behind "Student 9"."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for letter in f"{text.casefold()}\0":
        if letter.isascii() and letter.isdigit():
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, letter))
    return parts


def _rows(room: Class, t: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The table of what was handed in."""
    found = found_twice(room)
    for at, hand_in in enumerate(room.hand_ins):
        why = fault_texts(hand_in, room.language)
        why += [t["hand_ins"]["failed"].format(concept=one.name, why=one.why[room.language]) for one in hand_in.failed]
        why += [note[room.language] for note in hand_in.notes]
        why += twice_texts(found, room, at)
        yield {
            "student": hand_in.label,
            "file": hand_in.file,
            "pairs": len(hand_in.pairs),
            "verified": t["hand_ins"]["yes" if hand_in.verified else "no"],
            "state": "good" if hand_in.verified else "bad",
            "why": why,
        }
    for one in room.refused:
        row = {"student": "–", "file": one.file, "pairs": 0, "verified": t["hand_ins"]["refused"], "state": "bad"}
        yield row | {"why": [one.why[room.language]]}


def _results(room: Class, t: dict[str, Any]) -> tuple[str, list[str], list[dict[str, Any]], list[dict[str, str]]]:
    """What the class says: the sentence over all, how to read it, a bar for each judge, and what else there is."""
    said, found = t["result"], pooled(room)
    judged = [(name, choices) for name, choices in (("people", found.people), ("clip", found.clip)) if choices]
    if not judged:
        return "", [], [], [{"text": said["nobody"], "tone": "plain"}]
    lead = ""
    if found.people is not None:
        win = found.people.win
        lead = said["lead"].format(win=_percent(win.share, said), interval=_interval(win, said))
    texts: list[dict[str, str]] = []

    def say(text: str, tone: str = "plain") -> None:
        texts.append({"text": text, "tone": tone})

    if any(choices.win.interval is None for _, choices in judged):
        say(said["too_few"], "warning")
    if found.people is None:
        say(said["no_votes"])
    elif found.agreement is None:
        say(said["no_agreement"])
    else:
        same = found.agreement.same
        say(
            said["agreement"].format(
                pairs=found.agreement.pairs, same=_percent(same.share, said), interval=_interval(same, said)
            )
        )
    if found.unjudged:
        say(said["unjudged"].format(number=found.unjudged))
    if found.sides is not None:
        share = Part(found.sides.left / found.sides.chosen, found.sides.interval)
        say(
            said["sides"].format(
                share=_percent(share.share, said), chosen=found.sides.chosen, interval=_interval(share, said)
            )
        )
        if found.sides.biased:
            say(said["biased"], "warning")
    about = [said["about"], *([said["about_clip"]] if found.clip else [])]
    return lead, about, [_judge(name, choices, room, said) for name, choices in judged], texts


def _judge(name: str, choices: Choices, room: Class, said: dict[str, Any]) -> dict[str, Any]:
    """The bar of one judge."""
    of = [said["of"].format(pairs=choices.pairs, students=choices.students, concepts=choices.concepts)]
    if name == "people":
        voters = len(room.votes)
        key = "one_ballot" if voters == 1 else "ballots"
        of.append(said[key].format(voters=voters, answers=choices.judgements))
    parts, x = [], 0.0
    for part in ("win", "tie", "loss"):
        found: Part = getattr(choices, part)
        text = _percent(found.share, said)
        if found.interval is not None:
            ends = {"low": _percent(found.interval.low, said), "high": _percent(found.interval.high, said)}
            text = said["range"].format(share=text, **ends)
        width = _WIDTH * found.share
        parts.append({"name": part, "label": said[part], "x": f"{x:.1f}", "width": f"{width:.1f}", "text": text})
        x += width
    shares = {part: _percent(getattr(choices, part).share, said) for part in ("win", "tie", "loss")}
    alt = said["bar"].format(judge=said[name], **shares)
    return {"name": said[name], "of": " · ".join(of), "alt": alt, "parts": parts}


def _interval(part: Part, said: dict[str, Any]) -> str:
    if part.interval is None:
        return ""
    return str(said["interval"].format(low=_percent(part.interval.low, said), high=_percent(part.interval.high, said)))


def _percent(share: float, said: dict[str, Any]) -> str:
    return str(said["percent"].format(number=f"{100 * share:.0f}"))
