"""Studies as a notebook calls them: with arguments that are looked at first."""

from __future__ import annotations

from compare.notebook.arguments import checked
from compare.study import StudyResult, run_study
from compare.study import open_study as opened_study

__all__ = ["StudyResult", "open_study", "study"]

study = checked(run_study)
open_study = checked(opened_study)
