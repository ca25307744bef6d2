"""Patterns: what they become, how many combinations they have, and what is said of the faulty ones."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from conftest import Twinseed

from ideation import DrawError, PatternError, PatternPlan, TwinseedError, Wildcards, read_wildcards
from ideation.draw import MAX_LISTED, Entry, Place, digits

FILES = {
    "animal.txt": "cat\n2::dog\n{red|grey} fox\n",
    "place.txt": "a __size__ {house|boat}\nthe moon\n",
    "size.txt": "small\nhuge\n",
    "once.txt": "${it=!__size__}${it} and ${it}\n",
    "self.txt": "me __self__\n",
    "a.txt": "__b__\n",
    "b.txt": "fine\n{x|a __c__}\n",
    "c.txt": "__a__\n",
    "broken.txt": "fine\nalso fine\nnot {fine\n",
    "missing.txt": "a __animl__\n",
    "deep/odd.txt": "oddity\n",
    **{f"grow{n}.txt": f"__grow{n + 1}____grow{n + 1}__\n" for n in range(40)},
    "grow40.txt": "{|}\n",
    **{f"chain{n}.txt": f"__chain{n + 1}__\n" for n in range(2000)},
    "chain2000.txt": "end\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wildcards")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def wildcards(folder: Path) -> Wildcards:
    return read_wildcards(folder)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("a cat", ["a cat"]),
        ("  two \n words ", ["two words"]),
        ("{a|b|2::c}", ["a", "b", "c"]),
        ("{a} {b|c}", ["a b", "a c"]),
        ("x{|y}", ["x", "xy"]),
        ("{a|{b|c{d|e}}}f", ["af", "bf", "cdf", "cef"]),
        ("{2$$ and $$a|b|c}", ["a and b", "a and c", "b and a", "b and c", "c and a", "c and b"]),
        ("{1-2$$a|b}", ["a", "b", "a, b", "b, a"]),
        ("{-2$$+$$a|b}", ["a", "b", "a+b", "b+a"]),
        ("{2-$$/$$a|b}", ["a/b", "b/a"]),
        ("{0-1$$a|b}!", ["!", "a!", "b!"]),
        ("{2$$$$a|b}", ["ab", "ba"]),
        ("{2$$\\|$$a|{b|c}}", ["a|b", "a|c", "b|a", "c|a"]),
        ("__size__", ["small", "huge"]),
        ("__animal__!", ["cat!", "dog!", "red fox!", "grey fox!"]),
        ("on __place__", ["on a small house", "on a small boat", "on a huge house", "on a huge boat", "on the moon"]),
        ("{2$$-$$__size__}", ["small-huge", "huge-small"]),
        ("__deep/*__ __siz?__", ["oddity small", "oddity huge"]),
        ("${x={a|b}}${x}${x}", ["aa", "ab", "ba", "bb"]),
        ("${x=!{a|b}}${x}${x}", ["aa", "bb"]),
        ("${x=!{a|b}}{${x}|c}${x}", ["aa", "ca", "bb", "cb"]),
        ("${x=!a}${y=!${x}b}${x=c}${x}${y}", ["cab"]),
        ("${x:{a|b}} {${x=c}${x}|d}", ["a c", "a d", "b c", "b d"]),
        ("__once__", ["small and small", "huge and huge"]),
        (r"\{a\|b\} \$\{x\} \__y\__ 1\::2 \\ \(c\)", [r"{a|b} ${x} __y__ 1::2 \ \(c\)"]),
        ("[a|b] costs $5, snake_case (x:1.2)", ["[a|b] costs $5, snake_case (x:1.2)"]),
        ("{一隻|兩隻}貓", ["一隻貓", "兩隻貓"]),
        ("____ and _____, (___) Mr. _____'s a __ b 貓____狗", ["____ and _____, (___) Mr. _____'s a __ b 貓____狗"]),
        ("_____ __size__", ["_____ small", "_____ huge"]),
        (
            "<lora:Ex__v1:1> <lora:my__cool__lora:0.5>, <a__b:1>",
            ["<lora:Ex__v1:1> <lora:my__cool__lora:0.5>, <a__b:1>"],
        ),
        ("<lora:__size__:1>", ["<lora:small:1>", "<lora:huge:1>"]),
        ("the __ and the (__) or __, of it", ["the __ and the (__) or __, of it"]),
        ("__ size __", ["small", "huge"]),
        ("{\n# colours\n  2::red # |\n| # others\n0.5::blue\n}\n# end", ["red #", "", "blue"]),
        ("{#1|#2} #3 __size__", [f"#{n} #3 {size}" for n in (1, 2) for size in ("small", "huge")]),
        (r"{\~a|\@b|!|?} 3\#__size__", [f"{a} 3#{b}" for a in ("~a", "@b", "!", "?") for b in ("small", "huge")]),
        ("{1/2::a|.5::b}", ["a", "b"]),
    ],
)
def test_the_combinations_of_a_pattern(pattern: str, texts: list[str], wildcards: Wildcards) -> None:
    plan = PatternPlan(pattern, wildcards)
    assert list(plan.enumerate()) == texts
    assert plan.count == len(texts)
    assert set(plan.draw(1, 0, 300)) == set(texts)


def test_weights_are_kept_in_the_draw(wildcards: Wildcards) -> None:
    counts = Counter(PatternPlan("{a|2.5::b|0.5::c} __animal__", wildcards).draw(7, 0, 8000))
    assert sum(n for text, n in counts.items() if text[0] == "b") == pytest.approx(5000, rel=0.05)
    assert sum(n for text, n in counts.items() if text[0] == "c") == pytest.approx(1000, rel=0.1)
    assert sum(n for text, n in counts.items() if text[2:] == "dog") == pytest.approx(4000, rel=0.05)


def test_any_place_of_a_draw_can_be_had_at_once(wildcards: Wildcards) -> None:
    plan = PatternPlan("{2$$ or $$__animal__|a|b} in __place__", wildcards)
    drawn = list(plan.draw(3, 0, 200))
    assert list(plan.draw(3, 120, 80)) == drawn[120:]
    assert list(plan.draw(4, 0, 200)) != drawn
    assert len(set(drawn)) > 30


@pytest.mark.parametrize(
    ("seed", "index", "text"),
    [
        (1, 3, "cat in the moon"),
        (1, 10**30, "cat and grey fox in a small house"),
        (2**63 - 1, 4, "dog and cat in a small boat"),
        (7, 1, "red fox in a huge boat"),
    ],
)
def test_a_seed_and_a_place_always_give_the_same_text(seed: int, index: int, text: str, wildcards: Wildcards) -> None:
    assert list(PatternPlan("{1-3$$ and $$__animal__} in __place__", wildcards).draw(seed, index, 1)) == [text]


def test_an_astronomical_space_is_counted_and_entered_anywhere(wildcards: Wildcards) -> None:
    plan = PatternPlan("{0|1|2|3|4|5|6|7|8|9}" * 900, wildcards)
    assert plan.count == 10**900
    number = 10**899 + 12345
    assert list(plan.enumerate(number, 1)) == [str(number)]
    assert digits(10**5000 + 7).endswith("0007")
    assert digits(1234567, ",") == "1,234,567"


def test_a_long_list_costs_no_more_for_being_used_often() -> None:
    entries = tuple(Entry(f"e{number}", Fraction(1), Place("big", number)) for number in range(50_000))
    started = time.process_time()
    plan = PatternPlan("__big__" * 1000 + "{2$$__big__}" * 300, Wildcards({"big": entries}))
    assert time.process_time() - started < 3, "a third of a second; the rest is for a busy machine"
    assert plan.count == 50_000**1000 * (50_000 * 49_999) ** 300


def test_picks_are_numbered_as_they_are_counted(wildcards: Wildcards) -> None:
    plan = PatternPlan("{1-3$$ $$a|{b|c}|{d|e|f}|g}", wildcards)
    options = [["a"], ["b", "c"], ["d", "e", "f"], ["g"]]

    def ordered(left: list[list[str]], picks: int) -> Iterator[list[str]]:
        if not picks:
            yield []
            return
        for place, texts in enumerate(left):
            for text in texts:
                for rest in ordered(left[:place] + left[place + 1 :], picks - 1):
                    yield [text, *rest]

    assert list(plan.enumerate()) == [" ".join(texts) for picks in (1, 2, 3) for texts in ordered(options, picks)]


FAULTS = [
    ("", "the pattern is empty", "give one"),
    ("a {b|c", "the pattern, line 1, column 3: this { is not closed", "add a }"),
    ("a\n  {b|{c}", "the pattern, line 2, column 3: this { is not closed", "add a }"),
    ("a} b", "the pattern, line 1, column 2: this } closes nothing", "\\}"),
    ("{}", "column 1: there is nothing to choose from", "{a|b}"),
    ("{2$$ }", "column 1: there is nothing to choose from", "{a|b}"),
    ("{2-1$$a|b}", "column 2: '2-1' is not a range", "smaller number first"),
    ("{0$$a|b}", "column 2: '0' is not a range", "smaller number first"),
    ("{x$$a|b}", "column 2: 'x' is not a range", "{1-2$$a|b|c}"),
    ("{$$a|b}", "column 2: '' is not a range", "{1-2$$a|b|c}"),
    ("{3$$a|b}", "column 1: 3 of 2 options are asked for", "fewer"),
    ("{3$$__size__}", "column 1: 3 of 2 options are asked for", "fewer"),
    ("{101$$" + "|".join("ab" * 60) + "}", "column 1: 101 options at once are asked for; 100 are accepted", "fewer"),
    ("{a|0::b}", "column 4: the weight 0 is not from 1/1,000 to 1,000", "2::b"),
    ("an __animl__", "column 4: there is no list called 'animl'", "did you mean 'animal'?"),
    ("__odd__", "there is no list called 'odd'", "did you mean 'deep/odd'?"),
    ("__zzzz/*__", "there is no list called 'zzzz/*'", "there are "),
    ("__size", "column 1: this __ is not closed", "\\__"),
    ("size__", "column 5: this __ is not closed", "\\__"),
    ("snake__case", "column 6: this __ is not closed", "\\__"),
    ("__deep\\odd__", "column 1: there is a backslash in the name 'deep\\\\odd'", "write __deep/odd__"),
    ("${b=odd}__deep/${b}__", "column 9: the name 'deep/${b}' has a variable or a choice", "__a/*__"),
    ("__deep/{odd|even}__", "column 1: the name 'deep/{odd|even}' has a variable or a choice", "{__a/x__|__a/y__}"),
    ("__size(x=2)__", "column 1: the name 'size(x=2)' has parameters", "into the list"),
    ("__~size__", "column 1: the mark ~ of another program stands before the name", "drawn at random"),
    ("{~a|b}", "column 2: the mark ~ of another program stands before the options", "\\~"),
    ("{@2$$a|b}", "column 2: the mark @ of another program stands before the options", "\\@"),
    ("a 3#__size__", "column 3: 3# before a wildcard is not read", "{2$$__size__}"),
    ("{2$$ $$3#__size__}", "column 8: 3# before a wildcard is not read", "{2$$__size__}"),
    ("{2$$|$$a|b}", "column 6: this $$ stands inside an option", "\\|"),
    ("{a|b$$c}", "column 5: this $$ stands inside an option", "\\$\\$"),
    ("{# bright 2::red|blue}", "column 11: the weight does not stand at the beginning", "{a|2::b}"),
    ("{a 2::b|c}", "column 4: the weight does not stand at the beginning", "{a|2::b}"),
    ("{-1::a|b}", "column 2: the weight -1 is not from 1/1,000", "2::b"),
    ("{a|1,5::b}", "column 4: the weight '1,5' is not a number", "2::b"),
    ("${colour=red}${color}", "column 14: the variable 'color' is not set here", "did you mean 'colour'?"),
    ("${x}", "column 1: the variable 'x' is not set here", "${x=...}"),
    ("${x=${x}}", "column 5: the variable 'x' is not set here", "${x=...}"),
    ("{${x=a}|b}${x}", "column 11: the variable 'x' is not set here", "${x=...}"),
    ("${x=a", "column 1: this ${ is not closed", "add a }"),
    ("${3}", "column 1: this is not a variable", "${name=...}"),
    ("__self__", "self.txt, line 1, column 4: the lists lead round in a circle: self -> self", "take one"),
    ("{a|__a__}", "c.txt, line 1, column 1: the lists lead round in a circle: a -> b -> c -> a", "take one"),
    ("__broken__", "broken.txt, line 3, column 5: this { is not closed", "add a }"),
    ("__missing__", "missing.txt, line 1, column 3: there is no list called 'animl'", "did you mean 'animal'?"),
    ("__grow0__", ": this can become ", "repeat less"),
    ("__chain0__", "this lies more than 50 deep in others", "nest less"),
    ("{" * 10_000 + "a" + "}" * 9_999, "line 1, column 51: braces", "nest less"),
    ("{" * 10_000, "line 1, column 51: braces lie more than 50 deep", "nest less"),
    ("{2$$" + "\\" * 19_000, "line 1, column 1: this { is not closed", "add a }"),
    ("{" + "1" * 19_000, "line 1, column 1: this { is not closed", "add a }"),
    ("${a=" * 5_000, "braces lie more than 50 deep", "nest less"),
    ("".join(f"${{v{n}={{a|${{v{n - 1}:b}}}}}}" for n in range(1, 500)) + "${v499}", "50 deep in others", "nest less"),
    ("x" * 20_001, "line 1, column 1: this has 20,001 characters; 20,000 are accepted", "in a file"),
    (
        "${x={abcd|e}}" + "${x}" * 4_900,
        "column 1: this can become 29,401 characters long; 20,000 are accepted",
        "repeat less",
    ),
]


@pytest.mark.parametrize(("pattern", "message", "hint"), FAULTS, ids=lambda text: text[:24])
def test_a_fault_is_named_with_its_place(pattern: str, message: str, hint: str, folder: Path) -> None:
    wildcards = read_wildcards(folder)
    started = time.process_time()
    with pytest.raises(PatternError) as caught:
        PatternPlan(pattern, wildcards)
    assert time.process_time() - started < 1, "milliseconds; the rest is for a busy machine"
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("pattern", "start", "count", "message"),
    [
        ("{a|b|c}" * 40, 0, None, f"the pattern has {3**40:,} combinations; {MAX_LISTED:,} are listed at once"),
        ("{a|b}", 2, None, "combinations 2 to 1 were asked for, but the pattern has 2"),
        ("{a|b}", 0, 3, "combinations 0 to 2 were asked for, but the pattern has 2"),
        ("{a|b}", 0, 0, "combinations 0 to -1 were asked for"),
        ("{a|b}", -1, 1, "combinations -1 to -1 were asked for"),
    ],
)
def test_what_cannot_be_listed(pattern: str, start: int, count: int | None, message: str, wildcards: Wildcards) -> None:
    with pytest.raises(DrawError) as caught:
        PatternPlan(pattern, wildcards).enumerate(start, count)
    assert message in caught.value.message


@pytest.mark.parametrize(("seed", "start", "count"), [(-1, 0, 1), (0, -1, 1), (0, 0, 0)])
def test_what_cannot_be_drawn(seed: int, start: int, count: int, wildcards: Wildcards) -> None:
    with pytest.raises(DrawError, match="were asked for"):
        PatternPlan("{a|b}", wildcards).draw(seed, start, count)


def test_the_command_draws_lists_and_checks(twinseed: Twinseed, folder: Path) -> None:
    pattern = ("ideas", "--pattern", "{a|b} __size__", "--words", str(folder))
    assert twinseed(*pattern, "--all").out.splitlines() == ["a small", "a huge", "b small", "b huge"]
    assert twinseed(*pattern, "--check").out == "ok, 4 combinations\n"
    assert twinseed(*pattern, "--check", "--json").out == '{"combinations": "4"}\n'
    assert twinseed(*pattern, "--all", "--start", "3", "--json").out == (
        '{"index": 3, "topic": null, "action": null, "style": null, "text": "b huge"}\n'
    )
    drawn = twinseed(*pattern, "-n", "20", "--seed", "5").out.splitlines()
    assert len(drawn) == 20
    assert twinseed(*pattern, "-n", "5", "--seed", "5", "--start", "15").out.splitlines() == drawn[15:]
    assert twinseed("ideas", "--pattern", "__topics__", "--all", "-n", "2").out == "dog\ncat\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--pattern", "{a"), "error: the pattern, line 1, column 1: this { is not closed\nhint: "),
        (("--pattern", "a", "--topic", "dog"), "error: --pattern was given with --topic"),
        (("--pattern", "a", "--exclude", "dog"), "error: --pattern was given with --topic"),
        (("--check",), "error: --all and --check belong to a pattern"),
        (("--exclude", "catt"), "error: 'catt' is to be left out, but no list has it\nhint: did you mean 'cat'?"),
    ],
)
def test_the_command_says_what_is_wrong(options: tuple[str, ...], message: str, twinseed: Twinseed) -> None:
    done = twinseed("ideas", *options)
    assert (done.code, done.out) == (1, "")
    assert message in done.err


def test_every_fault_is_one_the_user_can_mend() -> None:
    assert issubclass(PatternError, TwinseedError)
