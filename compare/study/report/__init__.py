"""The report of a study."""

from compare.study.report.page import Pictures, study_html, study_sections
from compare.study.report.wording import p_text, study_sentences

__all__ = ["Pictures", "p_text", "study_html", "study_sections", "study_sentences"]
