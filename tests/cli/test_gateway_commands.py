"""`init`, `send`, `explain`, `status`, `pause`, `suppressions`, `db`, `rules`: commands that work with a store."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recallgate.model.clock import to_ms
from recallgate.store import campaigns, people
from recallgate.store.campaigns import CampaignRow, RunRow
from recallgate.store.engine import Store
from recallgate.store.people import PersonEventRow

NOTE = {"type": "inapp", "title": "Order 4821", "body": "It has left our house."}


def note_to(user: str, **more: object) -> dict[str, Any]:
    return {"channel": "inapp", "to": {"type": "inbox", "user": user}, "content": NOTE, "purpose": "service", **more}


@pytest.fixture
def house(run, tmp_path, monkeypatch) -> Path:
    """A folder after `recallgate init`, and we are in it."""
    monkeypatch.chdir(tmp_path)
    assert run("init").code == 0
    return tmp_path


def test_init_says_what_is_next(run, tmp_path):
    ran = run("init", tmp_path / "shop")

    assert sorted(path.name for path in (tmp_path / "shop").iterdir()) == ["recallgate.toml", "send.py"]
    assert ran.out.endswith(f"Next: cd {tmp_path / 'shop'} && python send.py\n")


@pytest.mark.parametrize("name", ["recallgate.toml", "send.py"])
def test_init_overwrites_nothing(run, file, tmp_path, name):
    mine = file("mine", name)

    ran = run("init", tmp_path)

    assert (ran.code, mine.read_text()) == (2, "mine")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_every_setting_of_the_first_file_is_known(run, house, monkeypatch):
    for name in ("RECALLGATE_SECRET", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SMTP_USER", "SMTP_PASSWORD"):
        monkeypatch.setenv(name, "long-enough-for-a-secret")
    path = house / "recallgate.toml"
    path.write_text(
        "".join(
            line.removeprefix("# ") if line.startswith("# ") and (" = " in line or line.startswith("# [")) else line
            for line in path.read_text("utf-8").splitlines(keepends=True)
        ),
        encoding="utf-8",
    )

    ran = run("status", "--config", path, "--json")

    assert set(ran.json["accounts"]) == {"inbox", "sms", "mail"}


def test_sent_message_is_taken_and_explained(run, file, house):
    sent = run("send", "--config", "recallgate.toml", "--message", file(note_to("u1", person="p1")), "--json").json

    story = run("explain", sent["message_id"], "--config", "recallgate.toml", "--json").json
    person = run("explain", "--person", "p1", "--config", "recallgate.toml")

    assert (sent["state"], sent["receipt"]["vendor_id"]) == ("accepted", sent["message_id"])
    assert (story["message"]["state"], len(story["attempts"])) == ("accepted", 1)
    assert sent["message_id"] in person.out
    assert run("status", "--config", "recallgate.toml", "--json").json["messages"] == {"accepted": 1}


def test_people_get_a_story(run, file, house):
    said = run("send", "--config", "recallgate.toml", "--message", file(note_to("u1", id="m1")))
    story = run("explain", "m1", "--store", "sqlite:///recallgate.sqlite")

    assert said.out == "accepted (message m1, the vendor's id m1)\n"
    assert story.out.splitlines()[-1] == "now it is accepted"


def test_dry_run_sends_and_keeps_nothing(run, file, house):
    ran = run("send", "--config", "recallgate.toml", "--message", file(note_to("u1")), "--dry-run")

    assert ran.out == "The message may leave now.\n"
    assert run("status", "--config", "recallgate.toml", "--json").json["messages"] == {}


def test_dry_run_without_an_account_says_so(run):
    ran = run("send", "--sms", "+14155550123", "Code 4821", "--purpose", "otp", "--dry-run")

    assert ran.out == "The message may leave now.\nNo account serves sms.\n"


def test_dry_explanation_has_a_trace(run, file):
    message = file(note_to("u1"))

    told = run("explain", "--message", message, "--json").json

    assert told["verdict"] == "allow"
    assert [step["policy"] for step in told["trace"]]
    assert told["trace"][0]["policy"] in run("explain", "--message", message).out


def test_message_without_an_account_ends_with_one(run):
    ran = run("send", "--sms", "+14155550123", "Code 4821", "--purpose", "otp", "--json")

    assert ran.code == 1
    assert ran.json["state"] == "failed"
    assert ran.json["receipt"] is None


def test_paused_channel_holds_until_it_is_resumed(run, file, house):
    config = ("--config", "recallgate.toml")
    assert run("pause", "channel", "inapp", *config).out == "channel inapp paused\n"

    held = run("send", *config, "--message", file(note_to("u1")), "--json").json
    run("resume", "channel", "inapp", *config)
    free = run("send", *config, "--message", file(note_to("u2")), "--json").json

    assert held["state"] in ("held", "queued")
    assert free["state"] == "accepted"


def test_account_to_pause_must_exist(run, house):
    ran = run("pause", "account", "inbx", "--config", "recallgate.toml")

    assert (ran.code, ran.err) == (2, "error: account 'inbx' is not known; there are: inbox\n")


def test_suppressed_person_gets_no_marketing(run, file, house):
    config = ("--config", "recallgate.toml")
    run("suppressions", "add", "--person", "p1", *config)
    run("suppressions", "add", "--address", "+14155550123", "--channel", "sms", *config)

    message = file(note_to("u1", person="p1") | {"purpose": "marketing"})
    sent = run("send", *config, "--message", message, "--json")
    rows = run("suppressions", "list", *config, "--json").json["suppressions"]

    assert (sent.code, sent.json["state"], sent.json["verdict"]["policy"]) == (1, "suppressed", "suppression")
    assert [(row["subject"], row["channel"], row["source"]) for row in rows] == [
        ("+14…23", "sms", "cli"),
        ("person p1", "*", "cli"),
    ]
    assert len(run("suppressions", "list", "--person", "p1", *config, "--json").json["suppressions"]) == 1
    assert "+14155550123" not in run("suppressions", "list", *config).out


def test_suppression_is_of_a_person_or_an_address(run, house):
    ran = run("suppressions", "add", "--config", "recallgate.toml")

    assert (ran.code, ran.err) == (2, "error: person or address: give exactly one\n")


def test_worker_drains_what_waits(run, file, house):
    config = ("--config", "recallgate.toml")
    run("pause", "channel", "inapp", *config)
    run("send", *config, "--message", file(note_to("u1", id="m1")))
    with sqlite3.connect("recallgate.sqlite") as store:
        store.execute("update rg_message set due_at = 0")
    run("resume", "channel", "inapp", *config)

    ran = run("worker", "--drain", *config)

    assert ran.code == 0
    assert run("explain", "m1", *config, "--json").json["message"]["state"] == "accepted"


def test_new_store_is_made_and_stays(run, tmp_path):
    address = f"sqlite:///{tmp_path / 'new.sqlite'}"

    first, second = run("db", "upgrade", "--store", address), run("db", "upgrade", "--store", address)

    assert first.out == second.out == f"{address} is at version 0001\n"
    assert "this release needs 0001" in run("db", "version", "--store", address).out
    found = run("status", "--store", address, "--json").json
    assert (found["messages"], found["accounts"], found["workers"], found["queue_depth"]) == ({}, {}, [], 0)


def test_store_of_a_newer_release_is_refused(run, tmp_path):
    address = f"sqlite:///{tmp_path / 'new.sqlite'}"
    run("db", "upgrade", "--store", address)
    with sqlite3.connect(tmp_path / "new.sqlite") as store:
        store.execute("update rg_schema_version set version_num = '9999'")

    for command in (("db", "upgrade"), ("status",)):
        ran = run(*command, "--store", address)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("error: store: ")


def test_a_file_that_is_no_database_is_refused(run, file):
    address = f"sqlite:///{file('not a database at all, but long enough to have a header' * 20, 'x.sqlite')}"

    for command in (("db", "upgrade"), ("status",), ("explain", "m1")):
        ran = run(*command, "--store", address)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.count("\n") == 1


def test_environment_names_the_store(run, tmp_path, monkeypatch):
    address = f"sqlite:///{tmp_path / 'new.sqlite'}"
    run("db", "upgrade", "--store", address)
    monkeypatch.setenv("RECALLGATE_STORE", address)

    assert run("status", "--json").json["messages"] == {}


def test_review_of_an_unknown_campaign_says_so(run, house):
    run("db", "upgrade", "--config", "recallgate.toml")

    ran = run("review", "spring", "--config", "recallgate.toml")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: campaign: 'spring' is not in the store")


def test_review_of_a_stored_campaign_counts_its_people(run, house):
    # three people treated, of whom one comes back a day later; one held out, who does not
    start = to_ms(datetime(2026, 11, 1, 10, tzinfo=UTC))
    campaign = CampaignRow("default", "spring", "1", "{}", "launched", 2500, "salt", None, start, "[]")
    runs = [
        RunRow("default", "spring", person, 0, "1", None, held_out, 0, "ended", "end", start, start, start, None, None, "{}")
        for person, held_out in (("a", 0), ("b", 0), ("c", 0), ("d", 1))
    ]
    back = PersonEventRow("default", "a", "returned", start + 86_400_000, "1", None, "{}")

    async def fill() -> None:
        store = Store("sqlite:///recallgate.sqlite")
        await store.open()
        await store.run(lambda c: campaigns.save(c, campaign))
        await store.run(lambda c: campaigns.enrol(c, runs))
        await store.run(lambda c: people.record_events(c, [back]))
        await store.close()

    asyncio.run(fill())
    options = ("--now", "2026-11-20T00:00:00Z", "--out", "report", "--language", "zh", "--json")

    found = run("review", "spring", "--config", "recallgate.toml", *options).json

    rate, natural = found["statistics"]["recall_rate"], found["statistics"]["natural_return_rate"]
    assert (rate["k"], rate["n"], natural["k"], natural["n"]) == (1, 3, 0, 1)
    assert 'lang="zh' in (house / "report" / "report.html").read_text("utf-8")


def test_rules_of_a_country_are_shown(run):
    shown = run("rules", "show", "FR", "--channel", "voice")
    rows = run("rules", "show", "fr", "--channel", "voice", "--json").json["rules"]

    assert "Mon Tue Wed Thu Fri  10:00-13:00" in shown.out
    assert [row["id"] for row in rows] == ["fr-voice"]


def test_region_has_its_own_rules(run):
    texas = run("rules", "show", "US-TX", "--channel", "voice", "--json").json["rules"]
    country = run("rules", "show", "US", "--channel", "voice", "--json").json["rules"]

    assert {row["id"] for row in texas} > {row["id"] for row in country}
