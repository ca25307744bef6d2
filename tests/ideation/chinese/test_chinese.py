"""Chinese without a language model: everyday concepts, their grammar, and what cannot be translated."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ideation import (
    DictionaryError,
    DraftedPrompts,
    DraftRequest,
    OfflineExpander,
    TranslationError,
    UnclearChinese,
    UnknownChinese,
    Vocabulary,
    built_in_words,
    draw_many,
    seedling_vocabulary,
    typed_concept,
)
from ideation.chinese import dictionary, translate
from ideation.chinese.lexicon import FOLDER
from ideation.chinese.script import fold
from ideation.errors import told
from templates import own_yaml

SEEDLING = seedling_vocabulary()
HAN = re.compile(r"[\u3400-\u9fff，。、]")


def concepts(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = own_yaml(Path(__file__).parent / name)
    return found


def draft(text: str, vocabulary: Vocabulary | None = None) -> DraftedPrompts:
    return OfflineExpander().draft(DraftRequest(typed_concept(text), 0, 77, vocabulary))


def says(english: str, words: list[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(word)}", english, re.IGNORECASE) for word in words)


@pytest.mark.parametrize(
    ("name", "count", "goal"), [("chinese_concepts.yaml", 100, 98), ("chinese_concepts_2.yaml", 160, 150)]
)
def test_everyday_concepts_keep_subject_and_action(name: str, count: int, goal: int) -> None:
    cases, wrong = concepts(name), []
    assert len(cases) == count
    for case in cases:
        english = translate(case["zh"]).english
        assert not HAN.search(english), english
        if not (says(english, case["subject"]) and says(english, case["action"])):
            wrong.append(f"{case['zh']}: {english}")
    print(f"{name}: subject and action right in {count - len(wrong)} of {count}", *wrong, sep="\n")
    assert count - len(wrong) >= goal, wrong


def test_no_prompt_has_chinese_in_it() -> None:
    for case in concepts("chinese_concepts.yaml")[::10]:
        for vocabulary in (None, SEEDLING):
            made = draft(case["zh"], vocabulary)
            assert not HAN.search(made.simple + made.expanded + made.negative), made
            assert made.language == "zh-TW"


def test_every_drawn_concept_translates_back() -> None:
    words = built_in_words()
    for one, other in zip(draw_many(words, 6, 0, 250), draw_many(words, 6, 0, 250, "zh-TW"), strict=True):
        assert translate(other.text).english == one.text
        assert not translate(other.text).lookups
    for part in (words.topics, words.actions, words.styles):
        for word in part:
            ending = f"狗在看書，{word.zh}風格" if part is words.styles else word.zh
            assert word.en.split(" of ")[-1] in translate(ending).english


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        # Words that Seedling learnt, in any order
        ("一隻狗在騎腳踏車，米羅風格", "a dog riding a bicycle, Joan Miro style"),
        ("狗騎單車", "a dog riding a bicycle"),
        # English sentences with Chinese words in them, and Chinese ones with English words
        ("a 貓 riding a 腳踏車 in 台北 101", "a cat riding a bicycle in Taipei 101"),
        ("a cute 企鵝 wearing 墨鏡", "a cute penguin wearing sunglasses"),
        ("my 貓 is 睡覺 on the 沙發", "my cat is sleeping on the sofa"),
        ("an 老虎 in the 森林, watercolor style", "a tiger in the forest, watercolor style"),
        ("two 貓 with 帽子", "two cats with a hat"),
        ("one 企鵝 playing the 鋼琴 at 日落", "one penguin playing the piano at sunset"),
        ("一隻狗 and 一隻貓", "a dog and a cat"),
        ("一隻貓 riding a bicycle on the 月亮", "a cat riding a bicycle on the moon"),
        ("The Beatles 在跳舞", "The Beatles dancing"),
        ("a cat 在睡覺", "a cat sleeping"),
        ("一隻在 sleeping 的貓", "a sleeping cat"),
        ("一隻 penguin 在打 drums", "a penguin hitting drums"),
        # What is lacked, not wanted or not liked
        ("三隻貓在月亮上打麻將，沒有椅子", "three cats playing mahjong without a chair on the moon"),
        ("一隻狗在海邊跑步，不要雨傘", "a dog running without an umbrella on a beach"),
        ("不喜歡吃魚的貓", "a cat not liking to eat a fish"),
        ("不要跑的狗", "a dog not running"),
        ("不怕冷的企鵝", "a penguin not afraid of the cold"),
        ("不見了的貓", "a missing cat"),
        ("王小明在踢足球", "Wang Xiao Ming kicking a ball"),
        # Which one it is, dozens, and where nothing is named that it would be beside
        ("第三隻貓", "the third cat"),
        ("半打雞蛋", "half a dozen eggs"),
        ("鯨魚在天上飛，下面有人在看", "a whale flying in the sky, a person looking below"),
        ("後面有一座山", "a mountain behind"),
        ("狗騎自行車", "a dog riding a bicycle"),
        ("一隻紅色的狗在海灘上騎腳踏車，水彩風格", "a red dog riding a bicycle on a beach, watercolor style"),
        ("水彩風格的貓頭鷹在夜晚看書", "an owl reading a book at night, watercolor style"),
        (
            "雪中的企鵝在山裡撐傘、油畫",
            "a penguin holding an umbrella in the mountains in the snow, oil painting style",
        ),
        ("一隻熊貓正在太空中彈吉他。", "a panda playing the guitar in outer space"),
        ("紫色章魚", "a purple octopus"),
        ("小狗", "a puppy"),
        ("柴犬", "a Shiba Inu dog"),
        # How many and how much
        ("兩隻貓", "two cats"),
        ("三個機器人", "three robots"),
        ("100隻企鵝", "100 penguins"),
        ("一群老鼠", "a group of mice"),
        ("兩杯珍珠奶茶", "two cups of bubble tea"),
        ("半個西瓜", "half a watermelon"),
        ("很多星星", "many stars"),
        # What stands before 的
        ("戴著帽子的貓在看書", "a cat wearing a hat reading a book"),
        ("貓戴著媽媽的帽子", "a cat wearing a mother's hat"),
        ("一隻很可愛的小貓", "a cute kitten"),
        ("我的貓", "my cat"),
        ("在月球上的太空人", "an astronaut on the moon"),
        ("媽媽做的便當", "a bento box made by a mother"),
        ("用紙做的船", "a boat made of paper"),
        ("一隻眼睛發光的貓", "a cat with eyes shining"),
        # Where, when and with whom
        ("桌上有一個蛋糕", "a cake on a table"),
        ("樹上坐著一隻猴子", "a monkey sitting in a tree"),
        ("狗在橋下睡覺", "a dog sleeping under a bridge"),
        ("貓在狗旁邊睡覺", "a cat sleeping beside a dog"),
        ("貓跟狗下棋", "a cat playing chess with a dog"),
        ("貓、狗和兔子在野餐", "a cat, a dog and a rabbit picnicking"),
        ("熊在考試時睡覺", "a bear sleeping while taking an exam"),
        ("夜晚的台北，一隻貓在散步", "a cat walking in Taipei at night"),
        # Verbs and their objects
        ("狗打籃球", "a dog playing basketball"),
        ("狗打鼓", "a dog playing the drums"),
        ("貓把花瓶打破", "a cat breaking a vase"),
        ("貓把球丟進水桶", "a cat throwing a ball into a bucket"),
        ("貓把雲當枕頭", "a cat using a cloud as a pillow"),
        ("武士用香蕉當劍", "a samurai using a banana as a sword"),
        ("火車開進雲裡", "a train driving into the clouds"),
        ("沒有人的街道", "a street without people"),
        ("老鼠被貓追", "a mouse being chased by a cat"),
        ("熊用筷子吃麵", "a bear eating noodles with chopsticks"),
        ("企鵝想飛", "a penguin wanting to fly"),
        ("狗跑得很快", "a dog running fast"),
        ("小孩開心地跳舞", "a child dancing happily"),
        # Names, styles and other scripts
        ("關公", "Guan Yu"),
        ("台北101", "Taipei 101"),
        ("臺北101", "Taipei 101"),
        ("貓，像素風", "a cat, pixel art style"),
        ("狗在玩 Switch", "a dog playing with Switch"),
        ("我的dog", "my dog"),
        ("两只猫在看书", "two cats reading a book"),
        ("小狗 在海邊 放風箏", "a puppy flying a kite on a beach"),
    ],
)
def test_how_chinese_is_said_in_english(chinese: str, english: str) -> None:
    assert translate(chinese).english == english


def test_sentences_as_people_type_them() -> None:
    table: Any = concepts("chinese_sentences.yaml")
    wrong = [f"{zh}: {said}" for zh, en in table.items() if (said := translate(zh).english) != en]
    assert not wrong, wrong


def test_unknown_words_are_named_in_chinese_quotation_marks() -> None:
    with pytest.raises(UnknownChinese) as raised:
        translate("🐱在🚗裡")
    assert raised.value.told("zh-TW")[0] == "詞表和字典裡都沒有「🐱在🚗裡」中的「🐱」、「🚗」"


def test_what_could_be_read_in_another_way_is_told() -> None:
    text = "霓虹燈閃爍的重慶森林"
    assert translate(text).doubtful == (text,)
    (warning,) = draft(text).warnings
    assert warning.startswith(f"This could be read in another way as well: {text}.")
    assert told(warning, "zh-TW").startswith(f"這段話也可以有別的讀法：{text}。")
    with pytest.raises(UnclearChinese, match="cannot be made out") as caught:
        translate("說和被把的在讓比著了")
    assert "--simple" in caught.value.hint


def test_the_language_is_told_by_its_characters() -> None:
    assert [draft(text).language for text in ("一隻貓在看書", "一只猫在看书", "狗在山上")] == [
        "zh-TW",
        "zh-CN",
        "zh-TW",
    ]


def test_words_from_the_dictionary_are_named() -> None:
    translation = translate("鯊魚戴著呼吸器游泳")
    assert [(word.chinese, word.english) for word in translation.lookups] == [("呼吸器", "ventilator")]
    (warning,) = draft("鯊魚戴著呼吸器游泳").warnings
    assert '呼吸器 "ventilator"' in warning
    assert "--simple" in warning
    assert not draft("鯊魚在游泳").warnings


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("犬が自転車に乗っている", TranslationError, "reads English and Chinese"),
        ("자전거를 타는 개", TranslationError, "reads English and Chinese"),
        ("собака на велосипеде", TranslationError, "reads English and Chinese"),
        ("สุนัขขี่จักรยาน", TranslationError, "reads English and Chinese"),
        ("كلب يركب دراجة", TranslationError, "reads English and Chinese"),
        ("un perro en la playa con una pelota", TranslationError, "reads English and Chinese"),
        ("桜が咲く", TranslationError, "reads English and Chinese"),
        ("一隻㸃㸃在看書", UnknownChinese, "no dictionary here has '㸃㸃'"),
        ("老虎伍茲打高爾夫", UnknownChinese, "no dictionary here has '伍茲'"),
        ("貓" * 301, TranslationError, "301 characters of Chinese are too many"),
        ("狗在看書🐶", UnknownChinese, "no dictionary here has '🐶'"),
    ],
)
def test_what_cannot_be_translated_says_what_to_do(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        draft(text)
    problem: Any = caught.value
    assert message in problem.message
    for way in ("GEMINI_API_KEY", "OPENAI_BASE_URL", "--simple"):
        assert way in problem.hint


def test_without_the_dictionary_our_own_words_still_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lindera", None)
    dictionary._dictionary.cache_clear()
    dictionary._meanings.cache_clear()
    try:
        assert translate("企鵝在夜市吃臭豆腐").english == "a penguin eating stinky tofu at a night market"
        with pytest.raises(DictionaryError, match="dictionary is not installed") as caught:
            translate("企鵝坐救生艇")
        assert "lindera-python-cc-cedict" in caught.value.hint
    finally:
        dictionary._dictionary.cache_clear()


class _Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Refuses a key that stands twice in a mapping, of which YAML takes the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(set(keys)) == len(keys), f"{node.start_mark}: {[key for key in keys if keys.count(key) > 1]}"
        return super().construct_mapping(node, deep)


def test_no_word_of_ours_stands_twice() -> None:
    nouns: list[str] = []
    for file in sorted(FOLDER.rglob("*.yaml")):
        table = yaml.load(file.read_text(encoding="utf-8"), Loader=_Strict)  # noqa: S506 - a safe loader
        if isinstance(table, list):
            tables = [words for group in table for words in group.values() if isinstance(words, dict)]
            nouns += [fold(word) for words in tables for text in words.values() for word in str(text).split()]
        elif file.stem == "verbs":
            for parts in (("of", "verbs"), ("alone", "actions")):
                verbs = [
                    fold(word)
                    for part in parts
                    for english, words in table[part].items()
                    for word in ([english] if part == "of" else words.split())
                ]
                assert len(set(verbs)) == len(verbs), [word for word in verbs if verbs.count(word) > 1]
        elif file.stem == "modifiers":
            for part, entries in table.items():
                words = [fold(word) for text in entries.values() for word in text.split()]
                assert len(set(words)) == len(words), (part, [word for word in words if words.count(word) > 1])
    assert len(set(nouns)) == len(nouns), [word for word in nouns if nouns.count(word) > 1]
