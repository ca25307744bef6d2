"""Studies: does prompt expansion help? Many concepts, seeds and arms from a plan that is written first, on this machine
or on many, and statistics that hold.

>>> [arm.name for arm in arms_of("simple,offline")]
['offline']
"""

from __future__ import annotations

from compare.study.analysis import Analysis, analyse
from compare.study.concepts import ConceptFileError, StudyConcept, read_concepts
from compare.study.crew import Alone, Crew, SessionWorker, StudyProgress, Worker
from compare.study.design import Plan, StudyError, Unit, arms_of, read_plan
from compare.study.export import SCORES
from compare.study.report import study_html, study_sentences
from compare.study.store import Outcome, RunStore
from compare.study.study import carry_out_study, conclude, outcomes_so_far, plan_study, report_file, runs_of

__all__ = [
    "SCORES",
    "Alone",
    "Analysis",
    "ConceptFileError",
    "Crew",
    "Outcome",
    "Plan",
    "RunStore",
    "SessionWorker",
    "StudyConcept",
    "StudyError",
    "StudyProgress",
    "Unit",
    "Worker",
    "analyse",
    "arms_of",
    "carry_out_study",
    "conclude",
    "outcomes_so_far",
    "plan_study",
    "read_concepts",
    "read_plan",
    "report_file",
    "runs_of",
    "study_html",
    "study_sentences",
]
