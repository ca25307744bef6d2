"""The report: whole, safe, in two languages."""

from __future__ import annotations

import base64
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import html5lib
import pytest
from sample_run import (
    CONCEPT,
    EXPANDED,
    PROMPTS,
    SIMPLE,
    full_record,
    sample_certificate,
    sample_findings,
    sample_record,
)

from compare.instruments.results import Findings
from compare.report.sentences import LOCALE_FOLDER
from compare.runs.record import RecordError
from compare.view import marked_prompt, render_report, verdict_of
from generate.picture import ARMS
from ideation import Concept, TokenCount, typed_concept
from ideation.english import diff
from templates import LANGUAGES, Language, own_yaml

VOID = {"meta", "img", "input", "br", "hr", "link"}


class Outline(HTMLParser):
    """The elements of a page and its texts; fails on a tag that does not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["style"], ["script"]):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def outline(language: Language = "en", **changes: Any) -> Outline:
    record, files = sample_record(**changes)
    return Outline(render_report(record, files, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_one_file_with_everything_in_it(language: Language) -> None:
    record, files = sample_record(images=3)
    page = render_report(record, files, language)
    found = Outline(page)

    assert found.all("html") == [{"lang": language}]
    sources = [image["src"] or "" for image in found.all("img")]
    contents = [base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in sources]
    assert contents[: len(files)] == list(files.values())
    assert len(contents) == len(files) + 3, "one difference map for each seed"
    assert all(image["alt"] and image["width"] == "32" for image in found.all("img"))
    assert not re.search(r"(src|href|action|poster|srcset)=\"(?!data:)", page), "nothing is asked from elsewhere"
    assert not re.search(r"url\(|@import", page)
    for said in (
        SIMPLE,
        EXPANDED,
        "7",
        "8",
        "9",
        "3f" * 32,
        "DPM++ 2M Karras",
        "2.13.0",
        "-inf",
        record.settings.digest,
    ):
        assert said in found.text
    assert len([slider for slider in found.all("input") if slider["type"] == "range"]) == 3


def test_the_policy_allows_the_inline_texts_and_nothing_else() -> None:
    policy = next(meta["content"] or "" for meta in outline().all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in policy
    assert not [attributes for _, attributes in outline().elements if "style" in attributes or "onclick" in attributes]


def leaves(content: Any, path: str = "") -> dict[str, str]:
    if isinstance(content, dict):
        return {name: text for key, entry in content.items() for name, text in leaves(entry, f"{path}.{key}").items()}
    return {path: content}


def test_both_languages_say_the_same_things() -> None:
    tables = [leaves(own_yaml(LOCALE_FOLDER / f"{name}.yaml")) for name in LANGUAGES]
    english, chinese = tables
    assert list(english) == list(chinese)
    for key, sentence in english.items():
        assert isinstance(sentence, str), f"{key}: quote it"
        assert sorted(re.findall(r"{\w+}", sentence)) == sorted(re.findall(r"{\w+}", chinese[key])), key


NASTY = [
    "<script>alert(1)</script>",
    "</textarea></style></title><img src=x onerror=alert(1)>",
    '" onload="alert(1)',
    "{{ 7 * 7 }} {% raise %}",
    "{seed} {0} {prompt.__class__}",
    "\u202eright to left \u2066 unclosed",
    "a dog 🐕‍🦺 מכונית سيارة 狗",
    "x" * 5000,
]


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_cannot_break_out(text: str, language: Language) -> None:
    def page_with(content: str) -> Outline:
        prompts = replace(
            PROMPTS,
            simple=content,
            expanded=content,
            negative=content,
            llm_model=content,
            kept=(content,),
            warnings=(content,),
            tokens=TokenCount(77, 11, 90),
        )
        return outline(language, concept=replace(CONCEPT, text=content), prompts=prompts)

    found = page_with(text)
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in page_with("a plain dog").elements]
    assert len(found.all("script")) == 1
    assert found.text.count(text) >= 6, "the text is shown as it was"


def test_prompts_show_what_was_added_lost_and_never_seen() -> None:
    expanded = "a brown dog on a bicycle, soft light, fine detail, sharp focus"
    tokens = TokenCount(limit=12, simple=8, expanded=16, dropped=("fine", "detail,", "sharp", "focus"))
    record, files = sample_record(prompts=replace(PROMPTS, expanded=expanded, tokens=tokens))
    page = render_report(record, files)
    simple, longer = re.findall(r'<p class="prompt"[^>]*>(.*?)</p>', page)
    assert simple == (
        'a dog <span class="removed">riding</span> a bicycle, <span class="removed">watercolor style</span>'
    )
    assert longer == (
        "a <ins>brown</ins> dog <ins>on</ins> a bicycle, <ins>soft light</ins>, "
        "<ins><s>fine detail, sharp focus</s></ins>"
    )
    assert "reads 12 tokens, and the expanded prompt needs 16" in page
    assert "never reached the picture: fine detail, sharp focus." in page
    assert "words struck through were never seen" in page


@pytest.mark.parametrize(
    ("simple", "expanded", "underlined", "dotted"),
    [
        ("a dog in ink", "an ink drawing of a dog", ["drawing of"], ["in"]),
        ("a cat in a hat", "a cat in a hat in a garden, a cat", ["in a garden"], []),
        ("a cat skiing at night, watercolor", "watercolor, a cat skiing in the Alps", ["in the Alps"], ["at night"]),
        ("A dog, NEON", "a dog at dusk, neon light", ["at dusk", "light"], []),
        ("an owl", "a red owl", ["red"], []),
        ("a dog", "a dog, soft light, fine detail.", ["soft light, fine detail"], []),
    ],
)
def test_only_words_of_one_prompt_are_marked(
    simple: str, expanded: str, underlined: list[str], dotted: list[str]
) -> None:
    pieces = diff(simple, expanded)
    for arm, prompt, marked in zip(ARMS, (simple, expanded), (dotted, underlined), strict=True):
        parts = marked_prompt(pieces, arm)
        assert "".join(part.text for part in parts) == prompt
        assert [part.text for part in parts if part.mark != "same"] == marked


@pytest.mark.parametrize(
    ("expanded", "dropped", "unseen"),
    [
        ("a dog in the fog", ("the", "fog"), "the fog"),
        ("a dog in the fog", ("THE", "fog."), "the fog"),
        ("the fog, the fog", ("the", "fog"), "the fog"),
        ("a dog in the fog", ("elsewhere",), ""),
        ("a dog", ("all", "of", "a", "dog"), ""),
        ("a dog", (), ""),
        ("一隻狗在霧中", ("霧", "中"), "霧中"),
    ],
)
def test_the_unseen_tail(expanded: str, dropped: tuple[str, ...], unseen: str) -> None:
    parts = marked_prompt(diff("a cat", expanded), "expanded", dropped)
    assert "".join(part.text for part in parts) == expanded
    assert "".join(part.text for part in parts if part.unseen) == unseen


@pytest.mark.parametrize(
    ("proof", "said", "not_said"),
    [
        ({}, "Same seed, everything but the prompt held equal", "cannot be put down"),
        ({"differs": ("prompt", "guidance_scale")}, "More than the prompt differs: Guidance", "held equal"),
        ({"same_seed": False}, "did not begin with the same noise", "held equal"),
    ],
)
def test_the_certificate_in_plain_words(proof: dict[str, Any], said: str, not_said: str) -> None:
    noise = {7: {"simple": "3f" * 32, "expanded": ("3f" if proof.get("same_seed", True) else "9a") * 32}}
    text = outline(certificate=sample_certificate(noise, **proof)).text
    assert said in text
    assert not_said not in text


def test_notes_and_offences_are_in_the_readers_language() -> None:
    noise = {7: {"simple": "3f" * 32, "expanded": "3f" * 32}}
    certificate = sample_certificate(noise, differs=("prompt", "negative prompt", "initial noise", "timestep"))
    size = "The model seedling has learnt pictures of 128x128 pixels alone: at 144x96 things may come out double or "
    prompts = replace(
        PROMPTS, warnings=(f"{size}beyond recognition, whatever the prompt says.", "Never learnt: kazoo.")
    )
    clip = "there is no CLIP on this machine to score these pictures with: set X to the folder of one, or to a hub id "
    findings = Findings.model_validate({"notes": (f"{clip}such as a/b",)})
    record, files = sample_record(certificate=certificate, prompts=prompts, findings=findings)
    english, chinese = (Outline(render_report(record, files, language)).text for language in LANGUAGES)
    assert "More than the prompt differs: negative prompt, initial noise, timestep" in english
    assert "不同之處不只提示詞：反向提示詞、初始雜訊、timestep" in chinese
    assert "things may come out double" in english
    assert "模型 seedling 只學過 128x128 像素的圖片：換成 144x96" in chinese
    assert "Never learnt: kazoo." in chinese, "what nobody has words for stays as it is"
    assert "把 X 設為 CLIP 的資料夾，或 hub 名稱，例如 a/b" in chinese


def test_where_the_concept_came_from() -> None:
    drawn = outline().text
    assert f"number 12 of draw {2**60}" in drawn
    assert "騎腳踏車" in drawn
    typed = outline(concept=typed_concept("a dog")).text
    assert "Entered by hand" in typed
    assert "number" not in typed
    unknown = outline(concept=Concept("собака", "und"))
    assert "lang" not in unknown.all("h1")[0]


def test_warnings_are_in_the_readers_language() -> None:
    warnings = (
        "Not said in both prompts any more: subject: dog; count: two dogs.",
        'Seedling has never learnt "kazoo", so the picture may show something else there.',
        "The prompts were to be mended, but the second request failed: the LLM gave an empty answer.",
        "What an LLM writes is text and no syntax; this became plain words or was taken out: (golden hour, 18:30).",
        "Nobody of ours has said this.",
    )
    changed = replace(PROMPTS, warnings=warnings)
    chinese = outline("zh-TW", prompts=changed).text
    for sentence in (
        "兩個提示詞不再都有：主題：dog；數量：two dogs。",
        "Seedling 沒有學過「kazoo」，圖片在這裡可能會出現別的東西。",
        "原本要請語言模型修正提示詞，但第二次請求失敗：語言模型的回答是空白的。",
        "語言模型寫的是文字，不是語法；這些已經改成一般的詞或拿掉：(golden hour, 18:30)。",
        "Nobody of ours has said this.",
    ):
        assert sentence in chinese
    assert all(warning in outline("en", prompts=changed).text for warning in warnings)


def test_losses_and_warnings_are_visible() -> None:
    prompts = replace(
        PROMPTS, expander="gemini", llm_model="gemini-3.5-flash", lost=("ink wash",), warnings=("Never learnt: kazoo.",)
    )
    text = outline(prompts=prompts).text
    for said in ("Gemini gemini-3.5-flash", "ink wash", "Never learnt: kazoo."):
        assert said in text


@pytest.mark.parametrize(
    ("simple", "negative", "concept"),
    [
        ("a dog", "", "a dog"),
        ('a "dog"; $(reboot) `id`', "it's blurry", "-rf and 'quotes'"),
        ("two\nlines\\", "ü 狗", "一隻狗"),
    ],
)
def test_the_command_is_quoted(simple: str, negative: str, concept: str) -> None:
    record, files = sample_record(
        images=2,
        concept=replace(CONCEPT, text=concept),
        prompts=replace(PROMPTS, simple=simple, negative=negative),
    )
    command = (
        Outline(render_report(record, files)).text.partition("gives the same pixels.")[2].partition("Where it comes")[0]
    )
    words = shlex.split(command)
    assert words == record.repeat_command()
    assert words[-1] == concept
    assert [simple, EXPANDED, negative] == [
        words[words.index(f"--{name}") + 1] for name in ("simple", "expanded", "negative")
    ]


SECTIONS = (
    "verdict audit card seeds apart ruler placebo ladder morph attention sweep blind observations notes "
    "certificate prompts settings repeat"
).split()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_its_section(language: Language) -> None:
    record, files = full_record(images=3)
    page = render_report(record, files, language)
    html5lib.HTMLParser(strict=True).parse(page)
    found = Outline(page)
    assert [section["id"] for section in found.all("section") if "id" in section] == SECTIONS
    sources = [image["src"] for image in found.all("img")]
    assert len(sources) == len(files) + 3
    assert all((image["alt"] or "").strip() for image in found.all("img"))
    charts = [chart for chart in found.all("svg") if chart["role"] == "img"]
    assert len(charts) == len(found.all("svg")) == 7
    assert all(re.search(r"\d", chart["aria-label"] or "") for chart in charts), "a chart says its numbers"
    assert not [name for name, attributes in found.elements if "style" in attributes]
    assert len(found.all("script")) == 1
    assert [link["href"] for link in found.all("a")] == [f"#{name}" for name in SECTIONS if name != "verdict"]
    assert not re.search(r"(src|href|action|poster|srcset)=\"(?!data:|#)", page)
    assert not re.search(r"url\(|@import", page)


@pytest.mark.parametrize("left_out", ["phrases", "cards", "ruler", "ladder", "morph", "attention", "sweep", "blind"])
def test_a_section_is_there_only_with_its_finding(left_out: str) -> None:
    findings, pictures = sample_findings()
    empty = findings.model_copy(
        update={left_out: type(getattr(findings, left_out))() if left_out in ("phrases", "cards") else None}
    )
    record, files = full_record(findings=empty, files={name: pictures[name] for name in empty.files})
    names = [section.get("id") for section in Outline(render_report(record, files)).all("section")]
    gone = {"phrases": "audit", "cards": "card"}.get(left_out, left_out)
    assert gone not in names
    assert len([name for name in names if name in SECTIONS]) == len(SECTIONS) - 2, "no seeds, and not this one"


def test_large_pictures_come_small_but_the_pair_comes_whole() -> None:
    record, files = full_record(size=(512, 512))
    found = Outline(render_report(record, files))
    images = [(image["width"], (image["src"] or "").partition(";")[0]) for image in found.all("img")]
    assert images[:2] == [("512", "data:image/png")] * 2
    assert images.count(("512", "data:image/webp")) == 1, "the animation"
    assert set(images[2:]) == {("384", "data:image/webp"), ("512", "data:image/webp")}


def test_a_concept_from_elsewhere_says_who_turned_it_into_english() -> None:
    prompts = replace(PROMPTS, language="zh-TW", kept=("subject: dog", "a: b"))
    record, files = sample_record(prompts=prompts)
    english, chinese = (render_report(record, files, language) for language in LANGUAGES)
    assert "first turned into English by the offline expander" in english
    assert "構想先由離線擴充器翻成英文" in chinese
    assert "主題：dog" in chinese
    assert ">a: b<" in chinese, "other words stay as they are"
    typed, files = sample_record(prompts=replace(prompts, expander="given"))
    assert "turned into English" not in render_report(typed, files)


def test_the_command_leaves_the_observations_out_and_says_so() -> None:
    assert "without your observations" in render_report(*full_record())
    assert "without your observations" not in render_report(*sample_record())


def test_no_verdict_no_sentence() -> None:
    assert verdict_of(sample_record()[0]) == ""


def test_findings_cannot_break_out() -> None:
    text = "\n".join([*NASTY, "]]>", "a\u200fb\u200e"])

    def page_with(content: str) -> tuple[Outline, str]:
        findings, pictures = sample_findings()
        raw = findings.model_dump()
        raw["phrases"] = [one | {"text": content} for one in raw["phrases"]]
        raw["ladder"]["rungs"] = [one | {"phrase": content, "prompt": content} for one in raw["ladder"]["rungs"]]
        raw["ladder"]["without"] = [one | {"phrase": content} for one in raw["ladder"]["without"]]
        raw["attention"]["words"] = [one | {"word": content} for one in raw["attention"]["words"]]
        raw["sweep"]["rows"] = [one | {"scheduler": content} for one in raw["sweep"]["rows"]]
        raw["blind"] |= {"simple": content, "expanded": content, "differences": [content], "llm_model": content}
        raw |= {"notes": [content], "clip": raw["clip"] | {"name": content, "expanded_cut": [content]}}
        raw["placebo"]["prompt"] = content
        record, files = full_record(
            findings=Findings.model_validate_json(Findings.model_validate(raw, strict=False).model_dump_json()),
            files=pictures,
            observations=content,
        )
        page = render_report(record, files)
        return Outline(page), page

    found, page = page_with(text)
    html5lib.HTMLParser(strict=True).parse(page)
    plain, _ = page_with("a plain dog")
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in plain.elements]
    assert found.text.count(text) >= 10, "the text is shown as it was"


def test_every_picture_is_needed() -> None:
    record, files = sample_record()
    del files["expanded-7.png"]
    with pytest.raises(RecordError, match=r"missing: expanded-7\.png"):
        render_report(record, files)
