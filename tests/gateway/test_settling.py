"""Uncertain, fully: settled by the vendor's key, a look-up, a report, the deadline; and accounts that have to be asked."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.ground import HOUR, MINUTE, NOON, NUMBER, Ground, account, ground, live, of
from recallgate import (
    AccountConfig,
    ConfigError,
    ErrorKind,
    Event,
    EventType,
    FrozenClock,
    Gateway,
    GatewayConfig,
    Message,
    SendError,
)
from recallgate.adapter import Adapter, Capabilities, read_json
from recallgate.delivery.schedule import next_look, next_poll
from recallgate.delivery.worker import Pace
from recallgate.model.purpose import Purpose
from recallgate.registry import adapter_class
from recallgate.sandbox.habits import ChannelHabits, Habits, Outage, Spread
from recallgate.sandbox.vendors import Vendors
from recallgate.sandbox.world import World
from recallgate.testing.fakes import FakeAdapter

K, T = ErrorKind, EventType
SECOND = timedelta(seconds=1)
REPORTED = Capabilities(callbacks="secret_path", reports=True)


@dataclass
class Vendor:
    """A vendor with a memory: what it took by key, and what it tells when asked. `losing` answers are lost after it took."""

    losing: int = 0
    deaf: int = 0  # requests that are lost before it hears them
    refusing: list[ErrorKind] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)
    questions: list[tuple[datetime, str | None]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    mute: bool = False
    clock: FrozenClock | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            assert self.clock is not None
            self.questions.append((self.clock.now(), request.url.params.get("vendor")))
            return httpx.Response(503 if self.mute else 200, json={"news": self.told})
        body = json.loads(request.content)
        key = str(body["message"]["id"])
        self.keys.append(key)
        self.bodies.append(request.content)
        if self.deaf:
            self.deaf -= 1
            raise httpx.ReadError("broken", request=request)
        if self.refusing:
            return httpx.Response(200, json={"kind": self.refusing.pop(0).value})
        self.taken.setdefault(key, f"v{len(self.taken) + 1}")
        if self.losing:
            self.losing -= 1
            raise httpx.ReadError("the answer was lost", request=request)
        return httpx.Response(200, json={"id": self.taken[key]})


class Keyed(FakeAdapter):
    capabilities = Capabilities(callbacks="secret_path", reports=True, idempotency=86_400)


class Asked(FakeAdapter):
    """Can be asked, by its id or by ours."""

    by_our_id = True

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        if vendor_id is None and not self.by_our_id:
            return None
        return httpx.Request("GET", "https://fake.example/status", params={"vendor": vendor_id} if vendor_id else {})

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        if response.status_code != 200:
            raise SendError(ErrorKind.UNAVAILABLE, "503")
        return tuple(
            Event(EventType(one["type"]), message_id=message.id, status=one["type"]) for one in read_json(response)["news"]
        )


class AskedById(Asked):
    by_our_id = False


def vendor_account(base: type[Adapter], name: str = "a", **fields: Any) -> AccountConfig:
    return account(name, base=base, **fields)


@asynccontextmanager
async def served(vendor: Vendor, *accounts: AccountConfig, **config: Any) -> AsyncIterator[Ground]:
    """A gateway whose accounts all talk to one vendor."""
    async with ground(*accounts, **config) as here:
        vendor.clock = here.clock
        for one in here.gateway.accounts.values():
            one._transport = lambda _: httpx.MockTransport(vendor.answer)
        yield here


async def pass_time(here: Ground, *spans: timedelta) -> None:
    for span in spans:
        here.clock.advance(span)
        await here.gateway.drain()


# By the vendor's key


@pytest.mark.parametrize("purpose", ["marketing", "service", "transactional", "otp"])
@live
async def test_a_lost_answer_is_asked_for_again_with_the_same_key(purpose: str) -> None:
    vendor = Vendor(losing=1)
    async with served(vendor, vendor_account(Keyed), vendor_account(Keyed, "b", order=1)) as here:
        message = of(purpose)
        assert (await here.gateway.send(message)).state == "uncertain"

        await pass_time(here, 9 * SECOND)
        assert vendor.keys == [message.id]
        await pass_time(here, SECOND)

        assert await here.state(message.id) == "accepted"
        assert await here.reason(message.id) == "uncertain.repeated_with_key"
        assert vendor.taken == {message.id: "v1"}
        assert await here.attempts(message.id) == [(1, "a", "uncertain", "uncertain"), (2, "a", "accepted", None)]
        await here.gateway.apply([Event(T.DELIVERED, vendor_id="v1", at=here.clock.now())], account="a")
        assert (await here.state(message.id), await here.reason(message.id)) == ("delivered", "uncertain.repeated_with_key")


@live
async def test_a_crash_is_settled_by_the_key_as_soon_as_the_lease_ends() -> None:
    vendor = Vendor()
    async with served(vendor, vendor_account(Keyed)) as here:
        message = of("marketing")
        await here.gateway.submit([message])
        assert (await here.gateway.worker.stage("sms")).ready

        await pass_time(here, MINUTE)

        assert await here.state(message.id) == "accepted"
        assert await here.reason(message.id) == "uncertain.repeated_with_key"


@live
async def test_a_key_that_the_vendor_has_forgotten_is_not_used() -> None:
    vendor = Vendor(losing=1)
    forgetful = Capabilities(callbacks="secret_path", reports=True, idempotency=44)  # less than deadline, margin and wait
    async with served(vendor, vendor_account(Keyed, capabilities=forgetful)) as here:
        message = of("marketing")
        await here.gateway.send(message)

        await pass_time(here, 10 * SECOND, HOUR)

        assert vendor.keys == [message.id]
        assert (await here.state(message.id), await here.reason(message.id)) == ("uncertain", "uncertain.closed")


@live
async def test_repeats_wait_longer_each_time_and_end_with_the_attempts() -> None:
    vendor = Vendor(losing=99)
    async with served(vendor, vendor_account(Keyed), max_attempts=4) as here:
        message = of("marketing")
        await here.gateway.send(message)
        seen: list[int] = []
        for _ in range(60 * 60):
            await pass_time(here, SECOND)
            if len(vendor.keys) > len(seen) + 1:
                seen.append(int((here.clock.now() - NOON).total_seconds()))

        assert seen == [10, 10 + 60, 10 + 60 + 300]
        assert (await here.state(message.id), await here.reason(message.id)) == ("uncertain", "uncertain.closed")
        assert set(vendor.keys) == {message.id}


@live
async def test_who_opted_out_meanwhile_is_sent_no_copy_and_the_message_stays_uncertain() -> None:
    vendor = Vendor(losing=1)
    async with served(vendor, vendor_account(Keyed)) as here:
        message = of("marketing", person="ann")
        await here.gateway.send(message)
        await here.gateway.suppress(address=NUMBER, reason="opt_out")

        await pass_time(here, 10 * SECOND)
        assert (await here.state(message.id), await here.reason(message.id)) == ("uncertain", "uncertain.broken")
        await pass_time(here, HOUR)

        assert (await here.state(message.id), await here.reason(message.id)) == ("uncertain", "uncertain.closed")
        assert vendor.keys == [message.id]
        assert await here.rows("select distinct state from rg_cap_entry") == [("counted",)]


@live
async def test_a_copy_does_not_count_against_its_own_cap() -> None:
    vendor = Vendor(losing=1)
    async with served(vendor, vendor_account(Keyed)) as here:
        message = of("marketing", person="ann")
        await here.gateway.send(message)
        await pass_time(here, 10 * SECOND)

        assert await here.state(message.id) == "accepted"
        assert (await here.gateway.send(of("marketing", person="ann"))).state == "suppressed"


@pytest.mark.parametrize(
    ("kind", "state"),
    [(K.AUTH, "uncertain"), (K.TEMPORARY, "uncertain"), (K.UNKNOWN, "uncertain"), (K.INVALID_RECIPIENT, "failed")],
)
@live
async def test_a_refused_copy_says_nothing_of_the_first_one_unless_the_address_is_at_fault(kind: ErrorKind, state: str) -> None:
    vendor = Vendor(losing=1)
    async with served(vendor, vendor_account(Keyed)) as here:
        message = of("service")
        await here.gateway.send(message)
        vendor.refusing = [kind]

        await pass_time(here, 10 * SECOND)

        assert await here.state(message.id) == state


@live
async def test_a_copy_has_the_words_of_the_first_one_short_links_and_all() -> None:
    vendor = Vendor(losing=1)
    async with served(vendor, vendor_account(Keyed), public_url="https://s.example", secret="secret-of-the-gateway") as here:
        message = of("marketing", words="Your cart: https://shop.example/c")
        assert (await here.gateway.send(message)).state == "uncertain"

        await pass_time(here, 10 * SECOND)

        assert vendor.bodies[0] == vendor.bodies[1]
        assert b"https://s.example/l/" in vendor.bodies[0]


@live
async def test_a_paused_account_is_sent_no_copy() -> None:
    vendor = Vendor(losing=1)
    async with served(vendor, vendor_account(Keyed), vendor_account(Keyed, "b", order=1)) as here:
        message = of("service")
        await here.gateway.send(message)
        await here.gateway.pause("account", "a")
        await pass_time(here, 10 * SECOND)
        assert await here.state(message.id) == "uncertain"
        await here.gateway.resume("account", "a")

        await pass_time(here, 50 * SECOND)

        assert await here.state(message.id) == "accepted"
        assert {row[1] for row in await here.attempts(message.id)} == {"a"}


# By a look-up


@live
async def test_the_vendor_is_asked_on_a_schedule_until_the_deadline() -> None:
    vendor = Vendor(deaf=1)
    async with served(vendor, vendor_account(Asked, capabilities=REPORTED)) as here:
        message = of("marketing")
        await here.gateway.send(message)
        for _ in range(20 * 60):
            await pass_time(here, SECOND)

        assert [(at - NOON).total_seconds() for at, _ in vendor.questions] == [10, 60, 300, 900]
        assert (await here.state(message.id), await here.reason(message.id)) == ("uncertain", "uncertain.closed")
        assert await here.gateway.next_due() is None


@pytest.mark.parametrize(
    ("news", "state"), [("sent", "sent"), ("delivered", "delivered"), ("undelivered", "undelivered"), ("accepted", "accepted")]
)
@live
async def test_what_the_vendor_tells_when_asked_is_applied_like_a_report(news: str, state: str) -> None:
    vendor = Vendor(losing=1, told=[{"type": news}])
    async with served(vendor, vendor_account(Asked, capabilities=REPORTED)) as here:
        message = of("marketing")
        await here.gateway.send(message)
        await pass_time(here, 10 * SECOND, HOUR)

        assert await here.state(message.id) == state
        assert len(vendor.questions) == 1
        assert await here.rows("select type, message_id from rg_event where type = :t", t=news) == [(news, message.id)]


@live
async def test_a_vendor_that_cannot_be_asked_without_its_own_id_is_not_asked() -> None:
    vendor = Vendor(losing=1)
    async with served(vendor, vendor_account(AskedById, capabilities=REPORTED)) as here:
        message = of("otp")
        await here.gateway.send(message)
        await pass_time(here, 10 * SECOND, 889 * SECOND)
        assert await here.state(message.id) == "uncertain"
        await pass_time(here, SECOND)

        assert vendor.questions == []
        assert (await here.state(message.id), await here.reason(message.id)) == ("accepted", "uncertain.sent_again")


@live
async def test_a_vendor_that_fails_to_answer_is_asked_again() -> None:
    vendor = Vendor(losing=1, told=[{"type": "delivered"}], mute=True)
    async with served(vendor, vendor_account(Asked, capabilities=REPORTED)) as here:
        message = of("marketing")
        await here.gateway.send(message)
        await pass_time(here, 10 * SECOND)
        assert await here.state(message.id) == "uncertain"
        vendor.mute = False

        await pass_time(here, 50 * SECOND)

        assert await here.state(message.id) == "delivered"


PROVES = Capabilities(callbacks="secret_path", reports=True, lookup_proves_absence=30)


@live
async def test_an_empty_answer_that_proves_absence_puts_the_message_back_into_the_queue() -> None:
    vendor = Vendor(deaf=1)
    async with served(vendor, vendor_account(Asked, capabilities=PROVES)) as here:
        message = of("marketing", person="ann")
        await here.gateway.send(message)
        await pass_time(here, 10 * SECOND)
        assert await here.state(message.id) == "uncertain"  # too early to prove anything

        await pass_time(here, 50 * SECOND)

        assert await here.state(message.id) == "accepted"
        assert vendor.taken == {message.id: "v1"}
        assert await here.attempts(message.id) == [(1, "a", "failed", "temporary"), (2, "a", "accepted", None)]


@pytest.mark.parametrize(("fields", "state"), [({"max_attempts": 1}, "failed"), ({}, "expired")])
@live
async def test_what_was_never_taken_goes_beyond_neither_its_end_nor_its_attempts(fields: dict[str, int], state: str) -> None:
    vendor = Vendor(deaf=1)
    async with served(vendor, vendor_account(Asked, capabilities=PROVES), **fields) as here:
        message = of("service", expires_at=NOON + 50 * SECOND if state == "expired" else None)
        await here.gateway.send(message)
        await pass_time(here, 10 * SECOND, 50 * SECOND)

        assert await here.state(message.id) == state
        assert await here.reason(message.id) == "uncertain.not_taken"
        assert len(vendor.keys) == 1


@live
async def test_an_empty_answer_proves_nothing_where_the_adapter_does_not_say_so() -> None:
    vendor = Vendor(deaf=1)
    async with served(vendor, vendor_account(Asked, capabilities=REPORTED)) as here:
        message = of("marketing")
        await here.gateway.send(message)
        await pass_time(here, 10 * SECOND, MINUTE, HOUR)

        assert await here.state(message.id) == "uncertain"
        assert vendor.keys == [message.id]


# Accounts without reports


@live
async def test_an_account_without_reports_is_asked_about_what_it_took() -> None:
    vendor = Vendor()
    async with served(vendor, vendor_account(Asked, capabilities=Capabilities())) as here:
        message = of("marketing")
        await here.gateway.send(message)
        for span in (59, 1, 539, 1, 2999, 1, 17_999, 1, 64_799, 1, 999_999):
            await pass_time(here, span * SECOND)

        assert [(int((at - NOON).total_seconds()), vendor) for at, vendor in vendor.questions] == [
            (60, "v1"), (600, "v1"), (3600, "v1"), (21_600, "v1"), (86_400, "v1")
        ]  # fmt: skip
        assert await here.state(message.id) == "accepted"
        assert await here.gateway.next_due() is None


@live
async def test_news_that_was_asked_for_is_applied_and_ends_the_asking_when_it_is_final() -> None:
    vendor = Vendor(told=[{"type": "sent"}])
    async with served(vendor, vendor_account(Asked, capabilities=Capabilities())) as here:
        message = of("marketing")
        await here.gateway.send(message)
        await pass_time(here, MINUTE)
        assert await here.state(message.id) == "sent"
        vendor.told.append({"type": "delivered"})
        await pass_time(here, 9 * MINUTE)
        assert await here.state(message.id) == "delivered"
        await pass_time(here, HOUR, 24 * HOUR)

        assert len(vendor.questions) == 2


@pytest.mark.parametrize(("reports", "asked"), [("auto", False), ("poll", True), ("none", False)])
@live
async def test_settings_decide_whether_an_account_with_reports_is_asked(reports: str, asked: bool) -> None:
    vendor = Vendor()
    async with served(vendor, vendor_account(Asked, capabilities=REPORTED, reports=reports)) as here:
        await here.gateway.send(of("marketing"))
        await pass_time(here, MINUTE)

        assert bool(vendor.questions) is asked


@live
async def test_an_uncertain_message_that_turns_out_to_be_taken_is_asked_about_from_then_on() -> None:
    vendor = Vendor(losing=1, told=[{"type": "accepted"}])
    async with served(vendor, vendor_account(Asked, capabilities=Capabilities())) as here:
        message = of("marketing")
        await here.gateway.send(message)
        await pass_time(here, 10 * SECOND)
        assert await here.state(message.id) == "accepted"
        vendor.told.append({"type": "delivered"})

        await pass_time(here, MINUTE)

        assert await here.state(message.id) == "delivered"


def test_an_account_that_cannot_be_asked_is_not_told_to_ask() -> None:
    with pytest.raises(ConfigError, match="reports"):
        Gateway(account("a", reports="poll"))


@pytest.mark.parametrize(
    ("passed", "n", "at"),
    [(0, 1, 10), (10, 1, 60), (60, 1, 300), (300, 1, 900), (0, 2, 60), (0, 3, 300), (0, 9, 300), (301, 9, 900)],
)
def test_looks_come_on_a_schedule(passed: int, n: int, at: int) -> None:
    assert next_look(0, passed * 1000, n=n, deadline=900_000) == at * 1000
    assert next_look(0, 0, n=n, deadline=5000) == 5000


def test_after_a_day_no_news_is_hoped_for() -> None:
    assert next_poll(0, 86_399_999) == 86_400_000
    assert next_poll(0, 86_400_000) is None


# The vendors themselves: their faces take the first copy, lose the answer, and know the second one by its key


def _header(request: httpx.Request) -> str:
    return request.headers["idempotency-key"]


def _field(*path: str | int) -> Callable[[httpx.Request], str]:
    def read(request: httpx.Request) -> str:
        found: Any = json.loads(request.content)
        for step in path:
            found = found[step]
        return str(found)

    return read


def _oppo(request: httpx.Request) -> str:
    from urllib.parse import parse_qs

    return str(json.loads(parse_qs(request.content.decode())["message"][0])["notification"]["app_message_id"])


PUSH = Message.push("device-1", "T", "B", purpose="transactional", country="US", timezone="America/New_York")
MAIL = Message.email("ann@example.com", "Hi", text="There", purpose="otp", timezone="America/New_York")
SMS = Message.sms(NUMBER, "Hello", purpose="transactional", country="US", timezone="America/Los_Angeles")
VENDORS: dict[str, tuple[Mapping[str, Any], Message, Callable[[httpx.Request], str]]] = {
    "infobip.sms": ({"api_key": "k", "sender": "ACME"}, SMS, _field("messages", 0, "destinations", 0, "messageId")),
    "resend.email": ({"api_key": "re_key", "sender": "Shop <news@shop.example>"}, MAIL, _header),
    "jpush.push": ({"app_key": "a" * 24, "master_secret": "b" * 24}, PUSH, _field("cid")),
    "getui.push": ({"app_id": "appid1", "app_key": "k", "master_secret": "s"}, PUSH, _field("request_id")),
    "oppo.push": ({"app_key": "appkeyExample0001", "master_secret": "masterSecretExample0001"}, PUSH, _oppo),
    "vivo.push": (
        {"app_id": 10004, "app_key": "appkeyExample0001", "app_secret": "masterSecretExample0001"}, PUSH, _field("requestId"),
    ),
}  # fmt: skip


def test_every_adapter_with_a_key_is_held_against_its_face() -> None:
    from recallgate.registry import ADAPTERS, names

    keyed = {name for name in names(ADAPTERS) if adapter_class(name).abilities().idempotency is not None}
    assert {name for name in keyed if not name.startswith("chaos")} == set(VENDORS)


@pytest.mark.parametrize("name", VENDORS)
@live
async def test_a_vendor_takes_the_copy_for_the_message_itself(name: str) -> None:
    settings, message, key = VENDORS[name]
    clock = FrozenClock(NOON)
    calm = ChannelHabits(delivery_time=Spread(30.0))
    habits = Habits(channels={message.channel: calm}, outages=(Outage("*", NOON, NOON + SECOND, K.UNCERTAIN),), lost_answers=0.0)
    vendors = Vendors(World("keys", habits), clock)
    one = AccountConfig(name="a", adapter=name, settings=adapter_class(name).Config(**settings))
    seen: list[str] = []

    def transport(config: AccountConfig) -> httpx.AsyncBaseTransport:
        inner = vendors.transport(config)

        class Watched(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                with suppress(KeyError, ValueError, TypeError):  # a token is fetched
                    seen.append(key(request))
                return await inner.handle_async_request(request)

        return Watched()

    gateway = Gateway(one, config=GatewayConfig(jitter_minutes=0), store="sqlite://", clock=clock, transport=transport)
    gateway.worker.pace = Pace(quick_retries=0)
    async with gateway:
        here = Ground(gateway, clock)
        assert (await gateway.send(message)).state == "uncertain"
        await pass_time(here, 10 * SECOND)

        assert await here.state(message.id) == "accepted"
        assert len(seen) == 2
        assert len(set(seen)) == 1
        assert vendors.world.counts[f"taken.{message.channel}"] == 1


@live
async def test_infobip_tells_by_our_id_what_became_of_a_message_whose_key_it_has_forgotten() -> None:
    clock = FrozenClock(NOON)
    habits = Habits(outages=(Outage("*", NOON, NOON + SECOND, K.UNCERTAIN),), lost_answers=0.0)
    vendors = Vendors(World("lookup", habits), clock)
    config = adapter_class("infobip.sms").Config.model_validate({"api_key": "k", "sender": "ACME"})
    one = AccountConfig(name="a", adapter="infobip.sms", settings=config, deadline_s=3600)  # no copy arrives within the hour
    gateway = Gateway(one, store="sqlite://", clock=clock, transport=vendors.transport)
    async with gateway:
        here = Ground(gateway, clock)
        message = SMS.model_copy(update={"id": "m-asked"})
        assert (await gateway.send(message)).state == "uncertain"
        await pass_time(here, 10 * SECOND)

        assert await here.state(message.id) in ("accepted", "sent")
        assert len(await here.attempts(message.id)) == 1
        assert await here.rows("select count(*) from rg_event where message_id = 'm-asked'") == [(1,)]


@live
async def test_a_mail_that_may_have_gone_in_a_batch_has_no_key_of_its_own() -> None:
    clock = FrozenClock(NOON)
    habits = Habits(outages=(Outage("*", NOON, NOON + SECOND, K.UNCERTAIN),), lost_answers=0.0)
    vendors = Vendors(World("batch", habits), clock)
    config = adapter_class("resend.email").Config.model_validate({"api_key": "re_key", "sender": "Shop <news@shop.example>"})
    one = AccountConfig(name="a", adapter="resend.email", settings=config)
    mails = [MAIL.model_copy(update={"id": f"m{n}", "purpose": Purpose.SERVICE}) for n in range(2)]
    async with Gateway(one, store="sqlite://", clock=clock, transport=vendors.transport) as gateway:
        here = Ground(gateway, clock)
        await gateway.submit(mails)
        await gateway.drain()
        assert await here.state("m0") == "uncertain"
        await pass_time(here, 10 * SECOND, HOUR)

        assert vendors.world.counts["taken.email"] == 2
        assert [(await here.state(mail.id), len(await here.attempts(mail.id))) for mail in mails] == [("uncertain", 1)] * 2


@live
async def test_codes_go_alone_each_under_its_own_key() -> None:
    from recallgate.delivery.together import grouped

    async with ground(account(capabilities=Capabilities(batch=100))) as here:
        await here.gateway.submit(
            [of(purpose, to=f"+1415555010{n}") for n, purpose in enumerate(("otp", "otp", "service", "service"))]
        )
        ready = (await here.gateway.worker.stage("sms")).ready

        assert sorted((len(group), group[0].message.purpose.value) for group in grouped(ready)) == [
            (1, "otp"), (1, "otp"), (2, "service")
        ]  # fmt: skip
