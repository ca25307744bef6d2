"""The word lists, their grammar, and the reading of people's own lists."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from ideation import Word, WordListError, built_in_words, read_words, seedling_vocabulary, seedling_words
from ideation.concept import concept_text, english_topic
from ideation.english import indefinite_article, style_phrase, with_article

WORDS = built_in_words()
PARTS = {"topics": WORDS.topics, "actions": WORDS.actions, "styles": WORDS.styles}

# Written down by ear, so that the rule is not tested against itself.
TAKES_AN = {
    "accordion",
    "alarm clock",
    "alien",
    "armadillo",
    "avocado",
    "axolotl",
    "elephant",
    "honest politician",
    "hourglass",
    "octopus",
    "office chair",
    "ogre",
    "onion",
    "opera singer",
    "orchestra conductor",
    "ostrich",
    "otter",
    "owl",
    "umbrella",
    "unemployed vampire",
    "X-ray technician",
}


def test_the_lists_are_as_long_as_promised() -> None:
    assert len(WORDS.topics) >= 130
    assert len(WORDS.actions) >= 90
    assert len(WORDS.styles) >= 90
    assert len(WORDS.topics) * len(WORDS.actions) * len(WORDS.styles) == WORDS.size > 2_000_000


@pytest.mark.parametrize("part", PARTS)
def test_entries_are_clean_and_unique_in_both_languages(part: str) -> None:
    for word in PARTS[part]:
        assert re.fullmatch(r"[A-Za-z0-9.' -]+", word.en), word
        assert re.search(r"[\u4e00-\u9fff]", word.zh), word
        assert bool(word.measure) == (part == "topics"), word
    assert len({word.en.casefold() for word in PARTS[part]}) == len(PARTS[part])


def test_no_chinese_name_stands_for_two_things() -> None:
    names = [word.zh for word in itertools.chain(*PARTS.values())]
    assert len(names) == len(set(names))


def test_all_that_seedling_draws_can_be_drawn() -> None:
    vocabulary = seedling_vocabulary()
    for part, kind in (("topics", "subject"), ("actions", "action"), ("styles", "style")):
        assert {term.word for term in vocabulary.terms[kind]} <= set(PARTS[part])
    assert seedling_words(vocabulary).size == 24 * 16 * 13


def test_every_topic_is_a_singular_noun_with_the_right_article() -> None:
    for topic in WORDS.topics:
        assert not re.match(r"(?:a|an|the|some|two)\b", topic.en), topic.en
        assert english_topic(topic) == f"{'an' if topic.en in TAKES_AN else 'a'} {topic.en}", topic.en


def test_every_action_is_a_participle_that_suits_anyone() -> None:
    for action in WORDS.actions:
        assert [word for word in re.split(r"[ -]", action.en)[:3] if word.endswith("ing")], action.en
        assert not re.search(r"\b(?:his|her|its|their|himself|herself|itself)\b", action.en), action.en


def test_every_style_is_a_name_before_the_word_style() -> None:
    for style in WORDS.styles:
        assert style_phrase(style.en) == f"{style.en} style", style.en
        assert not re.search(r"\bstyle\b|風格$", style.en + style.zh), style.en


@pytest.mark.parametrize(
    ("phrase", "article"),
    [
        ("unicorn", "a"),
        ("ukulele player", "a"),
        ("umbrella", "an"),
        ("unimpressed cat", "an"),
        ("uninvited guest", "an"),
        ("used car", "a"),
        ("usher", "an"),
        ("one-eyed cat", "a"),
        ("oneroi", "an"),
        ("European hare", "a"),
        ("ewe", "a"),
        ("hour", "an"),
        ("honorable judge", "an"),
        ("horse", "a"),
        ("heirloom", "an"),
        ("UFO", "a"),
        ("MRI scanner", "an"),
        ("NASA engineer", "an"),
        ("8-bit hero", "an"),
        ("18th-century lady", "an"),
        ("100-year-old turtle", "a"),
        ("universe", "a"),
        ("user", "a"),
        ("utopia", "a"),
        ("yeti", "a"),
        ("Elvis", "an"),
        ("X-ray", "an"),
    ],
)
def test_the_article_follows_the_sound(phrase: str, article: str) -> None:
    assert indefinite_article(phrase) == article


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("my cat", "my cat"),
        ("a dog", "a dog"),
        ("two dogs", "two dogs"),
        ("3 owls", "3 owls"),
        ("Mona Lisa", "Mona Lisa"),
        ("cats", "cats"),
        ("queen of hearts", "a queen of hearts"),
        ("octopus", "an octopus"),
        ("glass", "a glass"),
        ("old women", "old women"),
        ("the moon", "the moon"),
        ("thesaurus", "a thesaurus"),
        ("我的貓", "我的貓"),
        ("neighbor's dog", "neighbor's dog"),
    ],
)
def test_an_own_topic_gets_an_article_only_where_it_has_none(typed: str, said: str) -> None:
    assert with_article(typed) == said


@pytest.mark.parametrize(
    ("topic", "action", "style", "english", "chinese"),
    [
        (
            "dog",
            "riding a bicycle",
            "Joan Miro",
            "a dog riding a bicycle, Joan Miro style",
            "一隻狗在騎腳踏車，米羅風格",
        ),
        (
            "goldfish",
            "holding a balloon",
            "ink wash",
            "a goldfish holding a balloon, ink wash style",
            "一條金魚拿著氣球，水墨畫風格",
        ),
        (
            "umbrella",
            "walking on the moon",
            "ukiyo-e",
            "an umbrella walking on the moon, ukiyo-e style",
            "一把雨傘在月球上漫步，浮世繪風格",
        ),
    ],
)
def test_a_concept_reads_well_in_both_languages(
    topic: str, action: str, style: str, english: str, chinese: str
) -> None:
    parts = [
        next(word for word in PARTS[part] if word.en == name)
        for part, name in (("topics", topic), ("actions", action), ("styles", style))
    ]
    assert concept_text(*parts, language="en") == english
    assert concept_text(*parts, language="zh-TW") == chinese


def test_chinese_marks_what_is_going_on_once() -> None:
    for action in WORDS.actions:
        text = concept_text(WORDS.topics[0], action, WORDS.styles[0], "zh-TW")
        assert "在在" not in text
        assert not re.search("在.著", text), text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("topics.txt", "\ufeff# mine\r\n\r\ndog\r\n  my  cat \r\n"),
        ("topics.txt", "dog\nmy cat"),
        ("topics.yaml", "- dog\n- my cat\n"),
        ("topics.yml", "- {en: dog}\n- my cat\n"),
        ("topics.json", '["dog", {"en": "my cat"}]'),
    ],
)
def test_own_lists_are_read_and_missing_ones_fall_back(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    words = read_words(tmp_path)
    assert words.topics == (Word("dog", "dog"), Word("my cat", "my cat"))
    assert words.actions is WORDS.actions
    assert words.styles is WORDS.styles


def test_own_lists_may_have_chinese_names_and_words_that_yaml_would_change(tmp_path: Path) -> None:
    (tmp_path / "topics.yaml").write_text("- {en: dog, zh: 狗, measure: 隻}\n- no\n- 7\n", encoding="utf-8")
    (tmp_path / "styles.json").write_text(json.dumps([{"en": "felt", "zh": "羊毛氈"}]), encoding="utf-8")
    words = read_words(tmp_path)
    assert words.topics == (Word("dog", "狗", "隻"), Word("no", "no"), Word("7", "7"))
    assert words.styles == (Word("felt", "羊毛氈"),)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("topics.txt", "2::dog\ncat\n 0.5 :: my owl\n"),
        ("topics.yaml", "- dog: 2\n- {en: cat, weight: 1}\n- 0.5::my owl\n"),
        ("topics.json", '[{"dog": 2}, "cat", {"en": "my owl", "weight": 0.5}]'),
    ],
)
def test_a_weight_is_that_many_places_in_the_draw(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    words = read_words(tmp_path)
    assert [word.en for word in words.topics] == ["dog"] * 4 + ["cat"] * 2 + ["my owl"]


def test_equal_weights_are_no_weights(tmp_path: Path) -> None:
    (tmp_path / "topics.txt").write_text("3::dog\n3::cat\n", encoding="utf-8")
    assert [word.en for word in read_words(tmp_path).topics] == ["dog", "cat"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("topics.txt", b"", "topics.txt has no entries"),
        ("topics.txt", b"dog\n0::cat\n", "topics.txt, line 2: the weight 0 is not from 1/1,000 to 1,000"),
        ("topics.txt", b"dog\n1001::cat\n", "topics.txt, line 2: the weight 1001 is not from"),
        ("topics.yaml", b"- dog: heavy\n", "topics.yaml, line 1: the weight 'heavy' is not a number"),
        ("topics.yaml", b"- dog: 1/0\n", "topics.yaml, line 1: the weight '1/0' is not a number"),
        ("topics.json", b'[{"dog": true}]', "topics.json, entry 1: "),
        ("topics.txt", b"0.001::dog\n999.999::cat\n", "need 1,000,000 places in the draw; 100,000 are accepted"),
        ("topics.txt", b"# nothing but this\n\n", "topics.txt has no entries"),
        ("topics.yaml", b"", "topics.yaml has no entries"),
        ("topics.json", b"[]", "topics.json has no entries"),
        ("topics.txt", b"dog\ncat\nDog\n", "topics.txt, line 3: 'Dog' is there already, in line 1"),
        ("topics.yaml", b"- dog\n- cat\n- {en: dog}\n", "topics.yaml, line 3: 'dog' is there already, in line 1"),
        ("topics.json", b'["dog", "dog"]', "topics.json, entry 2: 'dog' is there already, in entry 1"),
        ("topics.txt", b"dog\nb\xe4r\n", "topics.txt cannot be read: line 2 is not UTF-8 text"),
        ("topics.txt", "dog\n".encode("utf-16-le"), "topics.txt, line 1: there is a NUL character"),
        ("topics.txt", b"dog\nca\x07t\n", "topics.txt, line 2: the entry contains control characters"),
        ("topics.txt", b"dog\n" + b"x" * 201, "topics.txt, line 2: the entry has 201 characters; 200 are accepted"),
        ("topics.yaml", b"- dog\n- [a, b\n", "topics.yaml, line 3: this is not YAML"),
        ("topics.yaml", b"- !!python/module:os\n", "topics.yaml, line 1: this is not YAML: the tag 'tag:yaml.org"),
        ("topics.yaml", b"dog: cat\n", "topics.yaml does not hold a list"),
        ("topics.yaml", b"- dog\n- {en: cat, zn: x}\n", "topics.yaml, line 2: 'zn': Extra inputs are not permitted"),
        ("topics.yaml", b"- {zh: x}\n", "topics.yaml, line 1: 'en': Field required"),
        ("topics.yaml", b"- [dog, cat]\n", "topics.yaml, line 1: "),
        ("topics.yaml", b"- ''\n", "topics.yaml, line 1: the entry is empty"),
        ("topics.json", b'["dog",\n', "topics.json, line 2: this is not JSON"),
        ("topics.json", b'{"en": "dog"}', "topics.json does not hold a list"),
        ("topics.json", b'["dog", 7]', "topics.json, entry 2: "),
        ("topics.json", b"[" * 100_000, "topics.json: this is not JSON"),
        ("topics.json", b"9" * 5_000, "topics.json: this is not JSON"),
        ("topics.yaml", b"{" * 20_000, "topics.yaml, line 1: this is not YAML: brackets are nested too deeply"),
        ("topics.txt", b"1" * 20_000, "topics.txt, line 1: the entry has 20,000 characters; 200 are accepted"),
        ("topic.txt", b"dog\n", "has no word list"),
    ],
)
def test_a_list_that_cannot_be_used_says_where(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WordListError) as caught:
        read_words(tmp_path)
    assert message in caught.value.message
    assert caught.value.hint


def test_no_folder_and_two_files_for_one_list(tmp_path: Path) -> None:
    with pytest.raises(WordListError, match="there is no folder"):
        read_words(tmp_path / "nowhere")
    (tmp_path / "topics.txt").write_text("dog")
    (tmp_path / "topics.yaml").write_text("- cat")
    with pytest.raises(WordListError, match=r"more than one list of topics: topics\.txt, topics\.yaml"):
        read_words(tmp_path)


def test_a_list_that_is_a_folder_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "topics.txt").mkdir()
    with pytest.raises(WordListError, match=r"topics\.txt cannot be read"):
        read_words(tmp_path)
