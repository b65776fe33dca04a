"""`recallgate adapters check`: the kit runs for an installed adapter, and what is missing is told by name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from recallgate import Adapter, AdapterConfig, Callback, CallbackReading, Capabilities, ErrorKind, EventType, Message, channels
from recallgate.cli.adapters_check import contracts_of
from recallgate.registry import adapter_class
from recallgate.testing.kit_findings import find

TESTS = Path(__file__).parents[1]
ROBOT = "dingtalk.robot"


class Bare(Adapter):
    """Claims much and shows nothing."""

    vendor, channel = "bare", channels.SMS
    Config = AdapterConfig
    errors = {"1": ErrorKind.AUTH, "2": ErrorKind.BLOCKED_CONTENT}
    statuses = {"ok": EventType.DELIVERED}
    capabilities = Capabilities(reports=True, inbound=True, validity=True)

    def build_cancel(self, message: Message, vendor_id: str) -> httpx.Request:
        return httpx.Request("DELETE", f"https://bare.example/{vendor_id}")

    def read_callback(self, callback: Callback) -> CallbackReading:
        return CallbackReading()


def test_gaps_are_told_by_name() -> None:
    found = find(Bare, [{"codes": {"1": "auth"}, "answers": []}])

    assert found.codes == ("codes 2", "statuses ok", "codes 1")
    assert sorted(found.capabilities) == ["cancel", "inbound", "reports", "validity"]
    assert found.callbacks_unverified
    assert not found.face
    assert len(found.missing) == 3 + 4 + 1 + 1


def test_a_pattern_of_refusals_answers_every_code() -> None:
    told = {"codes": {"1": "auth", "2": "blocked_content"}, "statuses": {"ok": "delivered"}}

    assert find(Bare, [{**told, "refusal": {}}]).codes == ()
    assert find(Bare, [{**told, "answers": [{"error": {"code": "2"}}]}]).codes == ("codes 1",)


def test_what_the_tests_name_counts_as_shown() -> None:
    found = find(Bare, [], source="build_cancel parse_cancel expires_at EventType.REPLIED")

    assert list(found.capabilities) == ["reports"]


def test_an_adapter_passes_its_kit(run: Callable[..., Any]) -> None:
    told = run("adapters", "check", ROBOT, "--json").json

    assert told["complete"]
    assert told["passed"] >= 25
    assert (told["failed"], told["missing"], told["face"]) == ([], [], True)
    assert [Path(file).name for file in told["checked"]] == ["test_dingtalk.py"]


def test_a_table_that_is_wrong_fails_with_the_case_and_the_reason(run: Callable[..., Any], file: Callable[..., Path]) -> None:
    table = json.loads((TESTS / "data" / "exchanges" / f"{ROBOT}.json").read_text(encoding="utf-8"))
    left_out = next(iter(table["codes"]))
    del table["codes"][left_out]

    ran = run("adapters", "check", ROBOT, "--exchanges", file(table), "--json")
    told = json.loads(ran.out)

    assert ran.code == 1
    assert not told["complete"]
    assert told["codes_without_row"] == [f"codes {left_out}"]
    assert any("every_code_is_listed" in one["case"] and left_out in one["why"] for one in told["failed"])


def test_without_a_contract_the_table_is_what_is_missing(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("recallgate.cli.adapters_check.project_of", lambda cls: None)

    ran = run("adapters", "check", ROBOT)

    assert ran.code == 1
    assert "no contract and no table of exchanges was found: give --tests or --exchanges" in ran.out


def test_contracts_are_found_beside_the_package_and_where_they_are_said_to_be() -> None:
    cls = adapter_class(ROBOT)

    assert contracts_of(cls, None) == contracts_of(cls, str(TESTS / "adapters")) == [TESTS / "adapters" / "test_dingtalk.py"]


def test_a_folder_without_its_contract_is_refused(run: Callable[..., Any]) -> None:
    ran = run("adapters", "check", ROBOT, "--tests", TESTS / "cli")

    assert ran.code == 2
    assert "has a contract for" in ran.err


def test_the_cores_own_channel_is_no_vendor(run: Callable[..., Any]) -> None:
    ran = run("adapters", "check", "inbox.inapp")

    assert ran.code == 0
    assert "channel of the core" in ran.out


def test_a_driver_without_its_contract_is_refused(run: Callable[..., Any], file: Callable[..., Path]) -> None:
    ran = run("adapters", "check", "smtp.email", "--exchanges", file({}))

    assert ran.code == 2
    assert "give it with --tests" in ran.err
