"""The report: its three headline numbers, its sections, safe and stable bytes."""

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from recallgate.review import Collected, Report, ReviewCounts, Side, evaluate
from recallgate.review.collected import Guardrail, Handling, ReasonCount, Stage, StateCount
from recallgate.review.counts import ChannelCounts, Costs, Pair
from recallgate.review.reasons import sentence_of
from recallgate.review.report import rounded
from recallgate.review.svg import nice_ticks

EVIL = '<script>alert("x")</script> & [link](http:x) | `code`'
VOID = {"meta", "line", "circle", "rect", "polygon", "polyline", "link", "br"}
PHARMACY = ReviewCounts(Side(30, 3, 2, 1))  # 30 buyers, 3 returned, 2 ordered


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []  # type: ignore[list-item]  # checked just before
        self.links += [value for name, value in attrs if name in ("href", "src", "action") and value is not None]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def _collected() -> Collected:
    treated = Side(1000, 120, 40, 50, 3.0, 9.0, by_day=(30, 60, 90, 120), repeated=4)
    control = Side(500, 30, 8, 10, 1.0, 4.0, by_day=(5, 10, 20, 30))
    counts = ReviewCounts(
        treated,
        control,
        (2, 1),
        Costs(100, 50, 25, 0),
        cac=20.0,
        window_days=3,
        by_arm={EVIL: Side(500, 70, 0, 0), "plain": Side(500, 50, 0, 0)},
        by_tier={"high": Pair(Side(400, 60, 0, 0), Side(200, 12, 0, 0))},
        by_channel=(ChannelCounts("sms", 1000, 900, 850, 100, 900, 60, 20, 3, 1, 2, 100.0),),
    )
    return Collected(
        "spring",
        counts,
        0.0,
        funnel=(Stage("assigned", 1000), Stage("sent", 900, 900), Stage("returned", 120), Stage("paid", 40)),
        reasons=(ReasonCount("drop", "frequency_cap", "cap.channel.sms.1d", 7), ReasonCount("defer", EVIL, EVIL, 1)),
        states=(StateCount("suppressed", "cap.channel.sms.1d", 7), StateCount("delivered", "", 850)),
        handling=Handling(3, 2, 0, 2),
        guardrails=(Guardrail("opt_out", "*", 4, 1000, 1, 500), Guardrail("complaint", "sms", 1, 900)),
        clicks_not_human=12,
    )


def _report(language: str = "en") -> Report:
    collected = _collected()
    plan = {"hypothesis": EVIL, "play": ["sms", EVIL], "offer": {"coupon": EVIL}, EVIL: EVIL}
    return Report(evaluate(collected.counts), collected, plan, language, "CNY", EVIL)


def _page(report: Report) -> Page:
    page = Page()
    page.feed(report.html())
    page.close()
    return page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_well_formed(language: str) -> None:
    page = _page(_report(language))

    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_loads_nothing_and_runs_nothing(language: str) -> None:
    text = _report(language).html().replace("http:x", "")

    assert not re.search(r"https?:|//[a-z]|@import|url\(|<script|<link|<img|\son[a-z]+=", text)


def test_every_text_is_escaped() -> None:
    report = _report()

    assert "<script>" not in report.html()
    assert EVIL in _page(report).said
    assert "<script>" not in report.markdown()
    assert "[link](" not in report.markdown()


def test_drawings_are_well_formed_and_named() -> None:
    drawings = re.findall(r"<svg.*?</svg>", _report().html(), flags=re.DOTALL)

    assert len(drawings) == 5  # rates, curve, arms, tiers, funnel
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)  # noqa: S314 - made by us
        assert root.get("role") == "img"
        assert root.find("title") is not None


def test_exactly_three_numbers_lead() -> None:
    html, data = _report().html(), json.loads(_report().json())

    assert html.count('<div class="card">') == 3
    assert list(data["headline"]) == ["pay_rate", "recall_rate", "retention_7d"]


def test_the_pharmacy_case_is_printed_with_its_interval() -> None:
    report = Report.of_counts(PHARMACY, name="pharmacy")

    assert "3/30 = 10 % [3.5 %, 25.6 %]" in report.markdown()
    assert "single users move the result" in report.markdown()
    assert "2/3 = 66.7 %" in report.markdown()


def test_plan_quality_and_cost_are_there_even_when_empty() -> None:
    page = _page(Report.of_counts(ReviewCounts(Side(0, 0, 0, 0)), name="empty"))

    assert {"plan", "quality", "cost"} <= set(page.ids)


def test_numbers_carry_definition_denominator_and_window_in_both_languages() -> None:
    for figure in json.loads(_report().json())["statistics"].values():
        assert figure["window_days"] == 3
        for part in ("definition", "denominator", "label"):
            assert all(figure[part][language] for language in ("en", "zh"))


def test_both_languages_say_the_same_numbers() -> None:
    numbers = [re.findall(r"\d+/\d+ = [\d.]+ %", _report(language).markdown()) for language in ("en", "zh")]

    assert numbers[0] == numbers[1]
    assert len(numbers[0]) > 10
    assert "召回率" in _report("zh").markdown()


def test_json_is_stable_and_sorted() -> None:
    first = _report().json()

    assert first == _report().json()
    assert list(json.loads(first)) == sorted(json.loads(first))


def test_floats_keep_ten_significant_digits() -> None:
    assert rounded({"a": 1 / 3, "b": (float("inf"), -0.0, 12345678901.25), "c": True}) == {
        "a": 0.3333333333,
        "b": [None, 0.0, 12345678900.0],
        "c": True,
    }
    assert str(rounded(-0.0)) == "0.0"


def test_dropped_messages_are_explained() -> None:
    text = _report().markdown()

    assert "The person had received as much as the frequency cap allows." in text
    assert "cap.channel.sms.1d" in text


@pytest.mark.parametrize(
    ("code", "begins"),
    [
        ("quiet_hours.outside_window", "It was outside the allowed hours"),
        ("cap.min_gap.sms", "The last message"),
        ("suppressed.opt_out", "The person had opted out"),
        ("acme.own_rule", "A reason of the app"),
        ("", "A reason of the app"),
    ],
)
def test_a_code_is_explained_by_its_longest_known_beginning(code: str, begins: str) -> None:
    assert sentence_of(code).en.startswith(begins)


def test_a_language_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="language must be one of en, zh"):
        _report("fr")


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 0.1, (0.0, 0.025, 0.05, 0.075, 0.1)),
        (-0.01, 0.06, (-0.02, 0.0, 0.02, 0.04, 0.06)),
        (0.0, 0.0, (0.0, 1.0)),
    ],
)
def test_axes_have_round_numbers(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert nice_ticks(low, high) == ticks
