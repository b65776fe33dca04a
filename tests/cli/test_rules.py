"""`recallgate rules`: rows of a place, changes of the settings, rows that are old."""

SETTINGS = """
[rules.fr-voice]
windows = [{ days = [1, 2], start = "10:00", end = "12:00" }]
as_of = "2026-11-01"
source = "our counsel"

[rules.us-wa]
removed = true
"""


def test_a_place_has_its_rules_with_hours_limits_source_and_certainty(run):
    shown = run("rules", "show", "FR", "--channel", "voice", "--today", "2026-11-22").out

    for words in (
        "fr-voice (law, certainty H, read 2026-11-22)",
        "Mon Tue Wed Thu Fri  14:00-20:00",
        "at most 4 attempts in 30 days (rolling)",
        "after a refusal 60 days of silence",
        "not on public holidays",
        "decree 2022-1313",
    ):
        assert words in shown


def test_optional_blocks_and_registry_checks_are_told(run):
    assert "can be closed, too: lunch 12:00-14:00" in run("rules", "show", "CN", "--channel", "voice").out
    assert "valid for 31 days" in run("rules", "show", "CA", "--channel", "voice").out


def test_the_settings_change_rows_one_by_one(run, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text(SETTINGS)

    (row,) = run("rules", "show", "FR", "--channel", "voice", "--config", str(file), "--json").json["rules"]
    washington = run("rules", "show", "US-WA", "--config", str(file), "--json").json["rules"]

    assert (row["basis"], row["source"], row["windows"][0]["end"]) == ("own", "our counsel", 720)
    assert row["limits"][0]["count"] == 4
    assert [one["id"] for one in washington] == ["us-fed"]


def test_an_old_row_is_warned_about(run):
    fresh = run("rules", "show", "FR", "--today", "2027-11-22")
    old = run("rules", "show", "FR", "--today", "2027-11-23")
    for_programs = run("rules", "show", "FR", "--today", "2027-11-23", "--json").json
    strict = run("rules", "show", "FR", "--today", "2026-12-31", "--older-than", "30")

    assert fresh.err == ""
    assert for_programs["old"] == ["fr-sms"]
    assert "fr-sms was read on 2026-11-22; check it" in old.err
    assert "fr-sms" in strict.err


def test_check_lists_what_wants_to_be_read_again(run):
    fresh = run("rules", "check", "--today", "2026-11-22")
    old = run("rules", "check", "--today", "2028-01-01", "--json")

    assert (fresh.code, old.code) == (0, 1)
    assert fresh.out.startswith("All ")
    assert {row["id"] for row in old.json["old"]} >= {"us-fed", "fr-voice"}
