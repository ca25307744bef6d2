"""Every error can be said in every language, and on a page without advice for a shell."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from string import Formatter

import pytest

from generate.schedulers import find_scheduler
from generate.settings import RenderSettings
from ideation import PatternPlan, TwinseedError, Wildcards, choose_expander
from templates import own_yaml

_ROOT = Path(__file__).parents[2]
_ROOMS = ("ideation", "generate", "compare")
#: Where errors are made, and what makes them: whatever takes a hint, and clauses.
_FILES = tuple(file for room in _ROOMS for file in sorted((_ROOT / room).rglob("*.py")) if "training" not in file.parts)
#: Letters outside the braces: something to translate.
_WORDS = re.compile(r"[A-Za-z]{2,}")
_SHELL = re.compile(r"(?<![\w-])--[a-z{]|\btwinseed [a-z]|TWINSEED_|`")
#: What only whoever runs the server can set: there is no widget for it.
_OF_THE_SERVER = {
    "TWINSEED_CACHE",
    "TWINSEED_CLIP",
    "TWINSEED_LLM_DEADLINE",
    "TWINSEED_MODELS",
    "TWINSEED_RUNS",
    "TWINSEED_{upper}",
}


def _of_files(*languages: str) -> dict[str, dict[str, str]]:
    folder = _ROOT / "templates" / "locale"
    return {language: own_yaml(folder / f"errors.{language}.yaml") for language in languages}


_WORDINGS = _of_files("en", "zh-TW", "notebook")
#: What a page has, and a cell of a notebook has not.
_OF_A_PAGE = re.compile(r"this page|the settings|the field|its field|the gallery|the list of")


@lru_cache(maxsize=1)
def _error_names() -> frozenset[str]:
    """The names of all classes of errors, in whatever order they build on each other."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    names = {"TwinseedError"}
    while more := {name for name, of in bases.items() if of & names} - names:
        names |= more
    return frozenset(names)


@lru_cache(maxsize=1)
def _trees() -> tuple[tuple[Path, ast.Module], ...]:
    return tuple((file.relative_to(_ROOT), ast.parse(file.read_text(encoding="utf-8"))) for file in _FILES)


def _said(call: ast.Call) -> list[ast.expr]:
    """The expressions of message and hint in a call that makes an error or a clause; of any other call, nothing."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    hints = [keyword.value for keyword in call.keywords if keyword.arg == "hint"]
    return [*call.args[-1:], *hints] if hints or name == "Clause" or name in _error_names() else []


def _calls() -> Iterator[tuple[str, ast.Module, ast.Call]]:
    for file, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _said(node):
                yield f"{file}:{node.lineno}", tree, node


def _literals(expression: ast.expr, tree: ast.Module | None) -> Iterator[str]:
    """The texts that an expression can come to, as far as they stand there: in `if` and `or`, and in what is given to a
    name anywhere in the file."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value
    elif isinstance(expression, ast.IfExp):
        yield from (*_literals(expression.body, tree), *_literals(expression.orelse, tree))
    elif isinstance(expression, ast.BoolOp):
        for value in expression.values:
            yield from _literals(value, tree)
    elif isinstance(expression, ast.Name) and tree is not None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == expression.id for target in node.targets
            ):
                yield from _literals(node.value, None)


@lru_cache(maxsize=1)
def _constants() -> frozenset[str]:
    """All texts in the code: values, such as the names of sides, are said in other languages as well."""
    return frozenset(
        node.value
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


@lru_cache(maxsize=1)
def _sentences() -> dict[str, str]:
    """Each English text of an error that has words in it, and where it stands."""
    found: dict[str, str] = {}
    for place, tree, call in _calls():
        for expression in (*_said(call), *(keyword.value for keyword in call.keywords)):
            for text in _literals(expression, tree):
                found.setdefault(text, place)
    for file, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in _error_names():
                for line in node.body:
                    target = line.targets[0] if isinstance(line, ast.Assign) else None
                    if isinstance(target, ast.Name) and target.id == "also" and isinstance(line, ast.Assign):
                        found.update(dict.fromkeys(_literals(line.value, tree), f"{file}:{line.lineno}"))
    return {text: place for text, place in found.items() if " " in text and _WORDS.search(_outside(text))}


def _outside(text: str) -> str:
    return re.sub(r"\{\w+(![rs])?(:[^{}]*)?\}", "", text)


def _names(text: str) -> set[str]:
    """The names in braces, each with its format; of a text with braces of its own, which is not filled in, what looks
    like names."""
    try:
        return {f"{name}:{how}" for _, name, how, _ in Formatter().parse(text) if name}
    except ValueError:
        return set(re.findall(r"\{(\w+)\}", text))


def test_no_error_is_put_together_of_pieces() -> None:
    # What an f-string made cannot be looked up. One without words of its own, such as "line:column", may be a value.
    faults = [f"{place}: {ast.unparse(piece)}" for place, _, call in _calls() for piece in _pieces(call)]
    assert not faults, "\n".join(faults)


def _pieces(call: ast.Call) -> Iterator[ast.AST]:
    for expression in _said(call):
        yield from (node for node in _own(expression) if isinstance(node, ast.JoinedStr | ast.BinOp))
    for keyword in call.keywords:
        for node in _own(keyword.value):
            constants = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.Constant)]
            if isinstance(node, ast.JoinedStr) and any(_WORDS.search(str(one.value)) for one in constants):
                yield node


def _own(expression: ast.expr) -> Iterator[ast.AST]:
    """The nodes of an expression without those inside another call, which is looked at by itself."""
    yield expression
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.expr) and not isinstance(child, ast.Call):
            yield from _own(child)


def test_every_error_has_chinese_words() -> None:
    missing = [f"{place}: {text}" for text, place in _sentences().items() if text not in _WORDINGS["zh-TW"]]
    assert not missing, "templates/locale/errors.zh-TW.yaml lacks:\n" + "\n".join(missing)


def test_advice_for_a_shell_has_other_english_words_on_the_page() -> None:
    missing = [
        f"{place}: {text}"
        for text, place in _sentences().items()
        if _advises_a_shell(text) and text not in _WORDINGS["en"]
    ]
    assert not missing, "templates/locale/errors.en.yaml lacks:\n" + "\n".join(missing)


def _advises_a_shell(text: str) -> bool:
    for name in _OF_THE_SERVER:
        text = text.replace(name, "")
    return bool(_SHELL.search(text))


def test_advice_for_a_page_has_other_words_in_a_notebook() -> None:
    missing = [
        f"{english!r}: {words!r}"
        for english, words in _WORDINGS["en"].items()
        if _OF_A_PAGE.search(_WORDINGS["notebook"].get(english, words))
    ]
    assert not missing, "templates/locale/errors.notebook.yaml lacks:\n" + "\n".join(missing)


def test_wordings_fit_their_sentences() -> None:
    faults = []
    for language, wordings in _WORDINGS.items():
        for english, words in wordings.items():
            place = f"{language}: {english!r}"
            if english not in _constants():
                faults.append(f"{place}: no error says this")
            if _names(english) != _names(words):
                faults.append(f"{place}: the names are {sorted(_names(english))} and {sorted(_names(words))}")
            if language != "notebook" and _advises_a_shell(words):
                faults.append(f"{place}: advice for a shell: {words!r}")
    assert not faults, "\n".join(faults)


def test_the_page_shows_errors_in_its_language_only() -> None:
    shown = [
        f"{file}:{node.lineno}: {ast.unparse(node)}"
        for file, tree in _trees()
        if file.parts[:2] == ("compare", "page")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("message", "hint", "advice")
    ]
    assert not shown, "\n".join(shown)


def test_an_error_is_told_in_both_languages() -> None:
    for act, english, page, chinese in (
        (
            lambda: RenderSettings(num_inference_steps=0),
            ("steps is 0", "give a whole number from 1 to 1000; 20 is a good start"),
            ("steps is 0", "give a whole number from 1 to 1000; 20 is a good start"),
            ("步數是 0", "請把步數改成 1 到 1000 的整數；20 是不錯的起點"),
        ),
        (
            lambda: RenderSettings(width=100),
            ("width is 100 pixels", "give a multiple of 8 from 8 to 4096, as in --size 512x512"),
            ("width is 100 pixels", "give a multiple of 8 from 8 to 4096, such as 512"),
            ("寬度是 100 像素", "請用 8 到 4096 之間的 8 的倍數，例如 512"),
        ),
        (
            lambda: find_scheduler("eulr"),
            ("unknown scheduler 'eulr'", "did you mean 'Euler'?"),
            ("unknown scheduler 'eulr'", "did you mean 'Euler'?"),
            ("不認得排程器「eulr」", "你是不是要找「Euler」？"),
        ),
        (
            lambda: choose_expander("offline", llm_model="x", environ={}),
            (
                "the offline expander has no model, so --llm-model x means nothing to it",
                "leave one of the two away; or work without an LLM: --expander offline",
            ),
            (
                "the offline expander has no language model, so x means nothing to it",
                "leave one of the two away; or work without an LLM: choose the offline expander",
            ),
            (
                "離線擴充器沒有語言模型，所以指定 x 對它沒有意義",
                "請拿掉其中一個；或不用語言模型：把擴充方式改成「離線」",
            ),
        ),
        (
            lambda: PatternPlan("a dog {a|b", Wildcards({})),
            (
                "the pattern, line 1, column 7: this { is not closed",
                "add a } at its end, or write \\{ for the character",
            ),
            (
                "the pattern, line 1, column 7: this { is not closed",
                "add a } at its end, or write \\{ for the character",
            ),
            ("句型 第 1 行第 7 個字：這個 { 沒有結尾", "請在結尾加上 }；要寫這個字元本身時，請寫 \\{"),
        ),
    ):
        with pytest.raises(TwinseedError) as caught:
            act()
        error = caught.value
        assert (error.message, error.hint) == english, english
        assert error.told("en") == page, english
        assert error.told("zh-TW") == chinese, english
