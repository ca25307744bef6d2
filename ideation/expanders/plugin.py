"""Plugins: expanders of other distributions, found through the entry point group `twinseed.expanders`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from ideation.errors import TwinseedError
from ideation.expanders.errors import ExpanderError, shortened
from ideation.expanders.protocol import DraftedPrompts, DraftRequest, Expander

GROUP = "twinseed.expanders"

_SECRET = re.compile(r"key|token|secret|password", re.IGNORECASE)


class BrokenPlugin(ExpanderError):
    """A plugin that cannot be loaded, or does something else than an expander does."""


def find_plugins() -> dict[str, EntryPoint]:
    """The entry points by name, sorted; nothing is loaded. Of two with one name the first installed counts."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, point)
    return dict(sorted(found.items()))


def distribution_of(point: EntryPoint) -> str:
    """Name and version of the distribution that brings a plugin."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.module


class PluginExpander:
    """A plugin's expander. Whatever it lets out that is not a `TwinseedError` becomes `BrokenPlugin`."""

    def __init__(self, point: EntryPoint, llm_model: str | None, environ: Mapping[str, str]) -> None:
        self._point = point
        self._secrets = [value for name, value in environ.items() if _SECRET.search(name) and len(value) > 3]
        try:
            self._expander: Expander = point.load()(llm_model, environ)
        except TwinseedError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - anything comes out of somebody else's code
            raise self._broken("cannot be loaded", error) from None
        if not callable(getattr(self._expander, "draft", None)):
            given = type(self._expander).__name__
            raise BrokenPlugin(
                "the plugin {name!r} ({distribution_of}) gives no expander but {given}",
                hint="its entry point must be a factory (llm_model, environ) -> Expander",
                name=point.name,
                distribution_of=distribution_of(point),
                given=given,
            )

    @property
    def name(self) -> str:
        return self._point.name

    @property
    def llm_model(self) -> str | None:
        return getattr(self._expander, "llm_model", None)

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        """Raises `TwinseedError`, whatever the plugin does."""
        try:
            draft = self._expander.draft(request)
        except TwinseedError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - anything comes out of somebody else's code
            raise self._broken("failed", error) from None
        if not isinstance(draft, DraftedPrompts) or not all(
            isinstance(prompt, str) and prompt.strip() for prompt in (draft.simple, draft.expanded)
        ):
            raise BrokenPlugin(
                "the plugin {name!r} ({distribution_of}) answered with no two prompts",
                hint="ask whoever wrote it",
                name=self.name,
                distribution_of=distribution_of(self._point),
            )
        return draft

    def _broken(self, what: str, error: BaseException) -> BrokenPlugin:
        """Without the cause, and without whatever secret its words may repeat."""
        said = str(error)
        for secret in self._secrets:
            said = said.replace(secret, "(key)")
        told = f"{type(error).__name__}: {shortened(said)}" if said else type(error).__name__
        return BrokenPlugin(
            "the plugin {name!r} ({distribution_of}) {what}: {told}",
            hint="update or remove that distribution, or ask whoever wrote it",
            name=self._point.name,
            distribution_of=distribution_of(self._point),
            what=what,
            told=told,
        )
