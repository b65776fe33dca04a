"""The control arm's natural return is what a script without recallgate counts."""

import ast
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import recallgate
from demo.runs import Demo

SCRIPT = Path(__file__).with_name("recompute.py")
PURCHASES = Path(recallgate.__file__).parent / "recall" / "data" / "cdnow.csv.gz"


def recompute(store: Path, review: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(store), str(PURCHASES), str(review)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def copied(source: Path, target: Path, statement: str) -> Path:
    with sqlite3.connect(source) as original, sqlite3.connect(target) as copy:
        original.backup(copy)
        assert copy.execute(statement).rowcount > 0
    return target


def test_script_uses_the_standard_library_alone() -> None:
    tree = ast.parse(SCRIPT.read_text("utf-8"))
    names = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert names == {"csv", "datetime", "gzip", "json", "pathlib", "sqlite3", "sys", "zoneinfo"}


def test_natural_return_is_recomputed_day_by_day(run_of_demo: Demo) -> None:
    ran = recompute(run_of_demo.store, run_of_demo.out / "review.json")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(ran.stdout)
    figure = run_of_demo.review["statistics"]["natural_return_rate"]
    assert found["n"] == run_of_demo.told["holdout"]
    assert 0 < found["returned"] < found["n"]
    assert (figure["k"], figure["n"]) == (found["returned"], found["n"])


def test_another_number_in_the_review_is_noticed(run_of_demo: Demo, tmp_path: Path) -> None:
    review = run_of_demo.review
    review["collected"]["counts"]["control"]["returned"] += 1
    (tmp_path / "review.json").write_text(json.dumps(review))

    assert recompute(run_of_demo.store, tmp_path / "review.json").returncode == 1


def test_another_day_zero_is_noticed(run_of_demo: Demo, tmp_path: Path) -> None:
    store = copied(
        run_of_demo.store,
        tmp_path / "store.sqlite",
        "update rg_run set assigned_at = assigned_at - 172800000 where holdout = 1",  # two days,
    )

    assert recompute(store, run_of_demo.out / "review.json").returncode == 1
