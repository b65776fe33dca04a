"""`recallgate adapters new`: a package with marked blanks; once they are filled in it is found, and passes its kit."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from installing import install, python, recallgate
from recallgate.cli.adapters_new import BLANKS, blanks_of, scaffold

FILLED = {
    "FILL_SOURCE": '"Messages", Sunny API reference (made up), read 2026-11-20',
    "FILL_BASE_URL": "https://api.sunny.example",
    "FILL_HOST": "api.sunny.example",
    "FILL_PATH": "/v1/messages",
    "FILL_URL": "https://api.sunny.example/v1/messages",
    "FILL_TO_FIELD": "to",
    "FILL_TEXT_FIELD": "body",
    "FILL_SUBJECT_FIELD": "subject",
    "FILL_TITLE_FIELD": "title",
    "FILL_DATA_FIELD": "data",
    "FILL_TEMPLATE_FIELD": "template",
    "FILL_VARIABLES_FIELD": "variables",
    "FILL_REFERENCE_FIELD": "reference",
    "FILL_CALLBACK_FIELD": "report_to",
    "FILL_CODE_FIELD": "code",
    "FILL_SUCCESS": "0",
    "FILL_BAD_ADDRESS": "1001",
    "FILL_TOO_FAST": "1029",
    "FILL_ID_FIELD": "id",
    "FILL_STATUS_FIELD": "status",
    "FILL_ON_ITS_WAY": "MOVING",
    "FILL_DELIVERED": "ARRIVED",
    "FILL_NOT_DELIVERED": "LOST",
}
ROUND = """
import asyncio, httpx
from datetime import UTC, datetime
from recallgate import *
from recallgate.registry import face_class
from recallgate.testing import MemoryStore

face, taken = face_class("sunny.sms")({"token": "T"}), []

def vendor(request):
    reply = face.answer(request, now=datetime.now(UTC), new_id=IdSource("seed"))
    taken.extend(reply.taken)
    return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)

async def main():
    config = GatewayConfig(accounts=(AccountConfig.from_dsn("sunny.sms://:T@default", name="sunny"),), public_url="https://a.example")
    async with Gateway(config=config, store=MemoryStore(), transport=lambda account: httpx.MockTransport(vendor)) as gateway:
        delivery = await gateway.send(Message.sms("+14155550123", "Code 4821", purpose="otp"))
        (callback,) = face.callbacks(taken[0], WorldEvent(EventType.DELIVERED, datetime.now(UTC)), nonce="n")
        reply = await gateway.receive("sunny", callback)
        print(delivery.state, reply.status, (await gateway.explain(delivery.message_id))["message"]["state"])

asyncio.run(main())
"""


def fill(folder: Path) -> None:
    """Fill in the blanks of a package as a person would: texts in Python, words elsewhere."""
    for file in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".json")):
        quoted = file.suffix == ".py"

        def value(found: "re.Match[str]", quoted: bool = quoted) -> str:
            text = FILLED[found[0]]
            return json.dumps(text) if quoted and found[0] != "FILL_SOURCE" else text

        file.write_text(re.sub(r"\bFILL_[A-Z_]+\b", value, file.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.fixture
def project(run: Callable[..., Any], tmp_path: Path) -> Path:
    folder = tmp_path / "sunny"
    assert run("adapters", "new", "sunny.sms", "--out", folder).code == 0
    return folder


def test_a_filled_package_is_found_and_passes_its_kit(project: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    fill(project)
    install(project, site)

    checked = recallgate("adapters", "check", "sunny.sms", "--json", folder=project, site=site)

    told = json.loads(checked.stdout)
    assert (told["failed"], told["missing"], told["complete"]) == ([], [], True), checked.stderr
    assert told["passed"] >= 80
    assert told["callbacks"] == {"verified_by": "secret_path", "unverified": False}


def test_a_filled_package_sends_and_hears_through_a_gateway(project: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    fill(project)
    install(project, site)

    done = python("-c", ROUND, folder=tmp_path, site=site)

    assert done.stdout.split() == ["accepted", "200", "delivered"], done.stderr


def test_packages_of_other_channels_pass_too(run: Callable[..., Any], tmp_path: Path) -> None:
    names = ["sunny.email", "sunny.push", "sunny.robot", "sunny.voice", "sunny.webhook", "sunny.oa"]
    for name in names:
        run("adapters", "new", name, "--out", tmp_path / name)
    fill(tmp_path)

    paths = os.pathsep.join(str(tmp_path / name) for name in names)
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path, PYTHONPATH=paths)

    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= 80 * len(names)


def test_a_package_with_blanks_says_which_one_is_missing(project: Path) -> None:
    done = python("-c", "import sunny_sms.adapter", folder=project)

    assert done.returncode != 0
    assert "NameError: name 'FILL_BAD_ADDRESS' is not defined" in done.stderr


def test_every_blank_is_named_and_explained(run: Callable[..., Any], tmp_path: Path) -> None:
    ran = run("adapters", "new", "sunny.email", "--out", tmp_path / "mail")
    readme = (tmp_path / "mail" / "README.md").read_text(encoding="utf-8")

    blanks = blanks_of(scaffold("sunny.email"))

    assert "FILL_SUBJECT_FIELD" in blanks
    assert "FILL_TITLE_FIELD" not in blanks
    assert all(blank in ran.out and f"| `{blank}` | {BLANKS[blank]} |" in readme for blank in blanks)


def test_the_name_of_a_product_needs_its_channel() -> None:
    made = scaffold("sunny.chat_robot", "robot")

    assert "class SunnyChatRobot(Adapter)" in made["sunny_chat_robot/adapter.py"]
    assert 'product = "chat_robot"' in made["sunny_chat_robot/adapter.py"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Sunny",), "name: write vendor.channel in small letters"),
        (("twilio.sms",), "name: twilio.sms is installed already"),
        (("sunny.chat",), "channel: chat is no channel; give --channel"),
    ],
)
def test_a_name_that_will_not_do_is_refused(
    run: Callable[..., Any], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    ran = run("adapters", "new", *arguments, "--out", tmp_path / "new")

    assert (ran.code, words in ran.err) == (2, True)
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(run: Callable[..., Any], project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}

    ran = run("adapters", "new", "sunny.sms", "--out", project)

    assert ran.code == 2
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before
