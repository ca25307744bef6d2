"""Styles: our own, and those that people bring along from other programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from generate.choices import Style, all_styles, apply_styles, find_style, style_problems
from generate.seedling import SEEDLING_FOLDER
from generate.settings import SettingsError
from ideation import CLIP_LIMIT, TokenBudget, seedling_vocabulary
from templates import own_yaml

Folder = Callable[..., Path]
REPOSITORY = Path(__file__).parents[3]
#: The names that were there before there were themes: people's records and scripts hold them.
FIRST_NAMES = (
    "flat illustration, watercolor, oil painting, pixel art, pencil sketch, ink wash, ukiyo-e, Joan Miro, Van Gogh, "
    "stained glass, pop art, neon, blueprint, photograph, film noir, claymation, paper cut, art nouveau, bauhaus, "
    "linocut"
).split(", ")


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Folder:
    """Writes a person's files, by name, into the folder that `TWINSEED_STYLES` names."""

    def write(**files: str | bytes) -> Path:
        folder = tmp_path / "styles"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            stem, _, ending = name.rpartition("_")
            data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
            (folder / f"{stem}.{ending}").write_bytes(data)
        monkeypatch.setenv("TWINSEED_STYLES", str(folder))
        return folder

    return write


@pytest.fixture(autouse=True)
def nobodys_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("TWINSEED_STYLES", str(tmp_path / "none"))


def test_there_are_many_and_the_first_are_still_there() -> None:
    styles = all_styles()
    assert len(styles) >= 120
    assert next(iter(styles)) == "flat illustration"
    assert set(FIRST_NAMES) <= set(styles)
    assert style_problems() == ()
    assert {style.source for style in styles.values()} == {"built in"}
    for part in ("zh", "positive"):
        assert len({getattr(style, part) for style in styles.values()}) == len(styles), f"two styles share their {part}"


def test_the_documentation_lists_them_all() -> None:
    """By file, in the order of the files: what this asks for can be pasted into docs/rendering/styles.md."""
    text = (REPOSITORY / "docs" / "rendering" / "styles.md").read_text(encoding="utf-8")
    count = 0
    for file in sorted((REPOSITORY / "templates" / "styles").glob("*.yaml")):
        entries = own_yaml(file)
        names = ", ".join(f"{one['name']} {one['zh']}" for one in entries)
        assert f"| `{file.stem}` | {names} |" in text
        count += len(entries)
    assert count == len(all_styles()), "no name stands in two files"
    assert f"The {count} that come with Twinseed" in text


def test_what_every_style_of_ours_is() -> None:
    for name in all_styles():
        style = find_style(name)
        assert re.search(r"[\u4e00-\u9fff]", style.zh), name
        assert style.positive.count("{prompt}") == 1, name
        assert "{prompt}" not in style.negative, name
        assert style.negative, f"{name}: what would spoil the style"
        words = style.positive.replace("{prompt}", "").split()
        assert 4 <= len(words) <= 25, f"{name}: two styles and a sentence go into 77 tokens"
        assert not re.search(
            r"[<>()\[\]:]|\blora\b|masterpiece|best quality|trending|\b[48]k\b", style.positive, re.IGNORECASE
        ), name
        assert style.positive == style.positive.strip(), name
        assert style.positive.isascii(), name


def test_a_style_that_seedling_knows_leaves_room_for_the_prompt() -> None:
    budget = TokenBudget(SEEDLING_FOLDER / "tokenizer" / "tokenizer.json", vectors={})
    names = [term.name for term in seedling_vocabulary().terms["style"]]
    assert max(budget.count(find_style(name).wrap("a dog riding a bicycle")) for name in names) <= CLIP_LIMIT // 2


def test_every_style_that_seedling_knows_has_its_word() -> None:
    for term in seedling_vocabulary().terms["style"]:
        found = seedling_vocabulary().find(find_style(term.name).wrap("a dog"))
        assert found["style"] == term, term.name
        assert found["subject"].name == "dog", term.name


@pytest.mark.parametrize(
    ("named", "positive"),
    [
        ([], "a dog"),
        (["photograph"], "photograph of a dog, natural light, 50mm lens, sharp focus"),
        (
            ["watercolor", "neon"],
            "a dog, watercolor style, wet washes on rough paper, neon style, glowing outlines in the dark",
        ),
    ],
)
def test_styles_go_on_both_arms_alike(named: list[str], positive: str) -> None:
    styles = [find_style(name) for name in named]
    styled = apply_styles(styles, "a dog", "a red dog, at dusk", "blurry")
    assert styled.simple == positive
    assert styled.expanded == positive.replace("a dog", "a red dog, at dusk")
    assert styled.negative == ", ".join(["blurry", *(style.negative for style in styles)])


def test_a_prompt_that_says_prompt_is_taken_as_it_is() -> None:
    styled = apply_styles([find_style("neon"), find_style("watercolor")], "a {prompt} dog", "{prompt}", "")
    assert styled.simple.count("a {prompt} dog") == styled.expanded.count("{prompt}") == 1
    assert styled.negative == "daylight, hard edges, photograph"


def test_names_in_any_case_and_with_dashes() -> None:
    assert find_style(" Film_Noir ") is find_style("film noir") is all_styles()["film noir"]
    assert find_style("ukiyo e").name == "ukiyo-e"


FOOOCUS = json.dumps(
    [
        {"name": "my fog", "prompt": "foggy {prompt} . dim", "negative_prompt": "sun"},
        {"name": "Sharp", "negative_prompt": "blurry"},
        {"name": "base", "prompt": "{prompt}", "negative_prompt": ""},
    ]
)
A1111 = (
    "\ufeffname,prompt,negative_prompt\r\n"
    'Tail,"misty, at dawn",\r\n'
    "--- portraits ---,,\r\n"
    "# off,never,seen\r\n"
    "\r\n"
    'Wrap, "a ""fine"" photo of {prompt},\r\n  on film","{prompt}, cartoon"\r\n'
    "Only negative,,ugly\r\n"
    "short,glow\r\n"
)
OWN = """
# mine
- {name: 霧, positive: "{prompt}, fog"}
- name: night
  zh: 夜
  positive: |
    {prompt},
    night
  negative: sun
"""


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        (
            "f_json",
            FOOOCUS,
            [("my fog", "foggy {prompt} . dim", "sun"), ("Sharp", "{prompt}", "blurry"), ("base", "{prompt}", "")],
        ),
        ("f_JSON", "\ufeff" + FOOOCUS.split("}, {")[0] + "}]", [("my fog", "foggy {prompt} . dim", "sun")]),
        (
            "styles_csv",
            A1111,
            [
                ("Tail", "{prompt}, misty, at dawn", ""),
                ("Wrap", 'a "fine" photo of {prompt}, on film', "{prompt}, cartoon"),
                ("Only negative", "{prompt}", "ugly"),
                ("short", "{prompt}, glow", ""),
            ],
        ),
        ("old_csv", "name,text\nfog,in fog\n", [("fog", "{prompt}, in fog", "")]),
        ("swapped_csv", "negative_prompt,name,prompt\nsun,fog,in fog", [("fog", "{prompt}, in fog", "sun")]),
        ("mine_yaml", OWN, [("霧", "{prompt}, fog", ""), ("night", "{prompt}, night", "sun")]),
        ("mine_yml", "name: one\npositive: '{prompt} one'\n", [("one", "{prompt} one", "")]),
        ("empty_yaml", "# nothing yet\n", []),
    ],
    ids=lambda value: value if isinstance(value, str) and "_" in value and len(value) < 20 else "",
)
def test_what_people_bring_along(own: Folder, file: str, content: str, expected: list[tuple[str, str, str]]) -> None:
    folder = own(**{file: content})
    assert style_problems() == ()
    added = [style for style in all_styles().values() if style.source != "built in"]
    assert [(style.name, style.positive, style.negative) for style in added] == expected
    assert {style.source for style in added} <= {str(folder / file.replace("_", "."))}
    assert all(style.zh for style in added)


def test_a_negative_prompt_may_have_a_place_too() -> None:
    style = Style("x", "x", "{prompt}", "ugly {prompt}, blurry")
    assert apply_styles([style], "a", "b", "cartoon").negative == "ugly cartoon, blurry"


def test_a_style_of_ones_own_wins(own: Folder) -> None:
    usual = find_style("watercolor")
    folder = own(a_yaml="- {name: Watercolor, positive: '{prompt}, my own washes'}")
    assert find_style("watercolor") == Style(
        "Watercolor", "Watercolor", "{prompt}, my own washes", "", str(folder / "a.yaml")
    )
    assert "watercolor" not in all_styles()
    assert list(all_styles()).index("Watercolor") == 1, "it is listed where the other was"
    (folder / "a.yaml").unlink()
    assert find_style("watercolor") == usual


def test_a_changed_file_is_read_again(own: Folder) -> None:
    own(a_csv="name,prompt\nfog,in fog\n")
    assert find_style("fog").positive == "{prompt}, in fog"
    own(a_csv="name,prompt\nfog,in thick fog\n")
    assert find_style("fog").positive == "{prompt}, in thick fog"


GOOD = "- {name: good, positive: '{prompt}, good'}\n"
UNREAD = "this is not YAML that can be read"


@pytest.mark.parametrize(
    ("file", "content", "name", "message", "hint"),
    [
        # The entry is faulty: its name says so, all others can be had.
        (
            "yaml",
            GOOD + "- {name: bad, positive: fog}",
            "bad",
            "a.yaml, line 2: there is no {prompt} in",
            "write {prompt}",
        ),
        (
            "yaml",
            GOOD + "- {name: bad, positive: '{prompt}', steps: 3}",
            "bad",
            "line 2: 'steps': Extra",
            "write {name",
        ),
        ("yaml", GOOD + "- {name: bad}", "bad", "line 2: 'positive': Field required", "write {name: fog"),
        ("yaml", GOOD + "- {name: bad, positive: 7}", "bad", "line 2: 'positive': Input should be a valid string", ""),
        (
            "yaml",
            GOOD + f"- {{name: bad, positive: '{{prompt}} {'x' * 2000}'}}",
            "bad",
            "has 2,009 characters",
            "shorten",
        ),
        ("yaml", GOOD + '- {name: bad, positive: "{prompt} \\a"}', "bad", "control characters: U+0007", "plain text"),
        (
            "json",
            '[{"name": "bad", "prompt": ["x"]}]',
            "bad",
            "a.json, entry 1: 'prompt': Input should",
            "name, prompt",
        ),
        ("json", '[{"name": "bad", "prompt": "x", "id": 1}]', "bad", "a.json, entry 1: 'id': Extra", "name, prompt"),
        (
            "csv",
            "name,prompt\ngood,x\nbad,one, two",
            "bad",
            "a.csv, line 3: there are 3 fields where",
            "quotation marks",
        ),
        ("csv", 'name,prompt\ngood,"x\n\ny"\nbad,a,b', "bad", "a.csv, line 5: there are 3 fields", "quotation marks"),
        ("csv", "name,prompt\nfog,a\nFog,b", "fog", "two styles are called 'Fog', in ", "rename"),
        # Even where a built-in style is called so: nobody shall get that one for their own.
        ("yaml", "- {name: neon, positive: fog}", "Neon", "line 1: there is no {prompt}", "write {prompt}"),
        # The file is faulty: an unknown name says that it may be in there.
        ("yaml", "- {name: [bad}", "bad", "unknown style 'bad'", "a.yaml, line 1: " + UNREAD),
        ("yaml", "- &a x\n- *a", "bad", "unknown style 'bad'", "line 2: " + UNREAD + ": anchors and aliases"),
        (
            "yaml",
            "- {name: a, name: bad}",
            "bad",
            "unknown style 'bad'",
            "line 1: " + UNREAD + ": 'name' is there twice",
        ),
        ("yaml", "- " * 3000, "bad", "unknown style 'bad'", UNREAD + ": nested too deeply"),
        ("yaml", "- !!python/object/apply:os.system [ls]", "bad", "unknown style", UNREAD + ": could not determine"),
        ("yaml", "x" * 200_001, "bad", "unknown style 'bad'", "has 200,001 characters; 200,000 are accepted in YAML"),
        ("yaml", "- just text", "bad", "unknown style 'bad'", "line 1: this is not a mapping"),
        ("json", "[" * 200_000, "bad", "unknown style 'bad'", "a.json: this is not JSON"),
        ("json", '[\n{"name": "bad",}]', "bad", "unknown style 'bad'", "a.json, line 2: this is not JSON"),
        ("json", '{"name": "bad"}', "bad", "unknown style 'bad'", "a.json does not hold a list of styles"),
        (
            "json",
            json.dumps([{"name": f"n{n}"} for n in range(5001)]),
            "bad",
            "unknown style",
            "more than 5,000 entries",
        ),
        ("csv", 'name,prompt\nx,"bad\ny,z\n', "bad", "unknown style 'bad'", "a.csv, line 2: this is not CSV"),
        ("csv", "bad,a,b\n", "bad", "unknown style 'bad'", "a.csv has a column 'bad'"),
        ("csv", "name,negative_prompt\n", "bad", "unknown style 'bad'", "a.csv has the columns name, negative_prompt"),
        ("csv", "", "bad", "unknown style 'bad'", "a.csv is empty"),
        ("csv", b"name,prompt\nbad,\xff", "bad", "unknown style 'bad'", "cannot be read: line 2 is not UTF-8 text"),
        (
            "csv",
            "x" * 2_000_001,
            "bad",
            "unknown style 'bad'",
            "cannot be read: it has more than 2,000,000 bytes",
        ),
        ("txt", "not read", "watercolour", "unknown style 'watercolour'", "did you mean 'watercolor'?"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 and "\n" not in value else "",
)
def test_what_is_wrong_with_a_file(
    own: Folder, file: str, content: str | bytes, name: str, message: str, hint: str
) -> None:
    own(**{f"a_{file}": content})
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        find_style(name)
    assert hint in caught.value.hint
    assert find_style("oil painting").source == "built in", "the built-in styles are there all the same"
    assert bool(style_problems()) == (file != "txt")
    if "good" in str(content):
        assert find_style("good").source != "built in", "so are the file's other entries"


def test_one_name_in_two_files(own: Folder) -> None:
    folder = own(a_csv="name,prompt\nfog,a", b_yaml="- {name: fog, positive: '{prompt}'}")
    with pytest.raises(SettingsError, match="two styles are called 'fog'") as caught:
        find_style("fog")
    assert f"in {folder / 'a.csv'} and in {folder / 'b.yaml'}" in caught.value.message
    assert "fog" not in all_styles()


def test_a_folder_that_is_named_and_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWINSEED_STYLES", str(tmp_path / "nowhere"))
    (problem,) = style_problems()
    assert "nowhere cannot be read: No such file" in problem.message
    assert "TWINSEED_STYLES" in problem.hint
    with pytest.raises(SettingsError, match="unknown style 'qqq'") as caught:
        find_style("qqq")
    assert "nowhere cannot be read" in caught.value.hint
    assert find_style("neon").source == "built in"


def test_the_usual_folder_need_not_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TWINSEED_STYLES")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert style_problems() == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_odd_things_in_the_folder_are_passed_over(own: Folder) -> None:
    folder = own(good_yaml=GOOD)
    os.mkfifo(folder / "pipe.yaml")
    (folder / "folder.yaml").mkdir()
    (folder / ".hidden.yaml").write_text("- {")
    (folder / "gone.yaml").symlink_to(folder / "nothing")
    assert style_problems() == ()
    assert find_style("good").positive == "{prompt}, good"


def test_too_many_files(own: Folder) -> None:
    own(**{f"n{number}_yaml": "" for number in range(201)})
    (problem,) = style_problems()
    assert "has more than 200 files of styles" in problem.message
