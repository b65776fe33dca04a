"""Advice on the wording of a recall text: short, one offer, concrete numbers, few items. It never stops a text."""

import re

from recallgate.text.findings import Finding

_NUMBER = re.compile(r"\d|[一二两三四五六七八九十百千万半][折元块天件份张倍价个]")
_MARKS = "、；;"
# What promises money or goods; two different promises in one text make people choose, and choosing they leave.
_OFFERS = re.compile(
    r"[\d一二三四五六七八九半](?:\.\d)?折|半价|满\d+(?:元)?[减送]\d*|立减\d+|\d+元(?:优惠)?(?:券|红包)|买[\d一二两三]送[\d一二两三]|包邮"
    r"|\d+ ?% ?(?:off|discount)|[$€£]\d+ ?off|free (?:shipping|delivery|gift)|buy \w+ get \w+|half price",
    re.I,
)


def check_wording(words: str, *, max_items: int = 3) -> list[Finding]:
    """What a text without its links and signature could say better."""
    found = []
    if not _NUMBER.search(words):
        found.append(Finding("warning", "offer.no_number", "no concrete number; say how much, how many or until when"))
    offers = {offer.lower() for offer in _OFFERS.findall(words)}
    if len(offers) > 1:
        found.append(Finding("warning", "offer.several", f"{len(offers)} offers; one is enough: name the best"))
    if sum(map(words.count, _MARKS)) < max_items and words.count("\n") < max_items:
        return found  # too few marks and lines for so many items
    lists = [
        len([part for part in re.split("[、；;]", sentence) if part.strip()]) for sentence in re.split("[。！？!?\n]", words)
    ]
    bullets = len(re.findall(r"(?m)^\s*(?:[-•*·]|\d+[.、)])\s*\S", words))
    items = max([*lists, bullets])
    if items > max_items:
        found.append(Finding("warning", "offer.many_items", f"{items} items; more than {max_items} are not read"))
    return found
