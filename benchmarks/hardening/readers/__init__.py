"""The readers: every door that takes in text or bytes of strangers, by what comes in through it.

`linear.py` measures how long each takes for long texts, `fuzz.py` tries what hardly anybody would think of.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Where the tests' samples are.
sys.path.insert(1, str(Path(__file__).parents[3] / "tests" / "support"))
sys.path.insert(1, str(Path(__file__).parents[3] / "tests" / "generate" / "files"))

from benchmarks.hardening.readers.bundles import BUNDLES, ZIP_FILES
from benchmarks.hardening.readers.files import FILES, WEIGHTS
from benchmarks.hardening.readers.pictures import PICTURE_FILES, PICTURES
from benchmarks.hardening.readers.reader import Reader
from benchmarks.hardening.readers.runs import RUNS
from benchmarks.hardening.readers.servers import SERVERS
from benchmarks.hardening.readers.tables import TABLES, WORKBOOKS
from benchmarks.hardening.readers.words import TALK, WORDS

#: The readers of text, and those that are slow to try, or read bytes.
TEXTS = (*TALK, *FILES, *PICTURES, *RUNS, *BUNDLES, *TABLES, *WORDS)
READERS = (*TEXTS, *PICTURE_FILES, *ZIP_FILES, *WORKBOOKS, *WEIGHTS, *SERVERS)

__all__ = ["READERS", "TEXTS", "Reader", "prepare"]


def prepare(folder: Path) -> None:
    """No key, server, model or file of whoever runs this."""
    for name in ("MODELS", "STYLES", "PRESETS", "PERFORMANCE", "ASPECT_RATIOS", "CACHE", "RUNS"):
        (folder / name.lower()).mkdir(exist_ok=True)
        os.environ[f"TWINSEED_{name}"] = str(folder / name.lower())
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        os.environ.pop(name, None)
