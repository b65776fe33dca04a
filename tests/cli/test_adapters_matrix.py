"""`recallgate adapters matrix` and `show`: the table beside the adapters is the one that their classes make."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recallgate import Capabilities
from recallgate.cli.adapters_matrix import abilities, matrix_of
from recallgate.registry import ADAPTERS, adapter_class, names

ROOT = Path(__file__).parents[2]
AGAIN = "adapters/README.md is old; run: recallgate adapters matrix --out adapters/README.md"


def test_the_table_beside_the_adapters_is_current() -> None:
    assert (ROOT / "adapters" / "README.md").read_text(encoding="utf-8") == matrix_of("recallgate"), AGAIN


def test_every_vendor_has_a_line() -> None:
    lines = [line for line in matrix_of("recallgate").splitlines() if line.startswith("| `")]
    vendors = [name for name in names(ADAPTERS) if not adapter_class(name).__module__.startswith("recallgate.")]

    assert [line.split("`")[1] for line in lines] == sorted(vendors)


@pytest.mark.parametrize(
    ("name", "oracle"), [("twilio.sms", "twilio"), ("wechat.oa", "wechat"), ("wecom.app", "wecom"), ("webpush.push", "webpush")]
)
def test_an_oracle_is_named_with_its_version(name: str, oracle: str) -> None:
    pins = (ROOT / "tests" / "oracles" / "requirements" / f"{oracle}.txt").read_text(encoding="utf-8").split()
    (line,) = [line for line in matrix_of("recallgate").splitlines() if line.startswith(f"| `{name}`")]

    assert line.endswith(f" | {', '.join(sorted(pin.replace('==', ' ') for pin in pins))} |")


def test_what_has_no_oracle_says_so() -> None:
    (line,) = [line for line in matrix_of("recallgate").splitlines() if line.startswith("| `smtp.email`")]

    assert line.endswith(" | documents |")


def test_what_an_adapter_can_do_is_told_in_words() -> None:
    can = Capabilities(reports=True, inbound=True, batch=50, lookup=True, idempotency=60, templates_only=True)

    assert abilities(can) == "reports, replies, batches of 50, look-ups, idempotency keys, templates only"
    assert abilities(Capabilities()) == "sending"


def test_it_is_written_where_one_says(run: Callable[..., Any], tmp_path: Path) -> None:
    run("adapters", "matrix", "--out", tmp_path / "table.md")

    assert (tmp_path / "table.md").read_text(encoding="utf-8") == matrix_of("recallgate")


def test_a_package_without_adapters_is_refused(run: Callable[..., Any]) -> None:
    ran = run("adapters", "matrix", "--package", "httpx")

    assert (ran.code, ran.err) == (2, "error: package: httpx offers no adapter of a vendor\n")


VENDORS = sorted(name for name in names(ADAPTERS) if not adapter_class(name).__module__.startswith("recallgate."))


@pytest.mark.parametrize("name", VENDORS)
def test_show_tells_how_callbacks_prove_their_origin(run: Callable[..., Any], name: str) -> None:
    words = run("adapters", "show", name).out
    way = adapter_class(name).abilities().callbacks

    assert ("only the secret in their address proves their origin" in words) is (way == "secret_path")
    assert ("callbacks are signed by the vendor and verified" in words) is (way == "signature")


@pytest.mark.parametrize(("name", "needed"), [("yunpian.sms", True), ("twilio.sms", False), ("apns.push", False)])
def test_programs_are_told_whether_the_secret_path_is_needed(run: Callable[..., Any], name: str, needed: bool) -> None:
    told = json.loads(run("adapters", "show", name, "--json").out)["callbacks"]

    assert told["verified_by"] == adapter_class(name).abilities().callbacks
    assert told["secret_path_needed"] is needed


def test_show_names_settings_that_account_and_adapter_share(run: Callable[..., Any]) -> None:
    assert json.loads(run("adapters", "show", "sinch.sms", "--json").out)["of_the_account"] == ["account.callback_secret"]
    assert "account.callback_secret" in run("adapters", "show", "sinch.sms").out


@pytest.mark.parametrize("command", ["show", "request"])
def test_a_module_that_is_missing_is_one_line(
    run: Callable[..., Any], file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    told = json.loads(run("adapters", "show", "vonage.voice", "--json").out)
    monkeypatch.setattr(adapter_class("vonage.voice"), "needs", {"no_such_module": "recallgate[voice]"})
    given = ("--config", file(told["example_config"]), "--message", file(told["example_message"]))

    ran = run("adapters", command, "vonage.voice", *(given if command == "request" else ()))

    assert told["needs"]["jwt"] == "recallgate[voice]"
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: vonage.voice: no_such_module is not installed; pip install 'recallgate[voice]'\n"
