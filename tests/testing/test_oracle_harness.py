"""The harness of the oracles notices every difference, and its server hears and answers over a real socket."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from oracles import pins
from oracles.loopback import Loopback, Recorded
from oracles.same import Row, Same, differences, proven_vendors, rows, said, table

OURS = httpx.Request(
    "POST", "https://vendor.example/v1/a%2Fb?x=1&x=2", headers={"accept": "text/plain"}, json={"to": [{"n": "1"}], "ok": True}
)


def recorded(**over: Any) -> Recorded:
    body = b'{ "ok": true, "to": [{"n": "1"}] }'
    parts = {"method": "POST", "target": "/v1/a%2Fb?x=1&x=2", "headers": OURS.headers, "body": body, **over}
    return Recorded(**parts)


class Node:
    """As much of a test as the harness uses."""

    def __init__(self) -> None:
        self.user_properties: list[tuple[str, object]] = []


def same() -> Same:
    return Same(cast("pytest.Item", Node()))


def test_equal_requests_have_no_differences() -> None:
    assert differences(OURS, recorded(), body="json", headers=("accept", "content-type")) == {}


@pytest.mark.parametrize(
    ("over", "place"),
    [
        ({"method": "PUT"}, "method"),
        ({"target": "/v1/a/b?x=1&x=2"}, "path"),
        ({"target": "/v1/a%2Fb?x=2&x=1"}, "query x"),
        ({"target": "/v1/a%2Fb?x=1&x=2&y="}, "query y"),
        ({"headers": httpx.Headers({"accept": "text/html", "content-type": "application/json"})}, "header accept"),
        ({"headers": httpx.Headers({"accept": "text/plain"})}, "header content-type"),
        ({"body": b'{"ok": 1, "to": [{"n": "1"}]}'}, "json ok"),
        ({"body": b'{"ok": "true", "to": [{"n": "1"}]}'}, "json ok"),
        ({"body": b'{"ok": true, "to": [{"n": "1"}, {}]}'}, "json to[1]"),
        ({"body": b'{"ok": true, "to": [{"n": "1", "m": null}]}'}, "json to[0].m"),
    ],
)
def test_a_difference_is_named_by_its_place(over: dict[str, Any], place: str) -> None:
    assert list(differences(OURS, recorded(**over), body="json", headers=("accept", "content-type"))) == [place]


def test_bytes_are_compared_as_they_are() -> None:
    assert list(differences(OURS, recorded(), body="bytes")) == ["body"]


def test_forms_are_compared_by_field() -> None:
    ours = httpx.Request("POST", "https://vendor.example/", data={"a": "1", "b": "ü"})
    theirs = Recorded("POST", "/", ours.headers, b"b=%C3%BC&a=2&c=")

    assert differences(ours, theirs, body="form") == {"form a": (["1"], ["2"]), "form c": ("(absent)", [""])}


def test_an_unlisted_difference_fails() -> None:
    with pytest.raises(AssertionError, match="method"):
        same()(OURS, recorded(method="PUT"), operation="o", oracle="httpx", body="json")


def test_a_listed_difference_must_differ() -> None:
    with pytest.raises(AssertionError, match="and equal"):
        same()(OURS, recorded(), operation="o", oracle="httpx", body="json", differing={"method": "they use PUT"})


def test_a_proven_equality_has_a_row() -> None:
    node = Node()
    compare = Same(cast("pytest.Item", node))

    compare(OURS, recorded(method="PUT"), operation="o", oracle="httpx", body="json", differing={"method": "why"}, vendor="acme")

    assert rows(node.user_properties) == [Row("acme", "o", f"httpx {httpx.__version__}", "method differs: why")]
    assert table(rows(node.user_properties))[1] == f"acme   | o         | httpx {httpx.__version__}       | method differs: why"


def test_the_server_keeps_whole_requests_and_answers_from_its_script() -> None:
    with Loopback() as server:
        server.answers({"n": 1}, status=201)
        server.answers("two", headers={"x-a": "b"})
        with httpx.Client() as client:
            first = client.put(f"{server.url}/a%20b?c=%2B", content=iter([b"in ", b"chunks"]), headers={"x-ours": "1"})
            others = [client.get(server.url) for _ in range(2)]

    assert (first.status_code, first.json()) == (201, {"n": 1})
    assert [(answer.text, answer.headers["x-a"]) for answer in others] == [("two", "b")] * 2
    assert (server.requests[0].method, server.requests[0].path, server.requests[0].query) == ("PUT", "/a%20b", "c=%2B")
    assert (server.requests[0].body, server.requests[0].headers["x-ours"]) == (b"in chunks", "1")


def test_what_cannot_run_is_announced_with_the_way_to_run_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "missing", lambda vendor: ["sdk==1"] if vendor == "twilio" else [])

    told = pins.announcement()

    assert "NOT RUN" in told
    assert "python tests/oracles/run.py" in told


def test_every_oracle_names_its_pins() -> None:
    files = {path.stem for path in (pins.FOLDER / "requirements").glob("*.txt")}

    assert set(pins.vendors()) <= files


def test_the_lock_has_every_pin_in_its_version() -> None:
    locked = dict(line.split("==") for line in (pins.FOLDER / "lock.txt").read_text().splitlines() if "==" in line)
    named = {name.lower().replace("_", "-").replace(".", "-"): version for name, version in locked.items()}
    for vendor in pins.vendors():
        for package, version in pins._pins(vendor):
            assert named[package.lower().replace("_", "-").replace(".", "-")] == version, vendor


def test_what_is_said_counts_vendors_and_differences() -> None:
    kept = [Row("a", "send", "sdk 1", "equal"), Row("a", "batch", "sdk 1", "path differs: why"), Row("b", "send", "sdk 2", "x")]

    assert said(kept).startswith("2 vendors proven equal to their own clients: 3 comparisons, 1 without any difference")
    assert proven_vendors(kept) == {"a"}


@pytest.mark.parametrize(("least", "code"), [("1", 0), ("2", 1)])
def test_too_few_vendors_fail_a_run_of_which_every_test_passed(tmp_path: Path, least: str, code: int) -> None:
    (tmp_path / "conftest.py").write_text(
        "from oracles.conftest import pytest_sessionfinish\n__all__ = ['pytest_sessionfinish']\n"
    )
    (tmp_path / "test_one.py").write_text(
        "from oracles.same import PROPERTY\n"
        "def test_one(record_property):\n"
        "    record_property(PROPERTY, ('acme', 'send', 'sdk 1', 'equal'))\n"
    )
    tests = Path(__file__).parent.parent
    path = os.pathsep.join([str(tests), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path, "RECALLGATE_ORACLES_LEAST": least},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stdout
    assert ("ORACLES FAILED: 1 vendors" in done.stdout) is (code == 1)
