"""`consent` and `suppress`: files in, files out, do-not-call lists."""

from pathlib import Path

import pytest

CONSENTS = """person,address,channel,topic,brand,granted,at,source,proof
ann,,sms,*,*,yes,2026-01-02T08:00:00+00:00,form,I agree
,bob@example.com,email,news,*,no,2026-02-03T08:00:00+00:00,page,
"""


@pytest.fixture
def store(run, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'kept.sqlite'}"
    assert run("db", "upgrade", "--store", url).code == 0
    return url


def test_consents_go_in_and_out_the_same(run, file, store, tmp_path):
    given = file(CONSENTS, "consents.csv")
    first = run("consent", "import", given, "--store", store, "--json")
    again = run("consent", "import", given, "--store", store)
    out = tmp_path / "out.csv"

    assert (first.json, again.out) == ({"new": 2}, "0 new consents.\n")
    assert run("consent", "export", out, "--store", store).code == 0
    assert out.read_text("utf-8") == CONSENTS
    assert run("consent", "export", "--store", store).out == CONSENTS


def test_an_export_overwrites_nothing(run, file, store):
    mine = file("mine", "mine.csv")

    ran = run("suppress", "export", mine, "--store", store)

    assert (ran.code, mine.read_text()) == (2, "mine")


def test_suppressions_go_in_with_their_reason_and_validity(run, file, store):
    given = file("address,expires_at\n+14155550101,2030-01-01\n+14155550102,\n", "list.csv")

    assert run("suppress", "import", given, "--reason", "dnc_registry", "--store", store, "--json").json == {"new": 2}
    rows = run("suppressions", "list", "--store", store, "--json").json["suppressions"]
    assert [(row["reason"], row["expires_at"]) for row in rows] == [
        ("dnc_registry", None),
        ("dnc_registry", "2030-01-01T00:00:00+00:00"),
    ]


def test_a_registry_says_who_was_compared_and_who_is_listed(run, file, store):
    given = file("address,listed\n+14155550101,yes\n+14155550102,no\n", "dnc.csv")

    ran = run("suppress", "registry", given, "--checked-on", "2026-11-01", "--valid-days", "31", "--store", store, "--json")

    assert ran.json == {"compared": 2, "listed": 1}
    assert len(run("suppressions", "list", "--store", store, "--json").json["suppressions"]) == 1


def test_a_file_of_the_byte_order_mark_and_stdin_are_read(run, file, store, tmp_path):
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbfaddress\r\n+14155550101\r\n")

    assert run("suppress", "import", path, "--store", store, "--json").json == {"new": 1}
    assert run("suppress", "import", "-", "--store", store, "--json", input="address\n+14155550102\n").json == {"new": 1}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("address,reason\n+14155550101,because\n", "row 1: reason: is none of"),
        ("number\n+14155550101\n", "row 1: number: is not a column"),
    ],
)
def test_a_fault_is_one_line_that_names_row_and_column(run, file, store, words, told):
    ran = run("suppress", "import", file(words, "bad.csv"), "--store", store)

    assert ran.code == 2
    assert told in ran.err
    assert "+1415" not in ran.err
