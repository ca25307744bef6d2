"""The loader for YAML of strangers: plain values only, and nothing that takes for ever to read."""

from __future__ import annotations

from typing import Any

import yaml

#: So many brackets may stand inside each other. PyYAML looks at all that are open for every sign that it reads.
MOST_BRACKETS = 50


class ShallowLoader(yaml.SafeLoader):
    """PyYAML's safe loader, for brackets that are not nested without end. Raises `yaml.YAMLError`.

    >>> yaml.compose("[" * 60, Loader=ShallowLoader)
    Traceback (most recent call last):
        ...
    yaml.scanner.ScannerError: brackets are nested too deeply
      in "<unicode string>", line 1, column 51:
    ...
    """

    def fetch_flow_collection_start(self, token: Any) -> None:
        if self.flow_level >= MOST_BRACKETS:
            raise yaml.scanner.ScannerError(None, None, "brackets are nested too deeply", self.get_mark())
        super().fetch_flow_collection_start(token)
