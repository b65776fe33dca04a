"""A whole campaign is explained by what was written down of it."""

import json

from demo.runs import Demo, run


def test_every_state_of_the_demo_follows_from_its_attempts_decisions_and_events(run_of_demo: Demo) -> None:
    code, told, err = run("audit", "--store", run_of_demo.url, "--json")
    found = json.loads(told)

    assert found["differences"] == [], err
    assert code == 0
    assert found["messages"] > 1000
    assert {"delivered", "undelivered", "suppressed", "uncertain"} <= set(found["states"])
