"""`recallgate worklist`: a day at the desk, by the command line alone."""

from pathlib import Path

import pytest

TASK = {
    "id": "t1",
    "channel": "worklist",
    "to": {"type": "worker"},
    "content": {"type": "task", "title": "Call back about order 4821", "phone": "+14155550123"},
    "purpose": "service",
    "person": "ann",
}
SETTINGS = (
    '[gateway]\nstore = "sqlite:///calls.sqlite"\n[accounts.callers]\nadapter = "worklist.worklist"\nrate_per_hour = "30"\n'
)


@pytest.fixture
def list_of_one(run, file, tmp_path, monkeypatch) -> Path:
    """A folder with settings, and a task on the list."""
    import asyncio

    from recallgate import Gateway, Message

    monkeypatch.chdir(tmp_path)
    (tmp_path / "calls.toml").write_text(SETTINGS, encoding="utf-8")

    async def put() -> None:
        async with Gateway.from_toml("calls.toml") as gateway:
            await gateway.send(Message.model_validate(TASK))

    asyncio.run(put())
    return tmp_path


def test_next_done_and_list(run, list_of_one):
    config = ("--config", "calls.toml")

    taken = run("worklist", "next", "--agent", "bo", *config, "--json").json["task"]
    none_left = run("worklist", "next", "--agent", "cy", *config)
    ended = run("worklist", "done", "t1", "reached", "--agent", "bo", "--minutes", "6", *config, "--json").json
    listed = run("worklist", "list", *config, "--json").json["tasks"]

    assert (taken["id"], taken["title"], taken["phone"], taken["try"]) == ("t1", TASK["content"]["title"], "+14155550123", 1)
    assert (none_left.code, none_left.out) == (1, "There is no task to do now.\n")
    assert ended == {"id": "t1", "result": "reached", "again_at": None, "cost": "3.0"}
    assert [(one["id"], one["state"], one["agent"], one["seconds"]) for one in listed] == [("t1", "done", "bo", 360)]


def test_words_for_people(run, list_of_one):
    config = ("--config", "calls.toml")

    assert "Call back about order 4821" in run("worklist", "next", "--agent", "bo", *config).out
    again = run("worklist", "done", "t1", "busy", "--agent", "bo", "--again-at", "2999-01-01T10:00:00Z", *config)
    assert again.out == "t1: busy; call again at 2999-01-01T10:00:00+00:00\n"
    assert "t1" in run("worklist", "list", "--state", "open", *config).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("done", "t1", "reached", "--agent", "bo"), "it is open; take it first"),
        (("done", "t1", "maybe", "--agent", "bo"), "'maybe' is none of reached"),
        (("list", "--state", "lost"), "'lost' is none of open, taken"),
        (("next", "--agent", "bo", "--account", "others"), "there are: callers"),
    ],
)
def test_mistakes_are_one_line(run, list_of_one, arguments, words):
    ran = run("worklist", *arguments, "--config", "calls.toml")

    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") == 1
