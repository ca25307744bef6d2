"""`twinseed expand`: comparing expanders, plugins from other distributions, and prompts that are too long."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
from conftest import Twinseed
from loopback import KEY, GeminiWire, LoopbackServer, OpenAIWire

from generate.models.clip_tokenizer import CLIP_ENTRIES
from generate.seedling import SEEDLING_TOKENIZER
from ideation import ExpanderError, choose_expander, known_expanders

GEMINI, OPENAI = GeminiWire(), OpenAIWire()
DOG, OWL = "a dog riding a bicycle", "two owls reading a book"
COLUMNS = [
    "expander",
    "llm_model",
    "concepts",
    "answered",
    "kept",
    "english",
    "tokens_mean",
    "tokens_max",
    "over_limit",
    "refused",
    "failed",
    "cached",
    "seconds",
    "error",
]


def answer(simple: str, expanded: str) -> str:
    return json.dumps({"language": "en", "simple": simple, "expanded": expanded, "negative": "", "reasons": []})


def good(concept: str) -> str:
    return answer(concept, f"{concept}, on a beach, warm light")


def set_up(monkeypatch: pytest.MonkeyPatch, gemini: str = "", openai: str = "") -> None:
    if gemini:
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        monkeypatch.setenv("GEMINI_API_ENDPOINT", gemini)
    if openai:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{openai}/v1")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "concepts.txt"
    path.write_bytes(f"\ufeff{DOG}\r\n\r\n  {OWL}\r\n".encode())
    return str(path)


def test_the_same_concepts_through_several_expanders(
    file: str, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = answer("two owls reading a book", "an owl reading a book, on a beach")
    with (
        LoopbackServer([GEMINI.says(good(DOG)), GEMINI.blocks()]) as gemini,
        LoopbackServer([OPENAI.says(good(DOG)), OPENAI.says(lost)]) as openai,
    ):
        set_up(monkeypatch, gemini.url, openai.url)
        command = ("expand", "--compare", "offline,gemini,openai:m,nonsense", "--file", file, "--json")
        done = twinseed(*command, "--csv", str(tmp_path / "out.csv"))
        again = json.loads(twinseed(*command).out)
        # Gemini: an answer, a refusal, and the refusal once more; openai: an answer, a loss and its repair.
        assert (len(gemini.requests), len(openai.requests)) == (3, 3)
    assert done.code == 0, done.err
    assert KEY not in done.out + done.err
    rows = {row["expander"]: row for row in json.loads(done.out)}
    assert [list(row) for row in rows.values()] == [COLUMNS] * 4
    shown = {
        name: (row["llm_model"], row["concepts"], row["answered"], row["refused"], row["failed"], row["english"])
        for name, row in rows.items()
    }
    assert shown == {
        "offline": (None, 2, 2, 0, 0, 1.0),
        "gemini": ("gemini-3.5-flash-lite", 2, 1, 1, 0, 1.0),
        "openai": ("m", 2, 2, 0, 0, 1.0),
        "nonsense": (None, 2, 0, 0, 2, None),
    }
    assert (rows["offline"]["kept"], rows["gemini"]["kept"]) == (1.0, 1.0)
    assert 0.5 < rows["openai"]["kept"] < 1
    assert rows["gemini"]["error"].startswith("Gemini blocked the concept")
    assert rows["nonsense"]["error"] == "there is no expander 'nonsense'"
    assert all(row["seconds"] > 0 and row["cached"] == 0 for row in rows.values() if row["answered"])
    assert all(2 < row["tokens_mean"] <= row["tokens_max"] <= 77 for row in rows.values() if row["answered"])
    cached = {row["expander"]: (row["cached"], row["seconds"]) for row in again}
    assert (cached["openai"], cached["gemini"]) == ((2, None), (1, None))
    assert cached["offline"][0] == 0
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as opened:
        written = list(csv.DictReader(opened))
    assert [list(row) for row in written] == [COLUMNS] * 4
    assert [row["answered"] for row in written] == ["2", "1", "2", "0"]


def test_the_table_for_people(twinseed: Twinseed) -> None:
    done = twinseed("expand", "--compare", "offline,gemini", "-n", "3", "--seed", "1")
    head, offline, gemini = done.out.splitlines()
    assert head.split()[:5] == ["expander", "llm", "model", "concepts", "answered"]
    assert offline.split()[:5] == ["offline", "3", "3", "100%", "100%"]
    assert gemini.split()[:3] == ["gemini", "3", "0"]
    assert gemini.rstrip().endswith("there is no key for Gemini")
    assert done.err == "offline: 3 to expand ...\ngemini: 3 to expand ...\n"


@pytest.mark.parametrize(
    ("status", "message", "requests"),
    [(401, "answered 401", 1), (404, "answered 404", 1), (400, "answered 400", 2)],
)
def test_what_would_fail_again_is_not_asked_again(
    status: int, message: str, requests: int, file: str, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer([OPENAI.fails(status, "no")]) as server:
        set_up(monkeypatch, openai=server.url)
        (row,) = json.loads(twinseed("expand", "--compare", "openai:m", "--file", file, "--json").out)
        assert len(server.requests) == requests
    assert (row["answered"], row["refused"], row["failed"]) == (0, 0, 2)
    assert message in row["error"]


def test_answers_in_another_language_and_too_long_are_counted(
    twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    concepts = tmp_path / "concepts.txt"
    concepts.write_text(f"{DOG}\n{OWL}\n")
    long = answer(OWL, f"{OWL}, {'on a beach at sunset, ' * 30}")
    french = answer("un chien sur une bicyclette", "un chien sur une bicyclette, dans la rue")
    with LoopbackServer([OPENAI.says(french), OPENAI.says(french), OPENAI.says(long)]) as server:
        set_up(monkeypatch, openai=server.url)
        (row,) = json.loads(twinseed("expand", "--compare", "openai:m", "--file", str(concepts), "--json").out)
    assert (row["answered"], row["failed"], row["english"], row["over_limit"]) == (1, 1, 0.5, 1)
    assert row["tokens_max"] > 77
    assert "not in English" in row["error"]


def test_two_models_of_one_server(twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer([OPENAI.says(good(DOG))]) as server:
        set_up(monkeypatch, openai=server.url)
        rows = json.loads(twinseed("expand", DOG, "--compare", "openai:qwen3:8b, openai:other", "--json").out)
        assert [request.body["model"] for request in server.requests] == ["qwen3:8b", "other"]
    assert [(row["llm_model"], row["answered"]) for row in rows] == [("qwen3:8b", 1), ("other", 1)]


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["--compare", "offline"], "Missing argument 'CONCEPT'", 2),
        (["--compare", "offline", "-n", "0"], "0 concepts were asked for", 1),
        (["--compare", "offline", DOG, "-n", "2"], "given in more than one way", 1),
        (["--compare", ",", DOG], "no expanders are named", 1),
        (["--compare", "openai", DOG, "--llm-model", "m"], "--compare openai:MODEL", 1),
        (["--compare", "offline", "--file", "nowhere.txt"], "nowhere.txt cannot be read", 1),
        (["--compare", "offline", "--file", "."], "cannot be read", 1),
        (["--compare", "offline", "--file", "empty.txt"], "empty.txt holds 0 concepts", 1),
        (["--compare", "offline", "--file", "broken.txt"], "broken.txt, line 2: the concept has no words", 1),
        (["--compare", "offline", "--file", "bytes.txt"], "bytes.txt cannot be read: line 1 is not UTF-8 text", 1),
        (["--compare", "offline", DOG, "--csv", "no/folder.csv"], "no/folder.csv cannot be written", 1),
        ([DOG, "-n", "3"], "belong to a comparison", 1),
        ([DOG, "--csv", "x.csv"], "belong to a comparison", 1),
        ([DOG, "--for", "fluxx"], "did you mean 'flux'?", 1),
        ([DOG, "--for", ""], "neither a family of models nor a model here", 1),
        ([DOG, "--for", "flux", "--model", "seedling"], "both say whom the prompts are for", 1),
        ([DOG, "--tokens", "shrink"], "'shrink' is not one of", 2),
    ],
)
def test_what_cannot_be_compared(
    arguments: list[str], message: str, code: int, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("\n \n")
    Path("broken.txt").write_text(f"{DOG}\n...\n")
    Path("bytes.txt").write_bytes(b"\xff\xfe\x00")
    done = twinseed("expand", *arguments)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err


LONG = answer(DOG, f"{DOG}, {'on a beach at sunset, ' * 20}in a storm")


@pytest.mark.parametrize(("mode", "requests"), [("fit", 2), ("truncate", 1)])
def test_a_prompt_too_long_is_mended_or_left(
    mode: str, requests: int, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer([OPENAI.says(LONG), OPENAI.says(good(DOG))]) as server:
        set_up(monkeypatch, openai=server.url)
        done = twinseed("expand", DOG, "--llm-model", "m", "--tokens", mode, "--json")
        told = [OPENAI.told(request) for request in server.requests]
    pair = json.loads(done.out)
    assert len(told) == requests
    assert ("At most 45 words" in told[0]) == (mode == "fit")
    assert bool(pair["tokens"]["dropped"]) == (mode == "truncate")
    assert (pair["tokens"]["expanded"] > 77) == (mode == "truncate")
    if mode == "truncate":
        assert pair["tokens"]["dropped"][-2:] == ["a", "storm"]
        assert "these words fall off its end: " in done.err + " ".join(pair["warnings"])
    else:
        assert "too long by" in told[1]
        assert pair["warnings"] == []


KEYS = {
    "source",
    "language",
    "simple",
    "expanded",
    "negative",
    "expander",
    "llm_model",
    "kept",
    "lost",
    "tokens",
    "warnings",
}


def test_prompts_for_a_model_that_is_not_here(twinseed: Twinseed) -> None:
    flux = json.loads(twinseed("expand", DOG, "--for", "flux", "--seed", "3", "--json").out)
    assert set(flux) == {*KEYS, "target"}
    assert flux["target"] == {
        "family": "flux",
        "name": "FLUX.1",
        "reads": "T5",
        "manner": "sentences",
        "limit": 512,
        "tokens_estimated": True,
    }
    assert flux["expanded"].startswith(f"{DOG} ")
    assert flux["expanded"].count(". ") >= 3
    assert flux["negative"] == ""
    assert flux["tokens"]["limit"] == 512
    assert flux["warnings"] == [
        "The tokens are estimated: the tokenizer of FLUX.1 (T5) is not on this machine.",
        "FLUX.1 reads no negative prompt, so there is none.",
    ]
    shown = twinseed("expand", DOG, "--for", "SDXL", "--seed", "3").out
    assert "for:      Stable Diffusion XL, which reads phrases through CLIP" in shown
    assert "negative: low quality" in shown
    own = json.loads(twinseed("expand", DOG, "--for", "seedling", "--seed", "3", "--json").out)
    same = json.loads(twinseed("expand", DOG, "--seed", "3", "--json").out)
    assert own.pop("target")["tokens_estimated"] is False
    assert own == same
    assert set(same) == KEYS


def test_clips_own_tokenizer_counts_where_it_is_here(
    twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    # CLIP's vocabulary is not shipped: Seedling's, filled up to as many entries.
    whole = json.loads(SEEDLING_TOKENIZER.read_text(encoding="utf-8"))
    known = whole["model"]["vocab"]
    known |= {f"filler{number}": number for number in range(max(known.values()) + 1, CLIP_ENTRIES)}
    (folder / "tokenizer.json").write_text(json.dumps(whole), encoding="utf-8")
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    pair = json.loads(twinseed("expand", DOG, "--for", "sd15", "--json").out)
    assert pair["target"]["tokens_estimated"] is False
    assert pair["tokens"]["limit"] == 77
    assert pair["tokens"]["expanded"] > pair["tokens"]["simple"] > 5
    assert not [warning for warning in pair["warnings"] if "estimated" in warning]


def test_an_llm_writes_for_the_same_model(twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer([OPENAI.says(good(DOG))]) as server:
        set_up(monkeypatch, openai=server.url)
        pair = json.loads(twinseed("expand", DOG, "--for", "flux", "--llm-model", "m", "--no-cache", "--json").out)
        told = OPENAI.told(server.requests[0])
    assert pair["target"]["family"] == "flux"
    assert "for FLUX.1, a text-to-image model" in told
    assert "plain whole sentences" in told


PLUGIN = """
from ideation.expanders.protocol import DraftedPrompts
from ideation.expanders.instruction import instruction_for

class Parrot:
    name = "something else"

    def __init__(self, llm_model, environ):
        self.llm_model = llm_model
        self.key = environ.get("PARROT_KEY", "")

    def draft(self, request):
        text = request.concept.text
        if "boom" in text:
            raise RuntimeError(f"no seed for {self.key}")
        if "nothing" in text:
            return None
        assert text in instruction_for(request)
        return DraftedPrompts("en", text, f"{text}, on a perch, {self.llm_model}")

def not_a_factory():
    return Parrot

def gives_nothing(llm_model, environ):
    return 7

def leaves(llm_model, environ):
    raise SystemExit(3)
"""
ENTRY_POINTS = """
[twinseed.expanders]
parrot = twinseed_parrot:Parrot
offline = twinseed_parrot:Parrot
missing-module = twinseed_no_such_module:Parrot
missing-name = twinseed_parrot:Polly
wrong-factory = twinseed_parrot:not_a_factory
wrong-thing = twinseed_parrot:gives_nothing
leaves = twinseed_parrot:leaves
"""


@pytest.fixture
def parrot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution as an installer leaves it, with an expander and six ways to get one wrong."""
    site = tmp_path / "site"
    info = site / "twinseed_parrot-1.2.dist-info"
    info.mkdir(parents=True)
    (site / "twinseed_parrot.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: twinseed-parrot\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (info / "RECORD").write_text("twinseed_parrot.py,,\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "twinseed_parrot", raising=False)


@pytest.mark.usefixtures("parrot")
def test_a_plugin_is_listed_and_loaded_only_when_it_is_named(twinseed: Twinseed) -> None:
    rows = {row["name"]: row["description"] for row in json.loads(twinseed("list", "expanders", "--json").out)}
    assert rows["parrot"] == "a plugin, from twinseed-parrot 1.2"
    assert "no key, no network" in rows["offline"]  # a plugin cannot take the place of a built-in one
    assert list(rows)[:5] == ["auto", "offline", "gemini", "openai", "local"]
    assert twinseed("expand", DOG, "--json").out
    assert "twinseed_parrot" not in sys.modules
    pair = json.loads(twinseed("expand", DOG, "--expander", "parrot", "--llm-model", "grey", "--json").out)
    assert "twinseed_parrot" in sys.modules
    assert (pair["expander"], pair["llm_model"], pair["lost"]) == ("parrot", "grey", [])
    assert pair["expanded"] == f"{DOG}, on a perch, grey"


@pytest.mark.usefixtures("parrot")
@pytest.mark.parametrize(
    ("name", "concept", "message"),
    [
        ("missing-module", DOG, "(twinseed-parrot 1.2) cannot be loaded: ModuleNotFoundError: No module named"),
        ("missing-name", DOG, "cannot be loaded: AttributeError"),
        ("wrong-factory", DOG, "cannot be loaded: TypeError"),
        ("wrong-thing", DOG, "gives no expander but int"),
        ("leaves", DOG, "cannot be loaded: SystemExit: 3"),
        ("parrot", "a dog and nothing else", "answered with no two prompts"),
        ("parrot", "a boom", "failed: RuntimeError: no seed for (key)"),
        ("parrt", DOG, "there is no expander 'parrt'"),
    ],
)
def test_a_broken_plugin_is_a_typed_error(
    name: str, concept: str, message: str, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARROT_KEY", KEY)
    done = twinseed("expand", concept, "--expander", name)
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert "--expander offline" in done.err
    assert KEY not in done.err
    (row,) = json.loads(twinseed("expand", concept, "--compare", name, "--json").out)
    assert message in row["error"]


def test_without_plugins_there_are_the_built_in_ones() -> None:
    assert list(known_expanders()) == ["auto", "offline", "gemini", "openai", "local"]
    with pytest.raises(ExpanderError, match="there is no expander 'parrot'"):
        choose_expander("parrot", llm_model=None, environ={})
