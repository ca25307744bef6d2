"""The crew of a study: who does its units, in this process or through Ray, and how they are gone through."""

from compare.study.crew.runner import Alone, Crew, OnProgress, StudyProgress, carry_out
from compare.study.crew.worker import SessionWorker, Worker, complaint_of, done_before

__all__ = [
    "Alone",
    "Crew",
    "OnProgress",
    "SessionWorker",
    "StudyProgress",
    "Worker",
    "carry_out",
    "complaint_of",
    "done_before",
]
