"""The offline expander: templates and word tables, no model and no network."""

from ideation.expanders.offline.concept_analysis import ConceptAnalysis, analyze
from ideation.expanders.offline.details import Details, built_in_details
from ideation.expanders.offline.expander import OfflineExpander

__all__ = ["ConceptAnalysis", "Details", "OfflineExpander", "analyze", "built_in_details"]
