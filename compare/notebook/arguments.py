"""Arguments of what people call: looked at before anything is done, and what can be given for each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from operator import index
from typing import Any, ParamSpec, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from compare.request import RequestError
from ideation import Clause, nearest

P = ParamSpec("P")
R = TypeVar("R")


class ArgumentError(RequestError, TypeError):
    """An argument that is not there, or a value that cannot be one."""


#: What can be given for an argument, by its name.
WHAT: Mapping[str, Clause] = {
    "concept": Clause("a text in any language, such as 'a dog riding a bicycle'; left out, one is drawn"),
    "drawn": Clause("the place of a drawn concept, such as '12@7'"),
    "seed": Clause("a whole number from 0 up, such as 7"),
    "images": Clause("how many seeds, a whole number from 1 up"),
    "model": Clause("the name of a model, its folder, or a hub id; None is seedling"),
    "scheduler": Clause("the name of a scheduler, such as 'Euler'"),
    "steps": Clause("a whole number from 1 to 1000, such as 20"),
    "guidance": Clause("a number, such as 7.5"),
    "size": Clause("width and height in pixels, such as '512x512', or 'native'"),
    "aspect": Clause("a ratio, such as '16:9'"),
    "preset": Clause("the name of a preset, such as 'default'"),
    "performance": Clause("'quality', 'speed' or 'extreme speed'"),
    "like": Clause("the path of a picture whose settings are taken"),
    "style": Clause("a name or a list of names, such as 'watercolor'; 'none' for none"),
    "enhance": Clause("True or False: words of praise behind the expanded prompt"),
    "simple": Clause("the simple prompt, as it is to be taken"),
    "expanded": Clause("the expanded prompt, as it is to be taken"),
    "negative": Clause("the negative prompt, as it is to be taken"),
    "expander": Clause("'auto', 'offline', 'gemini', 'openai' or 'local'"),
    "llm_model": Clause("the name of a language model that the expander has"),
    "template": Clause("the name of a template, such as 'concise', or a file"),
    "tokens": Clause("'fit', 'chunk' or 'truncate', for a prompt that is too long"),
    "no_cache": Clause("True or False: ask a language model even what it has answered"),
    "cache": Clause("True or False: keep what a language model answers"),
    "clip_skip": Clause("how many last layers of the text encoder to leave out, a whole number"),
    "lora": Clause("NAME:WEIGHT or a list of them, such as 'watercolor:0.7'"),
    "vae": Clause("the name of another VAE, its folder, or a hub id"),
    "fast": Clause("True or False: half precision where the processor has it"),
    "compiled": Clause("True or False: compile the U-Net first"),
    "max_sequence_length": Clause("how many tokens a transformer reads, a whole number"),
    "memory": Clause("gigabytes, such as '8GB', or a mode, such as 'group-offload'"),
    "batch": Clause("how many seeds share a batch, a whole number"),
    "attention_backend": Clause("what computes a transformer's attention, such as 'sage' or 'flash'"),
    "allow_pickle": Clause("True or False: open .ckpt and .pt files, tensors only"),
    "noise_floor": Clause("True or False: render each simple prompt once more, to measure noise"),
    "device": Clause("'auto', 'cpu', 'cuda' or 'mps'"),
    "dtype": Clause("'auto', 'float32', 'float16' or 'bfloat16'"),
    "instruments": Clause("a name or a list of names, such as 'ladder'"),
    "set_options": Clause("INSTRUMENT.OPTION=VALUE or a list of them, such as 'sweep.steps=5,10'"),
    "clip": Clause("who scores: 'auto', 'none', 'seedling', a folder or a hub id"),
    "language": Clause("'en' or 'zh-TW'"),
    "run": Clause("the name of a run, its folder, or 'last' for the newest"),
    "runs": Clause("the folder that runs are kept in; for a bundle, a list of runs, such as [run]"),
    "written_for": Clause("a model or a family of models, such as 'flux'"),
    "to": Clause("a file that ends in .html, .pdf or .zip"),
    "observations": Clause("what you see, as a text; for homework, a list of texts, one for each concept"),
    "arm": Clause("'simple' or 'expanded'"),
    "n": Clause("a whole number from 1 up"),
    "start": Clause("a whole number from 0 up"),
    "topic": Clause("a few words, such as 'cat'"),
    "action": Clause("a few words, such as 'riding a bicycle'"),
    "exclude": Clause("a list of words, such as ['cat', 'dog']"),
    "pattern": Clause("a text with choices in braces"),
    "concepts": Clause("a list of texts, or the path of a table; a study also takes how many to draw"),
    "student": Clause("your name, as a text"),
    "student_id": Clause("your student number, as a text"),
    "bundle": Clause("the path of the .zip file to hand in"),
    "pdf": Clause("True or False: with the report as PDF"),
    "folder": Clause("the folder of a study"),
    "seeds": Clause("how many seeds for each concept, a whole number from 1 up"),
}


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose callers are told in an `ArgumentError` of an argument that it has not, of one that it lacks,
    and of a value that is of no use for it."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = bound_to(function, signature, args, kwargs)
        for name, kind in _kinds(function).items():
            parameter = signature.parameters.get(name)
            if parameter is None or name not in bound.arguments or parameter.kind is parameter.VAR_KEYWORD:
                continue
            given = bound.arguments[name]
            for value in given if parameter.kind is parameter.VAR_POSITIONAL else (given,):
                if not _fits(kind, value):
                    raise refused("instruments" if name == "instruments" else name, value)
        return function(*bound.args, **bound.kwargs)

    return call


def bound_to(
    function: Callable[..., Any], signature: inspect.Signature, args: Iterable[Any], kwargs: Mapping[str, Any]
) -> inspect.BoundArguments:
    """The arguments by the names that they have there. Raises `ArgumentError`."""
    name = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]
    parameters = {one: how for one, how in signature.parameters.items() if one != "self"}
    by_name = [one for one, how in parameters.items() if how.kind in (how.KEYWORD_ONLY, how.POSITIONAL_OR_KEYWORD)]
    if not any(how.kind is how.VAR_KEYWORD for how in parameters.values()):
        for one in kwargs:
            if one not in by_name:
                raise ArgumentError(
                    "{function}() has no argument {name!r}",
                    hint="{nearest}",
                    function=name,
                    name=one,
                    nearest=nearest(one, by_name),
                )
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        places = [how for how in signature.parameters.values() if how.kind is how.POSITIONAL_OR_KEYWORD]
        given = list(args)
        if len(given) > len(places):
            value = given[len(places)]
            fitting = [one for one in ("seed", "images", "steps", *by_name) if one in by_name and _is_for(one, value)]
            raise ArgumentError(
                "{function}() was given {value} without the name of an argument",
                hint="write the name before it, as in {name}={value}",
                function=name,
                value=_shown(value),
                name=(fitting or by_name or ["name"])[0],
            ) from error
        twice = [how.name for how in places[: len(given)] if how.name in kwargs]
        if twice:
            raise ArgumentError(
                "{function}() was given {name} twice", hint="give it once", function=name, name=twice[0]
            ) from error
        lacking = next(how.name for how in places[len(given) :] if how.default is how.empty and how.name not in kwargs)
        raise ArgumentError(
            "{function}() was given no {name}", hint="give {what}", function=name, name=lacking, what=what_is(lacking)
        ) from error


def refused(name: str, value: Any) -> ArgumentError:
    """The error of a value that the argument of that name cannot have."""
    return ArgumentError("{name} is {given}", hint="give {what}", name=name, given=_shown(value), what=what_is(name))


def what_is(name: str) -> Clause:
    """What can be given for the argument of that name.

    >>> what_is("language")
    "'en' or 'zh-TW'"
    """
    return WHAT.get(name, Clause("what its help says"))


def told_of(names: Iterable[str]) -> str:
    """The arguments of these names, a line each, for a docstring."""
    return "\n".join(f"    {name}: {WHAT[name]}" for name in names)


def _shown(value: Any) -> str:
    return repr(value)[:60]


def _is_for(name: str, value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole == (
        name in ("seed", "images", "steps", "clip_skip", "max_sequence_length", "batch", "start", "n", "seeds")
    )


def _fits(kind: TypeAdapter[Any], value: Any) -> bool:
    if hasattr(value, "__index__") and not isinstance(value, bool):  # numpy's numbers are numbers
        value = index(value)
    try:
        kind.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@cache
def _kinds(function: Callable[..., Any]) -> dict[str, TypeAdapter[Any]]:
    """What each argument may be, as its annotation says."""
    config = ConfigDict(arbitrary_types_allowed=True)
    hints = get_type_hints(function)
    return {
        name: TypeAdapter(hint, config=config)
        for name, hint in hints.items()
        if name != "return" and not inspect.isfunction(hint)
    }
