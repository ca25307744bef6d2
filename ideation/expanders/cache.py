"""The expansion cache: drafts kept by the content of what was asked, so that nothing is asked twice."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ideation.errors import TwinseedError
from ideation.expanders.instruction import instruction_for
from ideation.expanders.protocol import DraftedPrompts, DraftRequest, Expander

#: Raised whenever an older entry would mean something else now.
FORMAT_VERSION: Final = 1

#: A draft is a few sentences: whatever is larger is none.
MAX_ENTRY_BYTES = 100_000

log = logging.getLogger(__name__)


class CacheError(TwinseedError):
    """A cache that cannot be cleared."""


class _KeptDraft(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    language: str
    simple: str
    expanded: str
    negative: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


class _Entry(BaseModel):
    """A file of the cache. `key` repeats its name, so that a file which was copied or renamed is not believed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    version: Literal[1]
    key: str
    llm_model: str | None
    draft: _KeptDraft


class ExpansionCache:
    """A folder of drafts, a JSON file each. Reading and writing never raise: at worst, an LLM is asked once more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str) -> tuple[DraftedPrompts, str | None] | None:
        """The draft under that key and the model that wrote it. What is broken counts as not there."""
        file = self.folder / f"{key}.json"
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_ENTRY_BYTES + 1)
            if len(content) > MAX_ENTRY_BYTES:
                raise ValueError("too large")
            entry = _Entry.model_validate_json(content)
            if entry.key != key:
                raise ValueError("it belongs to another request")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:  # pydantic's errors are ValueErrors; their text quotes the content
            said = "not an entry of this version" if isinstance(error, ValidationError) else str(error)
            log.warning("the cached expansion %s is passed over: %s", file, said)
            return None
        return DraftedPrompts(**entry.draft.model_dump()), entry.llm_model

    def keep(self, key: str, draft: DraftedPrompts, llm_model: str | None) -> None:
        """Writes the entry as a whole or not at all."""
        temporary = None
        try:
            kept = _KeptDraft(**asdict(draft))
            entry = _Entry(version=FORMAT_VERSION, key=key, llm_model=llm_model, draft=kept)
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=self.folder, suffix=".part", delete=False
            ) as opened:
                temporary = Path(opened.name)
                opened.write(entry.model_dump_json())
            temporary.replace(self.folder / f"{key}.json")
        except (OSError, ValueError) as error:  # a plugin's draft may hold anything
            log.warning("the expansion could not be cached in %s: %s", self.folder, error)
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    def clear(self) -> int:
        """Deletes every entry, and nothing else that may lie in the folder. Returns how many. Raises `CacheError`."""
        count = 0
        try:
            for file in self.folder.iterdir() if self.folder.is_dir() else ():
                if re.fullmatch(r"[0-9a-f]{64}\.json", file.name):
                    file.unlink()
                    count += 1
        except OSError as error:
            raise CacheError(
                "the cache in {folder} cannot be cleared: {reason}",
                hint="check who may write there, or name another folder with TWINSEED_CACHE",
                folder=self.folder,
                reason=error.strerror,
            ) from error
        return count


class CachedExpander:
    """An expander that is asked only what it has not answered yet.

    `endpoint` says where it answers (a server, a folder, a plugin's version): another place is another answer. `asked`
    counts the drafts that did not come out of the cache.
    """

    def __init__(self, expander: Expander, cache: ExpansionCache, endpoint: str) -> None:
        self._expander, self._cache, self._endpoint = expander, cache, endpoint
        # The name as configured: an expander that takes "the first model" learns only from the server which that is.
        self._configured = self._llm_model = expander.llm_model
        self.asked = 0

    @property
    def name(self) -> str:
        return self._expander.name

    @property
    def llm_model(self) -> str | None:
        return self._llm_model

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        """Raises what the expander raises; errors are not kept, nor is what no prompts can be made of."""
        key = self._key(request)
        if (found := self._cache.find(key)) and found[0].says_something:
            draft, self._llm_model = found
            return draft
        self.asked += 1
        draft = self._expander.draft(request)
        self._llm_model = self._expander.llm_model
        if not draft.says_something:
            return draft
        self._cache.keep(key, draft, self._llm_model)
        if request.complaints and request.previous is None:
            # The first answer was unusable. Next time, what mended it stands in its place and nothing is asked.
            self._cache.keep(self._key(replace(request, complaints=())), draft, self._llm_model)
        return draft

    def _key(self, request: DraftRequest) -> str:
        """SHA-256 over all that can change the answer. The instruction holds the template, concept and complaints."""
        concept = request.concept
        asked = {
            "version": FORMAT_VERSION,
            "expander": self._expander.name,
            "llm_model": self._configured,
            "endpoint": self._endpoint,
            "instruction": instruction_for(request),
            "concept": [concept.text, concept.language],
            "parts": [word and asdict(word) for word in (concept.topic, concept.action, concept.style)],
            "seed": request.seed,
            "token_limit": request.token_limit,
            "fit": request.fit,
            "vocabulary": repr(request.vocabulary),
            "previous": request.previous and asdict(request.previous),
            "complaints": request.complaints,
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """`TWINSEED_CACHE`, or the usual place for what programs can do without.

    >>> cache_folder({"TWINSEED_CACHE": "expansions"}).name
    'expansions'
    """
    if given := environ.get("TWINSEED_CACHE"):
        return Path(given).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("twinseed") / "expansions"
