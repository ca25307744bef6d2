"""ComfyUI's graph: nodes and links, and what can be known of a text or a value without running them.

A node is `{"class_type": ..., "inputs": {...}}`; an input is a value or a link `[node, output]`. Graphs come from
strangers, with nodes of hundreds of extensions: what is not certainly known is not known, and named. Walks see each
node once, so that circles end and branches do not multiply.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import Field, JsonValue

from generate.files.foreign.settings import ForeignModel, folded, says_nothing

_MOST_CHARACTERS = 2**17
_DEEPEST = 60

# What nodes do, by their folded names.
_PUTS_TOGETHER = re.compile(r"concat|join|combine|merge|append")
_CHOOSES = re.compile(r"switch|select|branch|ifelse|ternary")
_SHOWS = re.compile(r"(show|display|preview|view)(text|any|string)|textdisplay|textpreview")
#: Made, or changed in a way that is not done here, while the graph runs: by a language model, by chance, by arithmetic.
_WHILE_RUNNING = re.compile(
    r"llm|ollama|gpt|openai|chat|gemini|claude|anthropic|deepseek|mistral|groq|lmstudio|florence|joycaption|joytag|llava|qwenvl"
    r"|vlm|minicpm|captioner|interrogat|blip|tagger|tipo|superprompt|promptgen|textgen|enhance|translat|generate"
    r"|random|math|expression|calc|operation|arithm|evaluat|multipl|divide|subtract|python|script"
    r"|replace|regex|substring|split|truncate|trim|case|find|format|loadtext|readtext|fromfile|linefrom|textlines|cycler"
)
_BY_CHANCE = re.compile(r"wildcard|randomprompt|dynamicprompt|dprandom|dpcombin|dpmagic|randomgenerator")
_WILDCARDS = re.compile(r"__[^\s_].*?__|\{[^{}|]*\|[^{}]*\}|<random:|<wildcard:")
#: What only a node that asks a language model has.
_OF_LLM = {
    *(
        "temperature",
        "maxtokens",
        "maxnewtokens",
        "topp",
        "topk",
        "systemprompt",
        "systemmessage",
        "apikey",
        "llmmodel",
    ),
    *("modelname", "endpoint", "baseurl", "url", "question", "query", "instruction", "instructions", "keepalive"),
}
_TEXT = (
    *("text", "string", "prompt", "value", "str", "txt", "content", "userprompt", "positiveprompt", "textpositive"),
    *("positive", "inputtext", "textinput", "multilinetext", "stringvalue", "wildcardtext", "inputstring"),
)
_VALUE = ("value", "int", "float", "number", "string", "text", "seed", "integer")
_BOTH_SIDES = {
    "positive": ("positive", "textpositive", "positiveprompt", "promptpositive", "positivetext"),
    "negative": ("negative", "textnegative", "negativeprompt", "promptnegative", "negativetext"),
}
_CHOICE = (
    *("select", "index", "input", "choice", "selected", "boolean", "switch", "condition", "cond", "which", "bool"),
    *("selection", "selectinput", "inputindex", "activeinput", "value", "selectedindex"),
)
_ON, _OFF = (
    ("ontrue", "ttvalue", "true", "iftrue", "optionon", "whentrue"),
    ("onfalse", "ffvalue", "false", "iffalse", "optionoff", "whenfalse"),
)
_NO_STYLE = {"base", "no style", "nostyle", "default"}
_BETWEEN = ("delimiter", "separator", "sep", "joiner")

Link = tuple[str, int]


class Node(ForeignModel):
    class_type: str
    inputs: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def kind(self) -> str:
        return folded(self.class_type)

    def literal(self, names: Collection[str]) -> JsonValue:
        """The first value, not a link, under one of the folded `names`, in their order."""
        by_name = {folded(key): value for key, value in self.inputs.items() if not isinstance(value, list)}
        return next((by_name[name] for name in names if by_name.get(name) is not None), None)


@dataclass(frozen=True)
class Graph:
    """`used` gathers the nodes that told something, `unknown` the kinds of nodes that would have to be run, `styles`
    those that are known by name alone, and `shown` the kinds of nodes whose text is what they showed."""

    nodes: Mapping[str, Node]
    used: set[str] = field(default_factory=set)
    unknown: dict[str, None] = field(default_factory=dict)
    styles: dict[str, None] = field(default_factory=dict)
    shown: dict[str, None] = field(default_factory=dict)
    _texts: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def link(self, entry: JsonValue) -> str | None:
        """The node that the entry of an input leads to; None for a value, and for a link out of the graph."""
        match entry:
            case [str() | int() as name, int()] if str(name) in self.nodes:
                return str(name)
        return None

    def links(self, name: str) -> list[tuple[str, str]]:
        """The inputs of a node that are links, with the nodes that they lead to."""
        found = ((key, self.link(entry)) for key, entry in self.nodes[name].inputs.items())
        return [(key, link) for key, link in found if link is not None]

    def walk(self, start: str | None, along: Collection[str] | None = None) -> Iterator[str]:
        """The nodes from `start` upwards, nearest first, along inputs of those folded names, or along all."""
        waiting = deque([] if start is None else [start])
        seen = set(waiting)
        while waiting:
            name = waiting.popleft()
            yield name
            for key, link in self.links(name):
                if link not in seen and (along is None or folded(key) in along):
                    seen.add(link)
                    waiting.append(link)

    def entry(self, start: str | None, names: Collection[str], along: Collection[str] | None = None) -> JsonValue:
        """The nearest entry under one of the folded `names`, be it a value or a link."""
        for name in self.walk(start, along):
            by_name = {folded(key): entry for key, entry in self.nodes[name].inputs.items()}
            for key in names:
                if by_name.get(key) is not None:
                    self.used.add(name)
                    return by_name[key]
        return None

    def value(self, entry: JsonValue, names: tuple[str, ...], fits: Callable[[JsonValue], bool]) -> JsonValue:
        """The value of an entry that may be a link: through nodes that pass it on, or choose between several.

        None where it would have to be computed; the kinds of nodes are in `unknown` then.
        """
        for _ in range(_DEEPEST):
            link = self.link(entry)
            if link is None:
                return entry
            node, leading = self.nodes[link], self.links(link)
            if _WHILE_RUNNING.search(node.kind):
                break
            chosen = self._choice(link)
            found = [value for value in node.inputs.values() if not isinstance(value, list) and fits(value)]
            if chosen is not None:
                entry = chosen
            elif fits(named := node.literal(names)):
                self.used.add(link)
                return named
            elif same := [key for key in node.inputs if folded(key) in names and self.link(node.inputs[key])]:
                entry = node.inputs[same[0]]
            elif not leading and len(found) == 1 and (len(node.inputs) == 1 or fits(node.literal(_VALUE))):
                self.used.add(link)
                return found[0]
            elif len(leading) == 1 and not found:
                entry = node.inputs[leading[0][0]]
            else:
                break
            self.used.add(link)
        link = self.link(entry)
        if link is not None:
            self.unknown[self.nodes[link].class_type] = None
        return None

    def text(self, entry: JsonValue, side: str, depth: int = 0) -> str | None:
        """The text of an entry; `side`, of "positive" and "negative", is asked for where a node has both.

        None where no text is there, or it comes about only while the graph runs: `unknown` has the nodes then.
        """
        if isinstance(entry, str):
            return entry
        link = self.link(entry)
        if link is None:
            return None
        if (link, side) not in self._texts:
            self._texts[link, side] = None  # what leads back to itself has no text
            text = None if depth > _DEEPEST else self._text_of(link, side, depth + 1)
            self._texts[link, side] = None if text is not None and len(text) > _MOST_CHARACTERS else text
            if self._texts[link, side] is not None:
                self.used.add(link)
        return self._texts[link, side]

    def _text_of(self, name: str, side: str, depth: int) -> str | None:
        node = self.nodes[name]
        inputs, kind, leading = node.inputs, node.kind, self.links(name)
        names = {folded(key) for key in inputs}
        if _SHOWS.search(kind):
            shown = [
                value for key, value in inputs.items() if re.fullmatch(r"text_?[0-9]+", key) and isinstance(value, str)
            ]
            fed = self.text(inputs[leading[0][0]], side, depth) if leading else _words(node.literal(_TEXT))
            if fed is None and len(shown) == 1:
                self.shown[node.class_type] = None
                return shown[0]
            return fed
        populated = node.literal(("populatedtext",))
        if isinstance(populated, str) and populated.strip():
            return populated
        if _BY_CHANCE.search(kind):
            key = next((key for key in inputs if folded(key) in ("wildcardtext", *_TEXT)), None)
            text = None if key is None else self.text(inputs[key], side, depth)
            if text is None or _WILDCARDS.search(text):
                return self._not_known(node)
            return text
        if _PUTS_TOGETHER.search(kind):
            return self._together(node, side, depth)
        chosen = self._choice(name)
        if chosen is not None:
            return self.text(chosen, side, depth)
        if _CHOOSES.search(kind):
            return self._not_known(node)
        is_encoder = "textencode" in kind or "clip" in names
        if not is_encoder and (_WHILE_RUNNING.search(kind) or names & _OF_LLM):
            return self._not_known(node)
        of_side = [key for key in inputs if folded(key) in _BOTH_SIDES[side]]
        other = "negative" if side == "positive" else "positive"
        has_both = any(folded(key) in _BOTH_SIDES[other] for key in inputs)
        if of_side and has_both:
            style = node.literal(("style", "styles", "template"))
            if isinstance(style, str) and style.casefold() not in _NO_STYLE and not says_nothing(style):
                self.styles[style] = None
            return self.text(inputs[of_side[0]], side, depth)
        said = [key for wanted in (*_TEXT, *_BOTH_SIDES[side]) for key in inputs if folded(key) == wanted]
        said = [key for key in said if isinstance(inputs[key], str) or self.link(inputs[key])]
        if said and (
            is_encoder or len(inputs) == 1 or re.search(r"text|string|prompt|primitive|positive|negative|note", kind)
        ):
            texts = [self.text(inputs[key], side, depth) for key in said]
            return texts[0] if len({*texts} - {""}) <= 1 or is_encoder else self._not_known(node)
        if len(leading) == 1 and not is_encoder and not any(isinstance(value, str) for value in inputs.values()):
            return self.text(inputs[leading[0][0]], side, depth)
        return self._not_known(node)

    def _together(self, node: Node, side: str, depth: int) -> str | None:
        """The parts of a text in their order, with what stands between them."""
        parts = sorted(
            (
                key
                for key in node.inputs
                if re.fullmatch(r"(text|string|str|prompt|input|part)[ _]?([a-z]|[0-9]{1,3})", key.casefold())
            ),
            key=lambda key: (len(key), key.casefold()),
        )
        between = node.literal(_BETWEEN)
        known = not any(folded(key) in ("action", "mode", "operation") for key in node.inputs)
        if not parts or not known or not isinstance(between or "", str):
            return self._not_known(node)
        texts = []
        for key in parts:
            entry = node.inputs[key]
            if entry is None or entry == "":
                continue
            text = self.text(entry, side, depth)
            if text is None:
                return self._not_known(node)
            texts.append(text)
        joiner = str(between or "").replace("\\n", "\n")
        return None if sum(map(len, texts)) > _MOST_CHARACTERS else joiner.join(texts)

    def _choice(self, name: str) -> JsonValue:
        """The entry that a node chooses among several, or None where it chooses nothing, or nobody knows what."""
        node = self.nodes[name]
        if not _CHOOSES.search(node.kind):
            return None
        by_name = {folded(key): entry for key, entry in node.inputs.items()}
        numbered = {key: re.fullmatch(r"[a-z]+?([0-9]{1,3})", key) for key in by_name}
        if "any" in node.kind and not by_name.keys() & {*_CHOICE}:  # the first that is there
            there = sorted((key for key, found in numbered.items() if found and self.link(by_name[key])), key=str)
            return by_name[there[0]] if there else None
        selector = next((by_name[key] for key in _CHOICE if key in by_name), None)
        chosen = self.value(selector, _CHOICE, lambda value: isinstance(value, bool | int))
        if isinstance(chosen, str) and chosen.strip().isdigit():
            chosen = int(chosen)
        if isinstance(chosen, bool):
            return next((by_name[key] for key in (_ON if chosen else _OFF) if key in by_name), None)
        if isinstance(chosen, int):
            return next((by_name[key] for key, found in numbered.items() if found and int(found[1]) == chosen), None)
        return None

    def conditionings(self, start: str | None, side: str) -> tuple[list[tuple[str, ...]], bool]:
        """The prompts that lead to a sampler, in order, each as the texts of its text encoders; and whether all of
        them are known."""
        waiting = [] if start is None else [start]
        seen = set(waiting)
        found: list[tuple[str, ...]] = []
        complete = True
        while waiting:
            name = waiting.pop()
            node = self.nodes[name]
            if node.kind == "conditioningzeroout":
                self.used.add(name)
                found.append(("",))
                continue
            chosen = self._choice(name)
            further = [self.link(chosen)] if self.link(chosen) else self._towards_prompts(name, side)
            if _CHOOSES.search(node.kind) and chosen is None and len(self.links(name)) > 1:
                self._not_known(node)
                complete = False
                continue
            if further:
                if node.kind in _PASSED_ON or chosen is not None or _PUTS_TOGETHER.search(node.kind):
                    self.used.add(name)
                waiting += [link for link in reversed(further) if link is not None and link not in seen]
                seen.update(link for link in further if link is not None)
                continue
            texts = self._encoded(name, side)
            complete = complete and texts is not None
            found += [] if texts is None else [texts]
        return found, complete

    def _towards_prompts(self, name: str, side: str) -> list[str]:
        node = self.nodes[name]
        leading = self.links(name)
        if "textencode" in node.kind:
            return []
        further = [
            link
            for key, link in leading
            if folded(key).startswith(("conditioning", "cond")) or folded(key) == side or folded(key) in _PIPES
        ]
        if not further and len(leading) == 1 and not any(isinstance(value, str) for value in node.inputs.values()):
            return [leading[0][1]] if not any(folded(key) in _TEXT for key in node.inputs) else []
        return further

    def _encoded(self, name: str, side: str) -> tuple[str, ...] | None:
        """The texts of a node that encodes some, the one that says most first: several where each text encoder has its
        own."""
        inputs = self.nodes[name].inputs
        by_name = {folded(key): entry for key, entry in inputs.items()}
        each = [
            by_name[key] for key in ("textg", "t5xxl", "mt5xl", "clipg", "bert", "clipl", "textl") if key in by_name
        ]
        if not each:
            text = self.text([name, 0], side)
            return None if text is None else (text,)
        texts = [self.text(entry, side) for entry in each]
        self.used.add(name)
        known = [text for text in texts if text is not None]
        return tuple(dict.fromkeys(text for text in known if text)) or ("",) if len(known) == len(texts) else None

    def _not_known(self, node: Node) -> str | None:
        self.unknown[node.class_type] = None
        return None


_PIPES = ("pipe", "basicpipe", "basectx", "ctx01", "context", "sdxlpipe", "sdxltuple", "guider")
#: Which nodes between prompt and sampler have no say in either.
_PASSED_ON = ("reroute", "basicguider", "cfgguider", "conditioningaverage")


def _words(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and not says_nothing(value) else None


def is_text(value: object) -> bool:
    return isinstance(value, str)
