"""What comes from files, which may be anybody's: values checked strictly, plain files read so far and no further."""

from ideation.files.complaint import complaint_of
from ideation.files.plain_file import read_plain_file, read_plain_text, require_plain_file
from ideation.files.values import (
    MAX_SEED,
    STRICT,
    Count,
    FileName,
    Positive,
    Seed,
    Sha256,
    Share,
    StrictModel,
    interruptible,
)
from ideation.files.yaml_loader import ShallowLoader

__all__ = [
    "MAX_SEED",
    "STRICT",
    "Count",
    "FileName",
    "Positive",
    "Seed",
    "Sha256",
    "ShallowLoader",
    "Share",
    "StrictModel",
    "complaint_of",
    "interruptible",
    "read_plain_file",
    "read_plain_text",
    "require_plain_file",
]
