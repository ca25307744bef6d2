"""The notebook: what `import twinseed` gives to whoever writes Python, in a cell or in a script.

>>> ideas(2, seed=7)
['a dragon walking a tightrope, Claude Monet style', 'a polar bear waiting to see the dentist, Edward Hopper style']
"""

from __future__ import annotations

from compare.notebook.bundle import bundle
from compare.notebook.idea import Idea, ideas
from compare.notebook.run import NotebookRun, ReportFile
from compare.notebook.session import Session
from compare.notebook.usual import expand, open_run, pair

__all__ = ["Idea", "NotebookRun", "ReportFile", "Session", "bundle", "expand", "ideas", "open_run", "pair"]
