"""`recallgate adapters record`: exchanges with a sandbox become rows without real names, and the kit passes on them."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from recallgate import AccountConfig, Message
from recallgate.cli.disguise import Disguise
from recallgate.cli.examples import example_of
from recallgate.registry import adapter_class
from recallgate.sandbox.habits import Habits
from recallgate.sandbox.server import SandboxServer

DATA = Path(__file__).parents[1] / "data" / "exchanges"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
SID, TOKEN, NUMBER, SENDER = "AC" + "5f" * 16, "my-real-auth-token", "+14155557788", "+13105552233"
TEXTS = {"account_sid": SID, "auth_token": TOKEN, "sender": SENDER}
CORP = {"corp_id": "wwmycorp", "secret": "my-real-app-secret", "agent_id": 1000007}


def to_number(text: str = "Hi Jo", number: str = NUMBER) -> dict[str, Any]:
    to = {"type": "phone", "e164": number}
    return {"channel": "sms", "to": to, "content": {"type": "text", "text": text}, "purpose": "service"}


def to_colleague(user: str) -> dict[str, Any]:
    to = {"type": "wecom_user", "userid": user}
    return {"channel": "wecom", "to": to, "content": {"type": "text", "text": "Hi"}, "purpose": "service"}


@contextmanager
def sandbox(account: AccountConfig) -> Iterator[str]:
    """The vendor of an account on this machine; answers where it listens."""
    ready, found = threading.Event(), dict[str, Any]()

    async def serve() -> None:
        async with SandboxServer([account], habits=Habits.calm()) as server:
            found.update(url=server.reaches[0].base_url, loop=asyncio.get_running_loop(), stop=asyncio.Event())
            ready.set()
            await found["stop"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield found["url"]
    found["loop"].call_soon_threadsafe(found["stop"].set)
    thread.join(20)


def bare_table(name: str, module: str, contract: str) -> dict[str, Any]:
    """The table of an adapter as its author typed it from the vendor's page: codes and callbacks, no exchanges."""
    told = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    kit = getattr(import_module(f"adapters.{module}"), contract)
    return {**told, "config": kit.config, "message": kit.message, "requests": [], "answers": []}


CASES = [
    pytest.param(
        "twilio.sms", "test_twilio", "TestTwilioSms", TEXTS, [to_number(), to_number("写给你 jo@real.example")], id="basic"
    ),
    pytest.param("wecom.app", "test_wecom", "TestWecomApp", CORP, [to_colleague("li.si")], id="token"),
]


@pytest.mark.parametrize(("name", "module", "contract", "config", "messages"), CASES)
def test_the_kit_passes_on_what_was_recorded(
    name: str,
    module: str,
    contract: str,
    config: dict[str, Any],
    messages: list[dict[str, Any]],
    run: Callable[..., Any],
    file: Callable[..., Path],
) -> None:
    table = file(bare_table(name, module, contract), "table.json")
    arguments = [part for message in messages for part in ("--message", file(message))]

    with sandbox(AccountConfig.build(name, config, name="one")) as url:
        recorded = run("adapters", "record", name, "--config", file(config), *arguments, "--base-url", url, "--out", table)
    checked = run("adapters", "check", name, "--exchanges", table, "--json")

    assert recorded.code == 0, recorded.err
    told = json.loads(table.read_text(encoding="utf-8"))
    assert [len(told["requests"]), len(told["answers"])] == [len(messages)] * 2
    assert all("receipt" in row for row in told["answers"])
    secrets = [str(value) for value in config.values() if not isinstance(value, int)]
    for real in (*secrets, NUMBER[1:], "jo@real.example", "li.si", url):
        assert real not in table.read_text(encoding="utf-8")
    assert json.loads(checked.out)["failed"] == []


def test_a_new_table_says_settings_and_message_once(run: Callable[..., Any], file: Callable[..., Path], tmp_path: Path) -> None:
    table = tmp_path / "new.json"
    with sandbox(AccountConfig.build("twilio.sms", TEXTS, name="one")) as url:
        given = ("--config", file(TEXTS), "--message", file(to_number()), "--base-url", url, "--out", table)
        told = [run("adapters", "record", "twilio.sms", *given, "--json").json["recorded"] for _ in range(2)]

    rows = json.loads(table.read_text(encoding="utf-8"))

    assert told == [["taken"], ["taken 2"]]
    assert rows["message"] == to_number(number="+14155550123")
    assert not any(key in row for row in (*rows["requests"], *rows["answers"]) for key in ("config", "message"))
    assert {**rows["requests"][0], "name": ""} == {**rows["requests"][1], "name": ""}, (
        "the same exchange has the same placeholders"
    )


def test_a_refusal_is_recorded_as_an_error(run: Callable[..., Any], file: Callable[..., Path], tmp_path: Path) -> None:
    table = tmp_path / "new.json"
    wrong = {**TEXTS, "auth_token": "a-wrong-token"}
    with sandbox(AccountConfig.build("twilio.sms", TEXTS, name="one")) as url:
        given = ("--config", file(wrong), "--message", file(to_number()), "--base-url", url, "--out", table)
        run("adapters", "record", "twilio.sms", *given)

    (row,) = json.loads(table.read_text(encoding="utf-8"))["answers"]

    assert (row["status"], row["error"]) == (401, {"kind": "auth", "code": "20003", "scope": "account"})


@pytest.mark.parametrize(
    ("name", "base_url", "words"),
    [
        ("twilio.sms", "http://vendor.example", "base_url: write the whole address with https://"),
        ("twilio.sms", "vendor.example", "base_url: write the whole address with https://"),
        ("twilio.sms", "http://127.0.0.1:9", "no answer came from http://127.0.0.1:9 (ConnectError)"),
        ("smtp.email", "https://vendor.example", "smtp.email has no HTTP"),
        ("honor.push", "http://127.0.0.1:9", "a request would go to iam.developer.hihonor.com, not to 127.0.0.1"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    name: str, base_url: str, words: str, run: Callable[..., Any], file: Callable[..., Path], tmp_path: Path
) -> None:
    config, message = example_of(adapter_class(name))
    out = tmp_path / "out.json"

    ran = run(
        "adapters", "record", name, "--config", file(config), "--message", file(message), "--base-url", base_url, "--out", out
    )

    assert ran.code == 2
    assert words in ran.err
    assert not out.exists()


def a_disguise(message: Message) -> Disguise:
    return Disguise.of(adapter_class("twilio.sms"), TEXTS, message, now=NOW)


def test_everybody_is_in_disguise() -> None:
    message = Message.sms(NUMBER, "Call +442071838750 or mail bo@real.example", purpose="service", sender=SENDER)
    disguise = a_disguise(message).with_token("a-real-access-token")
    answer = (
        f'{{"to": "{NUMBER}", "national": "{NUMBER[2:]}", "bare": "{NUMBER[1:]}", "id": "{message.id}", "sid": "{SID}", '
        f'"key": "{TOKEN}", "token": "a-real-access-token", "jwt": "eyJh.eyJz.c2ln", '
        '"other": "+8613800001111", "kept": "SM1234567"}'
    )

    shown = json.loads(disguise.text(answer))

    assert shown == {
        "to": "+14155550123",
        "national": "4155550123",
        "bare": "14155550123",
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "sid": disguise.config["account_sid"],
        "key": disguise.config["auth_token"],
        "token": "a-token-for-tests",
        "jwt": "a-signed-token",
        "other": "+14155550123",
        "kept": "SM1234567",
    }
    assert disguise.leaks(answer)
    assert not disguise.leaks(json.dumps(shown))
    assert "real" not in json.dumps(dict(disguise.message))
    assert a_disguise(message).config == disguise.config


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+8613611112222", "+8613123456789"), ("+447700900999", "+447400123456"), ("+15145551234", "+15062345678")],
)
def test_a_number_becomes_an_example_of_its_own_country(number: str, shown: str) -> None:
    assert a_disguise(Message.sms(number, "Hi", purpose="service")).message["to"]["e164"] == shown


def test_the_time_a_message_has_left_is_kept() -> None:
    message = Message.sms(NUMBER, "Hi", purpose="service", expires_at=datetime(2026, 3, 2, 16, 30, tzinfo=UTC))

    assert a_disguise(message).message["expires_at"] == "2026-11-20T03:30:00+00:00"
