"""An adapter of another package gets all that bundled ones get, as it is installed: commands, kit, settings, routing, sandbox."""

import json
from pathlib import Path
from typing import Any

import pytest

from installing import install, python, recallgate

EXAMPLE = Path(__file__).parents[2] / "examples" / "acme_sms"
TABLE: dict[str, Any] = json.loads((EXAMPLE / "tests" / "acme.sms.json").read_text(encoding="utf-8"))
CONFIG, MESSAGE = TABLE["config"], {**TABLE["message"], "id": "01890a5d-ac96-774b-bcce-b302099a8057"}
CALLBACK = TABLE["callbacks"][0]["request"]
TOML = """
[gateway]
tenant_zone = "America/New_York"

[accounts.first]
adapter = "acme.sms"
token = "env:ACME_TOKEN"
signing_key = "K"
sender = "Acme"
rate = 5.0
order = 1
countries = ["US"]

[accounts.second]
dsn = "acme.sms://T2@default?sender=Acme&signing_key=K&order=2&account.rate=7000"
"""
# Two accounts of one vendor: the first is out of money, the second takes the message; abroad only the second may.
ROUTING = """
import asyncio, httpx
from datetime import UTC, datetime
from recallgate import Fault, ErrorKind, Gateway, GatewayConfig, IdSource, Message
from recallgate.registry import face_class
from recallgate.testing import MemoryStore

def vendor(account):
    face = face_class("acme.sms")({"token": account.settings.token.get_secret_value(), "signing_key": "K"})
    broke = Fault(ErrorKind.INSUFFICIENT_FUNDS) if account.name == "first" else None
    def answer(request):
        print(account.name, end=" ")
        reply = face.answer(request, now=datetime.now(UTC), new_id=IdSource("seed"), fault=broke)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)
    return httpx.MockTransport(answer)

async def main():
    config = GatewayConfig.from_toml("recallgate.toml")
    print(*(account.rate for account in config.accounts))
    async with Gateway(config=config, store=MemoryStore(), transport=vendor) as gateway:
        for number in ("+14155550123", "+447400123456"):
            print((await gateway.send(Message.sms(number, "Code 4821", purpose="otp"))).state)

asyncio.run(main())
"""
# A sandbox on this machine: the account's base_url leads to it, and reports come back signed.
SANDBOX = """
import asyncio
from recallgate import AccountConfig, Callback, Gateway, GatewayConfig, Message
from recallgate.sandbox.habits import ChannelHabits, Habits, Spread
from recallgate.sandbox.server import SandboxServer
from recallgate.testing import MemoryStore

QUICK = Habits.calm(sms=ChannelHabits(delivery_time=Spread(0.01, 0.0)))

async def main():
    settings = {"token": "T", "signing_key": "K", "sender": "Acme"}
    heard = asyncio.Queue()

    async def hear(reader, writer):
        head = (await reader.readuntil(b"\\r\\n\\r\\n")).decode().split("\\r\\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        lower = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(lower["content-length"]))
        writer.write(b"HTTP/1.1 204 No Content\\r\\ncontent-length: 0\\r\\nconnection: close\\r\\n\\r\\n")
        await writer.drain()
        writer.close()
        heard.put_nowait((head[0].split()[1], lower, body))

    ears = await asyncio.start_server(hear, "127.0.0.1", 0)
    public = f"http://127.0.0.1:{ears.sockets[0].getsockname()[1]}"
    async with SandboxServer([AccountConfig.build("acme.sms", settings, name="acme")], habits=QUICK) as server:
        account = AccountConfig.build("acme.sms", {**settings, "base_url": server.reaches[0].base_url}, name="acme")
        config = GatewayConfig(accounts=(account,), public_url=public)
        async with Gateway(config=config, store=MemoryStore()) as gateway:
            delivery = await gateway.send(Message.sms("+14155550123", "Code 4821", purpose="otp"))
            print(delivery.state)
            import httpx
            from datetime import UTC, datetime
            while True:
                target, headers, body = await asyncio.wait_for(heard.get(), 20)
                callback = Callback("POST", public + target, httpx.Headers(headers), body, datetime.now(UTC))
                await gateway.receive("acme", callback)
                state = (await gateway.explain(delivery.message_id))["message"]["state"]
                if state == "delivered":
                    print(state)
                    break
    ears.close()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed: nothing but its own files."""
    folder = tmp_path_factory.mktemp("site")
    install(EXAMPLE, folder)
    return folder


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, value in (("C", CONFIG), ("M", MESSAGE), ("R", CALLBACK), ("F", {**CALLBACK, "body": CALLBACK["body"] + " "})):
        (tmp_path / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    (tmp_path / "recallgate.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


def answered(here: Path, site: Path, *arguments: str) -> Any:
    done = recallgate("adapters", *arguments, "--json", folder=here, site=site)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_list_and_show_know_it(here: Path, site: Path) -> None:
    names = [row["name"] for row in answered(here, site, "list")["adapters"]]
    shown = answered(here, site, "show", "acme.sms")

    assert "acme.sms" in names
    assert set(shown["config_schema"]["required"]) == {"token", "signing_key", "sender"}
    assert shown["callbacks"]["verified_by"] == "signature"
    assert "flash" in shown["message_schema"]["properties"]["options"]["properties"]["acme.sms"]["properties"]
    assert set(shown["example_config"]) == {"token", "signing_key", "sender"}


def test_request_is_the_recorded_one(here: Path, site: Path) -> None:
    told = answered(here, site, "request", "acme.sms", "--config", "C.json", "--message", "M.json")

    recorded = dict(TABLE["requests"][0]["expected"]["json"])
    del recorded["callback"]  # no public address was given
    assert json.loads(told["body"]) == recorded
    assert told["headers"]["authorization"] == "Bearer ***"


def test_callback_is_verified_and_a_forged_one_is_not(here: Path, site: Path) -> None:
    told = answered(here, site, "callback", "acme.sms", "--config", "C.json", "--request", "R.json")
    forged = answered(here, site, "callback", "acme.sms", "--config", "C.json", "--request", "F.json")

    assert (told["verified"], told["events"][0]["type"], told["reply"]["status"]) == (True, "delivered", 204)
    assert (forged["verified"], forged["events"], forged["reply"]["status"]) == (False, [], 401)


def test_check_runs_its_kit(here: Path, site: Path) -> None:
    told = answered(here, site, "check", "acme.sms", "--tests", str(EXAMPLE / "tests"))

    assert (told["complete"], told["failed"], told["missing"], told["face"]) == (True, [], [], True)
    assert told["passed"] >= 100


def test_settings_come_from_toml_and_dsn_and_routing_goes_by_them(here: Path, site: Path) -> None:
    done = python("-c", ROUTING, folder=here, site=site, ACME_TOKEN="T1")

    assert done.stdout.splitlines() == ["5.0 7000.0", "first second accepted", "second accepted"], done.stderr


def test_its_face_stands_in_a_sandbox(here: Path, site: Path) -> None:
    done = python("-c", SANDBOX, folder=here, site=site)

    assert done.stdout.split() == ["accepted", "delivered"], done.stderr


def test_a_sandbox_without_settings_makes_up_an_account_for_it(here: Path, site: Path) -> None:
    code = "from recallgate.sandbox.samples import sample_accounts; print([one.name for one in sample_accounts()])"

    assert "'acme.sms'" in python("-c", code, folder=here, site=site).stdout


def test_recallgate_itself_knows_nothing_of_it() -> None:
    root = EXAMPLE.parents[1]
    files = [*(root / "src").rglob("*.py"), *(root / "adapters").rglob("*.py")]

    assert not [file for file in files if "import acme_sms" in (text := file.read_text("utf-8")) or "from acme_sms" in text]
