"""Every example runs: its own tests in a process of their own, and the third-party adapter as an installed package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
COMMAND = ("-c", "from recallgate.cli import main; main()")


def run(*command: str, folder: Path, path: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run Python in a folder, with `path` before everything that is installed."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the third-party package is, as an installer leaves it: modules and dist-info."""
    import tomllib

    site = tmp_path_factory.mktemp("site")
    source = EXAMPLES / "acme_sms"
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = site / "acme_sms"
    package.mkdir()
    for file in (source / "acme_sms").iterdir():
        if file.suffix == ".py":
            (package / file.name).write_bytes(file.read_bytes())
    told = site / f"recallgate_acme_sms-{project['version']}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items()), ""]
    (told / "entry_points.txt").write_text("\n".join(lines))
    return site


def test_every_example_is_run_here() -> None:
    assert sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()) == ["acme_sms", "fastapi_app", "mocked_channel"]


@pytest.mark.parametrize(("name", "least"), [("fastapi_app", 6), ("mocked_channel", 7), ("acme_sms", 100)])
def test_the_tests_of_an_example_pass(name: str, least: int) -> None:
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", f"examples/{name}", folder=EXAMPLES.parent)

    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= least


def test_an_adapter_of_another_package_is_listed(installed: Path, tmp_path: Path) -> None:
    done = run(*COMMAND, "adapters", "list", "--json", folder=tmp_path, path=installed)

    rows = {row["name"]: row for row in json.loads(done.stdout)["adapters"]}
    assert (rows["acme.sms"]["vendor"], rows["acme.sms"]["channel"]) == ("acme", "sms")
    assert "error" not in rows["acme.sms"]
    assert "twilio.sms" in rows


def test_the_command_line_knows_what_it_would_send(installed: Path, tmp_path: Path) -> None:
    config = {"token": "a-token", "signing_key": "a-key", "sender": "Acme"}
    message = {
        "id": "m1",
        "channel": "sms",
        "to": {"type": "phone", "e164": "+14155550123"},
        "content": {"type": "text", "text": "Hi"},
        "purpose": "otp",
    }
    (tmp_path / "C.json").write_text(json.dumps(config))
    (tmp_path / "M.json").write_text(json.dumps(message))

    done = run(
        *COMMAND, "adapters", "request", "acme.sms", "--config", "C.json", "--message", "M.json", "--json",
        folder=tmp_path, path=installed,
    )  # fmt: skip

    told = json.loads(done.stdout)
    assert (told["method"], told["url"]) == ("POST", "https://api.acme.example/v2/messages")
    assert json.loads(told["body"]) == {"from": "Acme", "to": "+14155550123", "text": "Hi", "reference": "m1"}
    assert "a-token" not in done.stdout


def test_a_message_goes_round_through_the_face_of_another_package(installed: Path, tmp_path: Path) -> None:
    script = tmp_path / "round.py"
    script.write_text(
        """
import asyncio, httpx
from recallgate import *
from recallgate.registry import face_class
from recallgate.sandbox.face import IdSource, WorldEvent
from recallgate.testing import MemoryStore
from datetime import UTC, datetime

face = face_class("acme.sms")({"token": "T", "signing_key": "K"})
taken = []

def vendor(request):
    reply = face.answer(request, now=datetime.now(UTC), new_id=IdSource("seed"))
    taken.extend(reply.taken)
    return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)

async def main():
    account = AccountConfig.from_dsn("acme.sms://T@default?sender=Acme&signing_key=K", name="acme")
    config = GatewayConfig(accounts=(account,), public_url="https://app.example")
    async with Gateway(config=config, store=MemoryStore(), transport=lambda account: httpx.MockTransport(vendor)) as gateway:
        delivery = await gateway.send(Message.sms("+14155550123", "Code 4821", purpose="otp"))
        news = WorldEvent(EventType.DELIVERED, datetime(2026, 11, 20, tzinfo=UTC))
        (callback,) = face.callbacks(taken[0], news, nonce="n")
        reply = await gateway.receive("acme", callback)
        print(delivery.state, reply.status, (await gateway.explain(delivery.message_id))["message"]["state"])

asyncio.run(main())
""",
        encoding="utf-8",
    )

    done = run(str(script), folder=tmp_path, path=installed)

    assert done.stdout.split() == ["accepted", "204", "delivered"], done.stdout + done.stderr
