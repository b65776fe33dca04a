"""Which way requests take: lanes or fast, straight or through a proxy, as the account or the environment says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.ground import live
from recallgate import AccountConfig, ConfigError, Gateway, Message
from recallgate.transport.choose import check_transport

SID, TOKEN = "AC" + "a" * 32, "b" * 32
ANSWER = b'{"sid":"SM' + b"0" * 32 + b'","status":"queued","num_segments":"1"}'
KINDS = ("lanes", "fast")


@asynccontextmanager
async def listener(seen: list[tuple[str, dict[str, str]]]) -> AsyncIterator[str]:
    """A vendor and a proxy in one: it notes the first line and the headers of each request, and takes the message."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
                headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
                seen.append((first, headers))
                await reader.readexactly(int(headers["content-length"]))
                writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def sent(host: str, **settings: str) -> str:
    """What becomes of a text through an account whose vendor is at this host."""
    further = "".join(f"&{key}={value}" for key, value in settings.items())
    account = AccountConfig.from_dsn(f"twilio.sms://{SID}:{TOKEN}@{host}?scheme=http&sender=%2B14155550199{further}", name="a")
    async with Gateway(account) as gateway:
        return str((await gateway.send(Message.sms("+14155550123", "Hello", purpose="otp", country="US"))).state)


@pytest.mark.parametrize("kind", KINDS)
@live
async def test_without_a_proxy_the_vendor_is_asked_itself(kind: str) -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    async with listener(seen) as host:
        assert await sent(host, transport=kind) == "accepted"

    ((first, _),) = seen
    assert first == f"POST /2010-04-01/Accounts/{SID}/Messages.json HTTP/1.1"


@pytest.mark.parametrize("kind", KINDS)
@live
async def test_the_account_s_proxy_is_asked_for_the_vendor(kind: str) -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    async with listener(seen) as host:
        assert await sent("vendor.invalid", transport=kind, proxy=f"http://ann:word@{host}") == "accepted"

    ((first, headers),) = seen
    assert first.startswith("POST http://vendor.invalid/2010-04-01/")
    assert headers["proxy-authorization"] == "Basic YW5uOndvcmQ="


@pytest.mark.parametrize("kind", KINDS)
@live
async def test_the_environment_s_proxy_is_asked_but_for_the_hosts_that_it_excepts(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    async with listener(seen) as host:
        monkeypatch.setenv("HTTP_PROXY", f"http://{host}")
        assert await sent("vendor.invalid", transport=kind) == "accepted"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert await sent(host, transport=kind) == "accepted"

    assert [first.split("/2010")[0] for first, _ in seen] == ["POST http://vendor.invalid", "POST "]


@live
async def test_a_proxy_that_cannot_be_reached_certainly_sent_nothing() -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    async with listener(seen) as host:
        pass
    assert await sent("vendor.invalid", proxy=f"http://{host}") == "held"  # and tried again


def test_a_proxy_of_another_kind_is_refused_and_its_password_is_not_told() -> None:
    with pytest.raises(ConfigError, match=r"proxy.*write http://HOST:PORT") as caught:
        AccountConfig.from_dsn(f"twilio.sms://{SID}:{TOKEN}@default?sender=%2B14155550199&proxy=socks5://ann:word@127.0.0.1:1")
    assert "word" not in str(caught.value)


def test_fast_is_refused_where_it_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"account a: transport: this vendor speaks HTTP/2"):
        check_transport("a", "fast", http2=True)
    monkeypatch.setattr("recallgate.transport.choose.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'recallgate\[fast\]'"):
        check_transport("a", "fast", http2=False)
