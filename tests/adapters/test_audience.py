"""Audience export: hashed, with consent only, and who leaves is taken out."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from gateway.ground import HOUR, NOON, Ground, account, ground
from recallgate import (
    AccountConfig,
    AudienceMember,
    Delivery,
    ErrorKind,
    Event,
    EventType,
    Message,
    Payload,
    PersonRecord,
    Phone,
    Purpose,
    SendError,
)
from recallgate.model.clock import to_ms
from recallgate.optout.consented import opted_out_since
from recallgate.testing import DriverContract, Peer
from recallgate.testing.exchanges import tools_of
from recallgate_adapters.audience import AudienceConfig, AudienceExport
from recallgate_adapters.audience_hash import Kind, Platform, hashed, normalised

NUMBER = "+14155550123"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestAudienceExport(DriverContract):
    driver = AudienceExport
    config = {"folder": "/nowhere"}
    message = {
        "channel": "audience",
        "to": {"type": "audience", "identifier": NUMBER},
        "content": {"type": "payload", "data": {"audience": "lapsed_90"}},
        "purpose": "marketing",
    }
    exchanges = Path(__file__).parent.parent / "data" / "exchanges" / "audience.export.json"

    def connect(self, driver: AudienceExport, peer: Peer) -> None:
        async def opened(name: str) -> Page:
            await peer.open()
            return Page(peer)

        async def consented(message: Message) -> str | None:
            refused: str | None = await peer.at("consent", None)
            return refused

        driver.open_book, driver.consented = opened, consented


class Page:
    """A file that the peer of a contract is."""

    def __init__(self, peer: Peer) -> None:
        self.peer, self.close = peer, peer.close

    async def add(self, row: Mapping[str, str], *, ref: str) -> None:
        await self.peer.at("write", None)
        self.peer.taken.append(json.dumps({"ref": ref, "row": row}).encode())

    remove = add

    async def forget(self, rows: Sequence[Mapping[str, str]]) -> int:
        for row in rows:
            await self.remove(row, ref="")
        return len(rows)


def live(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def a_member(identifier: str = NUMBER, *, kind: Kind = "phone", action: str = "add", **fields: Any) -> Message:
    content = Payload(data={"audience": "lapsed_90", "action": action})
    purpose = Purpose.MARKETING if action == "add" else Purpose.SERVICE
    return Message(
        channel="audience", to=AudienceMember(identifier=identifier, kind=kind), content=content, purpose=purpose, **fields
    )


def an_export(folder: Path, **config: Any) -> AudienceExport:
    driver = AudienceExport(AudienceConfig(folder=str(folder), **config), tools_of(None))

    async def yes(message: Message) -> None:
        return None

    driver.consented = yes
    return driver


# Hashes


@pytest.mark.parametrize(
    ("platform", "kind", "given", "plain"),
    [
        ("google", "email", " Ann.Lee+shop@Gmail.com ", "annlee@gmail.com"),
        ("google", "email", "a.b@googlemail.com", "ab@googlemail.com"),
        ("google", "email", "Ann.Lee+shop@example.com", "ann.lee+shop@example.com"),
        ("meta", "email", " Ann.Lee+shop@Gmail.com ", "ann.lee+shop@gmail.com"),
        ("tiktok", "email", "ANN@example.com", "ann@example.com"),
        ("google", "phone", "+1 (415) 555-0123", "+14155550123"),
        ("meta", "phone", "+1 415.555.0123", "14155550123"),
        ("tiktok", "phone", "+8613912345678", "+8613912345678"),
        ("meta", "device", "AEBE52E7-03EE-455A-B3C4-E57283966239", "aebe52e7-03ee-455a-b3c4-e57283966239"),
    ],
)
def test_an_identifier_is_brought_into_the_platforms_form(platform: Platform, kind: Kind, given: str, plain: str) -> None:
    assert normalised(given, kind, platform) == plain
    assert hashed(given, kind, platform) == (plain if kind == "device" else sha(plain))


def test_a_hash_is_sha_256_in_lower_case() -> None:
    assert hashed("test@example.com", "email", "meta") == "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"


@pytest.mark.parametrize(
    ("kind", "given"),
    [("email", "ann"), ("email", "a b@example.com"), ("phone", "415 555"), ("phone", "ann@example.com"), ("device", "a,b")],
)
def test_what_is_no_identifier_is_refused_without_being_shown(kind: Kind, given: str) -> None:
    with pytest.raises(SendError) as caught:
        hashed(given, kind, "google")
    assert caught.value.kind is ErrorKind.INVALID_RECIPIENT
    assert given not in str(caught.value)


# Files


@live
async def test_a_file_holds_each_hash_once_and_nothing_in_clear(tmp_path: Path) -> None:
    driver = an_export(tmp_path)
    for message in (a_member(), a_member("Ann@Example.com", kind="email"), a_member()):
        await driver.send(message)
    await an_export(tmp_path).send(a_member())  # another process, later

    text = (tmp_path / "lapsed_90.csv").read_text()
    assert text == f"Email,Phone,Mobile Device ID\n,{sha(NUMBER)},\n{sha('ann@example.com')},,\n"
    assert files(tmp_path) == ["lapsed_90.csv"]


@live
async def test_lines_of_json_name_what_they_hold(tmp_path: Path) -> None:
    driver = an_export(tmp_path, platform="meta", format="jsonl")
    await driver.send(a_member())

    assert [json.loads(line) for line in (tmp_path / "lapsed_90.jsonl").read_text().splitlines()] == [{"phone": sha(NUMBER[1:])}]


@live
async def test_who_is_taken_out_leaves_the_file_and_is_listed_for_the_platform(tmp_path: Path) -> None:
    driver = an_export(tmp_path)
    await driver.send(a_member())
    await driver.send(a_member("+14155550124"))
    for _ in range(2):
        await driver.send(a_member(action="remove"))
    await driver.send(a_member("+14155550199", action="remove"))  # was never in

    head = "Email,Phone,Mobile Device ID\n"
    assert (tmp_path / "lapsed_90.csv").read_text() == f"{head},{sha('+14155550124')},\n"
    assert (tmp_path / "lapsed_90.remove.csv").read_text() == f"{head},{sha(NUMBER)},\n"

    await driver.send(a_member())  # with a new consent
    assert (tmp_path / "lapsed_90.remove.csv").read_text() == head
    assert sha(NUMBER) in (tmp_path / "lapsed_90.csv").read_text()


@live
async def test_somebody_is_forgotten_in_every_audience(tmp_path: Path) -> None:
    driver = an_export(tmp_path)
    await driver.send(a_member())
    other = a_member().model_copy(update={"content": Payload(data={"audience": "vip"})})
    await driver.send(other)

    assert await an_export(tmp_path).forget([AudienceMember(identifier=NUMBER)]) == 2
    assert all(sha(NUMBER) not in (tmp_path / f"{name}.csv").read_text() for name in ("lapsed_90", "vip"))
    assert all(sha(NUMBER) in (tmp_path / f"{name}.remove.csv").read_text() for name in ("lapsed_90", "vip"))


@live
async def test_a_line_that_a_crash_cut_off_is_written_again(tmp_path: Path) -> None:
    await an_export(tmp_path).send(a_member())
    path = tmp_path / "lapsed_90.csv"
    whole = path.read_text()
    path.write_text(whole[:-10])
    await an_export(tmp_path).send(a_member())

    assert path.read_text() == whole


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "audience"),
        ({"audience": "../etc"}, "audience"),
        ({"audience": "a", "action": "hide"}, "action"),
        ({"audience": "a", "x": 1}, "x"),
    ],
)
def test_a_content_that_names_no_audience_is_refused(tmp_path: Path, data: dict[str, Any], words: str) -> None:
    message = a_member().model_copy(update={"content": Payload(data=data)})
    with pytest.raises(SendError, match=f"content.data.{words}"):
        asyncio.run(an_export(tmp_path).send(message))
    assert files(tmp_path) == []


@live
async def test_without_a_ledger_nobody_is_exported(tmp_path: Path) -> None:
    driver = an_export(tmp_path)
    driver.consented = None
    with pytest.raises(SendError, match="no ledger of consents") as caught:
        await driver.send(a_member())

    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert files(tmp_path) == []


@live
async def test_two_processes_write_one_file_together(tmp_path: Path) -> None:
    here, there = an_export(tmp_path), an_export(tmp_path)
    await here.send(a_member())
    await there.send(a_member())
    await there.send(a_member("+14155550124"))
    await here.send(a_member(action="remove"))
    await there.send(a_member("+14155550125"))
    await there.send(a_member("+14155550124", action="remove"))

    assert (tmp_path / "lapsed_90.csv").read_text().splitlines()[1:] == [f",{sha('+14155550125')},"]
    gone = [f",{sha(number)}," for number in (NUMBER, "+14155550124")]
    assert (tmp_path / "lapsed_90.remove.csv").read_text().splitlines()[1:] == gone


# Through the gateway


def ads(folder: Path) -> AccountConfig:
    return AccountConfig.build("audience.export", {"folder": str(folder)}, name="ads")


def members(folder: Path) -> list[str]:
    return (folder / "lapsed_90.csv").read_text().splitlines()[1:]


@live
async def test_only_a_recorded_consent_for_audiences_lets_a_person_in(tmp_path: Path) -> None:
    async with ground(ads(tmp_path)) as here:

        async def tried(number: int) -> Delivery:
            here.clock.advance(25 * HOUR)
            return await here.gateway.send(a_member(person="ann", id=f"m{number}"))

        first = await tried(1)
        await here.gateway.consent(person="ann", channel="*", granted=True, source="form")
        for_all = await tried(2)
        await here.gateway.consent(person="ann", channel="audience", granted=True, source="form")
        with_consent = await tried(3)
        await here.gateway.consent(person="ann", channel="*", granted=False, source="form")
        withdrawn = await tried(4)

        assert [one.state for one in (first, for_all, with_consent, withdrawn)] == ["failed", "failed", "accepted", "failed"]
        codes = [one.error.code for one in (first, for_all, withdrawn) if one.error is not None]
        assert codes == ["consent.missing", "consent.missing", "consent.withdrawn"]
        assert "record" in str(first.error)
        assert await here.suppressions() == []  # a refusal here is no word about the address


async def exported(here: Ground, *people: tuple[str, str]) -> None:
    """People with a consent, and in the file."""
    for person, number in people:
        await here.gateway.consent(person=person, channel="audience", granted=True, source="form")
        delivery = await here.gateway.send(a_member(number, person=person, id=f"in-{person}"))
        assert delivery.state == "accepted"


@pytest.mark.parametrize("how", ["contact", "exported", "address", "withdrawn", "told by the vendor"])
def test_who_opts_out_is_taken_out_by_the_worker(tmp_path: Path, how: str) -> None:
    @live
    async def work() -> None:
        async with ground(ads(tmp_path), account("sms")) as here:
            gateway = here.gateway
            if how == "contact":
                await gateway.save_people([PersonRecord("ann", contacts={"sms": [Phone(e164=NUMBER)]})])
            await exported(here, ("ann", NUMBER), ("bob", "+14155550124"))
            await gateway.drain()
            here.clock.advance(HOUR)
            assert len(members(tmp_path)) == 2

            if how == "address":
                await gateway.suppress(address=NUMBER, channel="sms", reason="complaint")
            elif how == "withdrawn":
                await gateway.consent(person="ann", channel="audience", granted=False, source="form")
            elif how == "told by the vendor":
                stop = Event(EventType.REPLIED, vendor_event_id="r1", address=NUMBER, text="STOP", at=here.clock.now())
                await gateway.apply([stop], account="sms")
            else:
                await gateway.suppress(person="ann", channel="sms", reason="opt_out")
            await gateway.drain()

            assert members(tmp_path) == [f",{sha('+14155550124')},"]
            assert (tmp_path / "lapsed_90.remove.csv").read_text().splitlines()[1:] == [f",{sha(NUMBER)},"]

    work()


@live
async def test_a_restart_forgets_no_removal_and_takes_out_nobody_who_came_back(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    async with ground(ads(tmp_path), store=store) as here:
        await exported(here, ("ann", NUMBER), ("bob", "+14155550124"))
        for person in ("ann", "bob"):
            await here.gateway.suppress(person=person, channel="sms", reason="opt_out")
        here.clock.advance(25 * HOUR)
        await here.gateway.consent(person="bob", channel="audience", granted=True, source="form")
    async with ground(ads(tmp_path), at=NOON + 26 * HOUR, store=store) as here:
        await here.gateway.drain()
        again = await here.gateway.send(a_member(person="ann", id="again"))

    assert members(tmp_path) == [f",{sha('+14155550124')},"]
    assert again.error is not None
    assert again.error.code == "consent.withdrawn"


@live
async def test_taking_somebody_out_needs_no_consent(tmp_path: Path) -> None:
    async with ground(ads(tmp_path)) as here:
        await exported(here, ("ann", NUMBER))
        here.clock.advance(25 * HOUR)
        await here.gateway.suppress(person="ann", channel="sms", reason="opt_out")

        taken_out = await here.gateway.send(a_member(person="ann", id="out", action="remove"))

        assert taken_out.state == "accepted"
        assert members(tmp_path) == []


@live
async def test_the_newest_word_of_a_person_decides(tmp_path: Path) -> None:
    async with ground(ads(tmp_path)) as here:
        await here.gateway.save_people([PersonRecord("ann", contacts={"sms": [Phone(e164=NUMBER)]})])
        await here.gateway.suppress(address=NUMBER, channel="sms", reason="opt_out")

        async def gone() -> list[str]:
            now = to_ms(here.clock.now())
            return await here.gateway.store.run(lambda c: opted_out_since(c, "default", since=to_ms(NOON), now=now))

        before = await gone()
        here.clock.advance(HOUR)
        await here.gateway.consent(person="ann", channel="audience", granted=True, source="form")

        assert before == [NUMBER]
        assert await gone() == []
