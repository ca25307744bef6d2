"""The refusal: whether an LLM declines, told from a prompt that only holds a word of regret."""

from __future__ import annotations

import re

_UNABLE = r"""(?:can['’]?t|cannot|can\snot|could\s?n['’]?t|could\snot|won['’]?t|will\snot|
    unable|not\s(?:currently\s)?(?:able|allowed|permitted|comfortable|willing|supposed)|do\snot|don['’]t)"""
#: With an apology in front, the verb alone says it.
_WORK = r"""(?:(?:help|assist|compl(?:y|ied|et)|fulfil|creat|generat|provid|produc|writ|draw|mak|depict|describ|support|
    continu|process|engag|answer|discuss|proceed|offer|respond|translat|visuali[sz]|feel\scomfortable)\w*|do(?:ing)?\b)"""
#: Without an apology it takes an object as well: "I cannot draw, says the cat" is a picture.
_WORK_ON_THIS = r"""(?:
      (?:help|assist)(?:ing)?(?:\s(?:you|with|in|here)\b|\W*$|[.,;!])
    | (?:comply|fulfil|support|continue|proceed|engage|process)\w*\b
    | (?:creat|generat|provid|produc|writ|draw|mak|depict|describ|answer|discuss|offer|respond|translat)\w*
      \s(?:[\w-]+\s){0,3}?(?:th(?:is|ese|at)\b(?!\s\w+\s(?:on|in|at)\b)|such|content|prompts?|images?|pictures?|requests?|concepts?|material|
         descriptions?|depictions?|explicit|graphic|sexual\w*|violen\w+|harmful|copyright\w*|trademark\w*)
    )"""

_REFUSAL = re.compile(
    rf"""(?:
        (?:(?:i['’]?m|i\sam|we['’]?re|we\sare|my)\s+)?(?:so|very|really|truly|terribly|deeply)?\s*
        (?:sorry|afraid|apologies|unfortunately|regrettably|sadly)\b
        (?:[^.:\n]{{0,80}}?\b(?:i|we)(?:\sam|\sare|['’]m|['’]re)?\s?|\W{{0,3}}){_UNABLE}\s(?:\w+\s){{0,3}}?{_WORK}
      | (?:sorry|i['’]?m\ssorry)\b[^.:\n]{{0,40}}\b(?:must|have\sto|need\sto)\s(?:\w+\s)?(?:decline|refuse)
      | (?:(?:i['’]?m|i\sam)\s+)?(?:sorry|afraid)\W+(?:but\s)?(?:this|that|your|the)\s
        (?:request|prompt|concept|content)\b
      | i\s(?:sincerely\s|do\s|must\s)?apologi[sz]e\b[^:\n]{{0,60}}\b{_UNABLE}\b
      | (?:this|that|your|the)\s(?:request|prompt|concept|content)\s(?:\w+\s){{0,2}}?(?:violates|goes\sagainst|
        is\snot\s(?:allowed|permitted|something\si))
      | as\san?\s(?:\w+\s)?(?:ai|artificial|language|large)\b[^.:\n]{{0,80}}?\b(?:i|we)\b\s?(?:am\s|['’]m\s)?
        {_UNABLE}\s(?:\w+\s){{0,3}}?{_WORK}
      | (?:i|we)(?:\sam|\sare|['’]m|['’]re)?\s?{_UNABLE}\s(?:to\s|be\sable\sto\s)?(?:\w+\s){{0,2}}?{_WORK_ON_THIS}
      | (?:i|we)\s(?:must|have\sto|need\sto|will\shave\sto)\s(?:\w+\s)?(?:decline|refuse)
      | (?:i|we)\sdecline\sto\b
      | (?:很|非常|真的)?(?:抱歉|對不起|对不起|不好意思)[^。\n]{{0,30}}?(?:無法|无法|不能|沒辦法|没办法|不便|不會|不会)
        [^。\n]{{0,8}}?(?:協助|协助|幫|帮|提供|生成|產生|产生|創作|创作|完成|處理|处理|滿足|满足|回答|繪製|绘制|描述|撰寫|写)
      | (?:很|非常)?(?:抱歉|對不起|对不起)[^。\n]{{0,20}}(?:請求|请求|要求|內容|内容)[^。\n]{{0,10}}(?:違反|违反)
      | (?:作為|作为|身為|身为)[^。\n]{{0,20}}(?:AI|人工智[慧能]|模型)[^。\n]{{0,20}}我?(?:無法|无法|不能)
      | 我(?:無法|无法|不能)(?:協助|协助|幫|帮|提供|生成|產生|产生|創作|创作|完成)
      | (?:申し訳|すみません|ごめんなさい)[^。\n]{{0,60}}(?:できません|できかねます|いたしかねます|お手伝い|お応え)
      | 죄송[^.\n]{{0,60}}(?:없습니다|없어요|않습니다)
      | (?:je\ssuis\s)?(?:vraiment\s)?désolée?\b[^.\n]{{0,60}}(?:ne\speux\spas|ne\spuis)
      | (?:es\stut\smir\sleid|entschuldigung|leider)\b[^.\n]{{0,60}}\b(?:kann|darf)\b[^.\n]{{0,60}}\bnicht\b
      | (?:lo\ssiento|lamento)\b[^.\n]{{0,60}}\bno\spuedo\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)

_QUOTED_FIRST = re.compile(
    r"""^\W*?(?:"[^"\n]*"|“[^”\n]*”|「[^」\n]*」|『[^』\n]*』|(?<!\w)'[^\n]*?'(?!\w)|‘[^\n]*?’(?!\w))(?P<rest>.*)""",
    re.DOTALL,
)
_SENTENCE = re.compile(r"(?<=[.!?。！？\n])\s+")


#: A refusal says so at once.
_BEGINNING = 600


def declines(text: str) -> bool:
    """Whether the text is a refusal from its first word on. Words of regret inside quotation marks are something to
    draw, and so is an apology that declines nothing.

    >>> declines("I'm sorry, but I can't help with that."), declines('"Sorry, we\\'re closed" sign on a shop door')
    (True, False)
    """
    text = text[:_BEGINNING]
    quoted = _QUOTED_FIRST.match(text)
    if quoted and re.search(r"\w", quoted["rest"]):
        return False
    return bool(_REFUSAL.match(re.sub(r"^\W+", "", text)))


def declines_later(text: str) -> bool:
    """Whether one of the first sentences of a text without prompts is a refusal: "Thank you. Sadly, I can't ..."."""
    return any(declines(sentence) for sentence in _SENTENCE.split(text.strip()[:_BEGINNING])[:5])
