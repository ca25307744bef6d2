"""The request: all that somebody can ask for about a pair, as one value, and the prompts that are written for it.

Nothing here loads torch.

>>> request, notes = PairRequest.from_options(PairOptions(concept="a dog", seed="7", size="native"))
>>> request_from_json(request.to_json()) == request
True
"""

from __future__ import annotations

from compare.request.options import PairOptions, RequestError, examination_of
from compare.request.prompts import enhanced_prompts, styled_prompts, written_prompts
from compare.request.request import PairRequest, request_from_json

__all__ = [
    "PairOptions",
    "PairRequest",
    "RequestError",
    "enhanced_prompts",
    "examination_of",
    "request_from_json",
    "styled_prompts",
    "written_prompts",
]
