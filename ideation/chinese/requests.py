"""Requests: what people say around a concept when they ask for a picture: 請幫我畫一隻貓, 一張貓的照片, 用水彩畫"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple

from ideation.chinese.script import fold

_COUNTED = "(?=[一兩两二三四五六七八九十幾几半0-9])"
_ASKED = re.compile(
    r"(?:(?:請|请|麻煩|麻烦)(?:你|妳|您)?)?(?:(?:可以)?(?:幫|帮|給|给|替)我|我想要|我想|我要)?(?:畫出|画出|畫|画|生成|產生|产生|繪製|绘制|製作|制作)(?:一下|個|个)?"
    rf"(?:一?[張张幅](?:圖|图|畫|画)?[，,:：]?|{_COUNTED})"
    rf"|(?:請|请)?(?:給|给)我{_COUNTED}|我(?:想要|要|想看){_COUNTED}"
)
_PICTURE = re.compile(
    r"(?:一?[張张幅])?(?P<what>.{2,})(?:的)(?P<kind>圖|图|圖片|图片|圖像|图像|畫面|画面|照片|相片|場景|场景|樣子|样子)"
)
_MEDIUM = re.compile(
    r"(?:用|以)(?P<style>.{1,8}?)(?:(?:的)?(?P<way>風格|风格|畫風|画风|方式|技法|筆觸|笔触|手法|風|风))?(?:來|来)?"
    rf"(?:畫出|画出|畫|画|繪製|绘制|呈現|呈现|表現|表现)(?:一?[張张幅]|(?(way)|{_COUNTED}))"
)

#: A side of the picture, which is meant where only a side is named.
_OF_THE_PICTURE = re.compile(
    r"(?:這|这|整)?[張张幅個个]?(?:畫面|画面|圖片|图片|圖像|图像|照片|圖畫|图画|圖|图)(?:中|裡|里)?的?(?=[左右](?:手?[邊边側侧]|方|半[邊边]))"
)


class Request(NamedTuple):
    """A clause without what was said around it, and the names of styles that were said there."""

    clause: str
    styles: tuple[str, ...] = ()


def without_request(clause: str, styles: Container[str]) -> Request:
    """The clause as a concept. `styles` are the Chinese names of styles, folded.

    >>> without_request("請幫我畫一隻貓", ()), without_request("用水彩畫一隻貓", ("水彩",))
    (Request(clause='一隻貓', styles=()), Request(clause='一隻貓', styles=('水彩',)))
    >>> without_request("畫面左邊有一隻貓", ()).clause
    '左邊有一隻貓'
    """
    clause = _OF_THE_PICTURE.sub("", clause)
    named: tuple[str, ...] = ()
    medium = _MEDIUM.match(clause)
    if medium and fold(medium["style"]) in styles:
        clause, named = clause[medium.end() :], (medium["style"],)
    elif (asked := _ASKED.match(clause)) and asked.end() < len(clause):
        clause = clause[asked.end() :]
    picture = _PICTURE.fullmatch(clause)
    if picture:
        kind = ("照片",) if picture["kind"] in ("照片", "相片") and fold("照片") in styles else ()
        return Request(picture["what"], named + kind)
    return Request(clause, named)
