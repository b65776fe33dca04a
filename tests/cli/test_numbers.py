"""`stats`, `decide`, `segment`, `lint`, `review --counts`, `preflight`: JSON in, JSON out."""

import json
from pathlib import Path

import pytest

import recallgate.recall
from recallgate.stats.catalog import NAMES

GOLDEN = json.loads((Path(__file__).parent.parent / "data" / "golden" / "statistics.json").read_text("utf-8"))["cases"]
NOON_IN_BERLIN = {
    "now": "2026-11-23T11:00:00Z",
    "channel": "sms",
    "purpose": "marketing",
    "country": "DE",
    "zone": "Europe/Berlin",
}
NIGHT_IN_BERLIN = {**NOON_IN_BERLIN, "now": "2026-11-23T23:00:00Z"}
COUNTS = {
    "weights": [90, 10],
    "treatment": {"n": 9000, "returned": 700, "paid": 200, "retained_7d": 300, "margin_mean": 1.2, "margin_sd": 9},
    "control": {"n": 1000, "returned": 50, "paid": 10, "retained_7d": 20, "margin_mean": 0.7, "margin_sd": 8},
    "costs": {"message": 450, "labour": 100, "incentive": 900, "fixed": 0},
    "cac": 30,
}
FIGURES = {"audience": 20_000, "base_rate": 0.05, "expected_lift": 0.02, "value": 30, "cost_per_person": 0.05, "cac": 40}


def lines(*values: object) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


@pytest.mark.parametrize("case", GOLDEN, ids=[case["name"] for case in GOLDEN])
def test_golden_statistic_comes_out_of_the_command(run, case):
    name = max((one for one in NAMES if case["name"].startswith(one)), key=len)

    result = run("stats", name, "--json", input=lines(case["inputs"])).json

    assert set(result) == set(case["expected"])
    for key, expected in case["expected"].items():
        if case["tolerance"] and not isinstance(expected, bool):
            assert result[key] == pytest.approx(expected, rel=0, abs=case["tolerance"])
        else:
            assert result[key] == expected


def test_each_line_has_its_answer(run, file):
    given = file(lines({"k": 0, "n": 10}) + "\n" + lines({"k": 10, "n": 10}), "two.jsonl")

    answers = run("stats", "wilson", given, "--json").json_lines

    assert [(round(one["low"], 3), round(one["high"], 3)) for one in answers] == [(0.0, 0.278), (0.722, 1.0)]


def test_people_get_names_and_values(run):
    assert run("stats", "wilson", input=lines({"k": 0, "n": 10})).out == "low   0\nhigh  0.277533\n"


def test_no_lines_are_no_answers(run):
    ran = run("stats", "wilson", "--json", input="")

    assert (ran.code, ran.out) == (0, "")


def test_decisions_keep_the_order_of_lines(run):
    allowed, held = run("decide", "--json", input=lines(NOON_IN_BERLIN, NIGHT_IN_BERLIN)).json_lines

    keys = {"verdict", "until", "code", "policy", "rule_id", "tz_source", "facts", "channel", "trace"}
    assert set(allowed) == set(held) == keys
    assert (allowed["verdict"], allowed["until"], allowed["tz_source"]) == ("allow", None, "recipient")
    assert (held["verdict"], held["policy"]) == ("defer", "quiet_hours")
    assert held["until"].endswith("Z")
    assert held["until"] > NIGHT_IN_BERLIN["now"]


def test_decision_is_a_sentence_for_people(run):
    assert run("decide", input=lines(NIGHT_IN_BERLIN)).out.startswith("defer sms until 2026-11-24T")


def test_a_byte_order_mark_is_no_part_of_the_first_line(run):
    assert run("decide", "--json", input=b"\xef\xbb\xbf" + lines(NOON_IN_BERLIN).encode()).json["verdict"] == "allow"


@pytest.mark.parametrize("command", [("stats", "wilson"), ("decide",)])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b'{"k": 1,}\n', "stdin: line 1 column 9: not JSON"),
        (b'\n\n{"k": 1, "n": 2\n', "stdin: line 3 column 16: not JSON"),
        (b'{"k": NaN}\n', "stdin: line 1: NaN is no number in JSON"),
        (b'{"k": "\xff"}\n', "stdin: line 1: not UTF-8 text"),
        (b"[" * 100_000 + b"\n", "stdin: line 1: nested too deeply"),
        (b'{"surprise": 1}\n', "line 1: "),
        (b"[1, 2]\n", "line 1: "),
    ],
)
def test_a_broken_line_is_named(run, command, given, words):
    ran = run(*command, "--json", input=given)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {words}")
    assert ran.err.count("\n") == 1


def test_answers_before_a_broken_line_are_given(run):
    ran = run("decide", "--json", input=lines(NOON_IN_BERLIN) + "oops\n")

    assert (ran.code, len(ran.json_lines)) == (2, 1)
    assert ran.err.startswith("error: stdin: line 2 column 1: not JSON")


def test_lint_puts_signature_and_suffix_in_place(run):
    options = ("--country", "CN", "--signature", "商城", "--optout-suffix", "回T退订")

    found = run("lint", "sms", "好久不见，回来领8元券 https://a.cn/x", *options, "--json").json

    assert list(found) == ["text", "segments", "encoding", "findings"]
    assert found["text"] == "【商城】好久不见，回来领8元券 https://a.cn/x 回T退订"
    assert (found["segments"], found["encoding"]) == (1, "ucs2")
    assert [(one["level"], one["code"]) for one in found["findings"]] == [
        ("info", "signature.added"),
        ("info", "optout.suffix_added"),
    ]
    assert set(found["findings"][0]) == {"level", "code", "message"}


def test_lint_ends_with_one_for_people_only(run):
    bad = ("lint", "sms", "hi", "--country", "CN")

    assert run(*bad).code == 1
    assert "error: " in run(*bad).out
    assert run(*bad, "--json").code == 0


@pytest.fixture
def purchases(file) -> Path:
    """Three customers as of 2026-03-01: away for 60, 29 and 0 days."""
    return file(
        "customer_id,date,amount\n001,2025-12-31,10.00\n002,2026-01-31,20.00\n003,2026-02-01,5.00\n003,2026-03-01,7.50\n", "p.csv"
    )


def test_segment_counts_the_lapsed(run, purchases):
    found = run("segment", purchases, "--as-of", "2026-03-01", "--json").json

    assert list(found) == ["customers", "lapsed", "lapse_buckets", "score_counts", "cells"]
    assert (found["customers"], found["lapsed"]) == (3, 1)
    assert found["lapse_buckets"]["60-89"] == 1
    assert sum(found["cells"].values()) == 3


@pytest.mark.parametrize(("after", "lapsed"), [("29d", 2), ("30", 1), ("60d", 1), ("61d", 0), ("4w", 2), ("24h", 2)])
def test_lapsed_after_is_a_span(run, purchases, after, lapsed):
    assert run("segment", purchases, "--as-of", "2026-03-01", "--lapsed-after", after, "--json").json["lapsed"] == lapsed


def test_one_person_has_features_and_scores(run, purchases):
    found = run("segment", purchases, "--as-of", "2026-03-01", "--person", "003", "--json").json

    assert (found["customer_id"], found["orders"], found["monetary_cents"], found["days_since_last"]) == ("003", 2, 1250, 0)
    assert len(found["scores"]) == 3


def test_purchases_of_the_package_give_the_golden_counts(run):
    packed = Path(recallgate.recall.__file__).parent / "data" / "cdnow.csv.gz"

    found = run("segment", packed, "--as-of", "1998-06-30", "--json").json

    assert (found["customers"], found["lapsed"]) == (23_570, 22_064)
    assert {label: found["lapse_buckets"][label] for label in ("30-59", "90-179", "365+")} == {
        "30-59": 989,
        "90-179": 2059,
        "365+": 15_238,
    }
    assert found["score_counts"]["frequency"] == {"1": 11_908, "2": 0, "3": 4079, "4": 3658, "5": 3925}


def test_people_get_the_segment_as_tables(run, purchases):
    assert "3 customers, 1 lapsed" in run("segment", purchases, "--as-of", "2026-03-01").out


def test_review_of_counts_needs_no_store(run, file):
    found = run("review", "--counts", file(COUNTS), "--json").json

    assert found["verdict"] == "promising"
    assert found["statistics"]["lift"]["value"] == pytest.approx(700 / 9000 - 50 / 1000)
    assert found["statistics"]["cost"]["value"] == 1450


def test_review_writes_its_report(run, file, tmp_path):
    ran = run("review", "--counts", file(COUNTS), "--out", tmp_path / "report")

    assert ran.out.startswith("promising: ")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["report.html", "report.md", "review.json"]
    assert json.loads((tmp_path / "report" / "review.json").read_text("utf-8"))["verdict"] == "promising"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"treatment": {**COUNTS["treatment"], "returned": 9001}}, "treatment.returned must not exceed treatment.n"),  # type: ignore[dict-item]
        ({"weights": None}, "weights is missing"),
        ({"cost": {}}, "'cost' is not known"),
    ],
)
def test_wrong_counts_are_named(run, file, wrong, words):
    ran = run("review", "--counts", file({**COUNTS, **wrong}), "--json")

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_preflight_says_go_or_no_go(run, file):
    good = run("preflight", file(FIGURES), "--json").json
    bad = run("preflight", file({**FIGURES, "value": 0.1}))

    assert good["verdict"] in ("go", "warn")
    assert set(good) == {"verdict", "reasons", "numbers"}
    assert (bad.code, bad.out.splitlines()[0]) == (1, "no_go")
