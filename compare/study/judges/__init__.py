"""Judges: whoever else says how well a picture shows what was asked for, behind one small protocol.

The CLIP that looks at every run has its scores in the record. A judge looks at both pictures of a seed besides, and is
told apart by its name in every result.

>>> measures_of("google/siglip2-base-patch16-224"), measures_of("detector:google/owlv2-base-patch16-ensemble")
(('intent', 'gain'), ('objects', 'count', 'colour'))
"""

from compare.study.judges.protocol import Judge, JudgeError, Shown
from compare.study.judges.table import looks_at_runs, measures_of, open_judge, open_votes, require_judges

__all__ = ["Judge", "JudgeError", "Shown", "looks_at_runs", "measures_of", "open_judge", "open_votes", "require_judges"]
