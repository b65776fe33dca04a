"""Every HTTP adapter, through a whole gateway and its vendor's face: what a late, lost, unreadable or refusing answer does."""

import asyncio
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from adapters.contracts import VENDORS, contracts
from adapters.wire import response
from recallgate import (
    AccountConfig,
    Adapter,
    ErrorKind,
    FaceReply,
    Fault,
    FrozenClock,
    Gateway,
    GatewayConfig,
    IdSource,
    Message,
    Simulation,
    State,
    Taken,
    VendorFace,
)
from recallgate.cli.examples import example_of
from recallgate.registry import adapter_class, face_class
from recallgate.sandbox.vendors import revealed
from recallgate.testing import MemoryStore
from recallgate.testing.kit_base import Contract

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # a working day in China, the afternoon before it in California
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel network</body></html>"
HTTP = [name for name in VENDORS if issubclass(adapter_class(name), Adapter)]
LEAVE_IT = {kind for kind in ErrorKind if kind.rule.next in ("never", "never_here")}
BRITISH = {"type": "phone", "e164": "+447400123456"}  # American numbers have as many digits as Chinese ones
# where no answer is expected any more: far beyond every wait of the gateway
MUCH_LATER = timedelta(hours=2)


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """A vendor's face behind a bad wire. `taken` are the copies that the vendor has; `asked` counts submits.

    `meets` is what befalls a submit, one after the other: a word, a status, or a fault that the face tells in its own way.
    Requests for tokens are answered as usual.
    """

    face: VendorFace
    clock: FrozenClock
    meets: list[str | int | Fault]
    headers: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    asked: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        # asked of a copy first: a vendor that remembers keys must not remember a request that never reached it
        reply = _asked(deepcopy(self.face), request, self.clock)
        if not reply.taken:
            return response(_asked(self.face, request, self.clock))
        self.asked += 1
        befalls = self.meets.pop(0) if self.meets else "nothing"
        match befalls:
            case int():
                return httpx.Response(befalls, headers=self.headers, content=b"{}")
            case Fault():
                return response(_asked(self.face, request, self.clock, befalls))
            case "unreachable":
                raise httpx.ConnectError("no route", request=request)
        reply = _asked(self.face, request, self.clock)
        self.taken += reply.taken
        match befalls:
            case "late":
                await asyncio.Event().wait()
            case "lost":
                raise httpx.ReadError("the wire broke", request=request)
            case "garbage":
                return httpx.Response(200, content=HTML)
        return response(reply)


def _asked(face: VendorFace, request: httpx.Request, clock: FrozenClock, fault: Fault | None = None) -> FaceReply:
    return face.answer(request, now=clock.now(), new_id=IdSource("seed"), fault=fault)


@dataclass(frozen=True)
class Story:
    """What became of a message: its state at once, and when everybody had waited long enough; what the vendor saw."""

    first: State
    last: State
    kind: ErrorKind | None
    asked_first: int
    asked: int
    copies: int
    waits_s: float | None


def told(name: str, *meets: str | int | Fault, headers: dict[str, str] | None = None) -> Story:
    """Send one service message through a gateway to a vendor that it meets so; then let time pass, with a sound wire."""
    return asyncio.run(_told(name, meets, headers or {}))


async def _told(name: str, meets: Sequence[str | int | Fault], headers: dict[str, str]) -> Story:
    config, example = example_of(adapter_class(name))
    if example["to"].get("e164", "").startswith("+1"):
        example["to"] = BRITISH
    clock = FrozenClock(NOW)
    account = AccountConfig.build(name, {**config, "account.deadline_s": 0.03 if "late" in meets else 30}, name="one")
    wire = Wire(face_class(name)(revealed(account.settings)), clock, list(meets), headers)
    message = Message.model_validate({**example, "purpose": "service", "timezone": "Asia/Shanghai", "expires_at": None})
    settings = GatewayConfig(accounts=(account,), report_wait_s=900)
    gateway = Gateway(
        config=settings, store=MemoryStore(), clock=clock, transport=lambda _: wire, simulation=Simulation("faults")
    )
    async with gateway:
        delivery = await gateway.send(message)
        asked, due = wire.asked, await gateway.next_due()
        waits = (due - clock.now()).total_seconds() if due is not None else None
        for _ in range(24):
            clock.advance(MUCH_LATER / 24)
            await gateway.drain()
        last = (await gateway.explain(message.id))["message"]["state"]
    kind = delivery.error.kind if delivery.error is not None else None
    return Story(delivery.state, State(last), kind, asked, wire.asked, len(wire.taken), waits)


def contract(name: str) -> type[Contract]:
    return contracts()[name][0]


def reads_bodies(name: str) -> bool:
    """Whether a receipt is made of the body; for some vendors a 2xx is the whole answer."""
    case: Any = contract(name).test_an_unreadable_success_is_uncertain  # type: ignore[attr-defined] # a case of the kit
    return case is not None and "html" in contract(name).unreadable


@pytest.mark.parametrize("name", HTTP)
def test_a_sound_wire_carries_one_copy(name: str) -> None:
    story = told(name)

    assert (story.first, story.asked, story.copies) == (State.ACCEPTED, 1, 1)


def is_settled(name: str, story: Story) -> bool:
    """In doubt at first; then the vendor's key or answer settles it where there is one, and nothing is sent again unkeyed."""
    can = adapter_class(name).abilities()
    ended = story.last is State.UNCERTAIN or ((can.idempotency or can.lookup) and story.last.taken)
    return story.first is State.UNCERTAIN and bool(ended) and (story.asked == 1 or can.idempotency is not None)


@pytest.mark.parametrize("what", ["late", "lost"])
@pytest.mark.parametrize("name", HTTP)
def test_a_message_that_may_have_arrived_is_not_doubled(name: str, what: str) -> None:
    story = told(name, what)

    assert is_settled(name, story), story
    assert (story.kind, story.copies) == (ErrorKind.UNCERTAIN, 1)


@pytest.mark.parametrize("name", [name for name in HTTP if reads_bodies(name)])
def test_an_answer_that_nobody_can_read_is_uncertain(name: str) -> None:
    story = told(name, "garbage")

    assert is_settled(name, story), story
    assert story.copies == 1


@pytest.mark.parametrize("status", [500, 502, 504])
@pytest.mark.parametrize("name", HTTP)
def test_a_fault_of_the_vendor_that_may_come_late_is_not_asked_again_without_a_key(name: str, status: int) -> None:
    story = told(name, status)

    assert story.kind is contract(name).faults[status]
    if story.kind is ErrorKind.UNCERTAIN:
        assert is_settled(name, story), story
    else:
        assert (story.first, story.last, story.copies) == (State.HELD, State.ACCEPTED, 1)


@pytest.mark.parametrize("what", [503, "unreachable"])
@pytest.mark.parametrize("name", HTTP)
def test_what_was_certainly_not_sent_is_sent_later(name: str, what: str | int) -> None:
    story = told(name, what)

    assert story.kind is (ErrorKind.UNAVAILABLE if what == "unreachable" else contract(name).faults[503])
    assert (story.first, story.last) == (State.HELD, State.ACCEPTED)
    assert (story.asked, story.copies) == (2, 1)


@pytest.mark.parametrize("name", HTTP)
def test_too_many_requests_wait_as_long_as_the_vendor_says(name: str) -> None:
    story = told(name, 429, headers={"retry-after": "40"})

    assert (story.first, story.last, story.kind) == (State.HELD, State.ACCEPTED, ErrorKind.RATE_LIMITED)
    assert (story.asked_first, story.asked, story.copies) == (1, 2, 1)
    assert story.waits_s is not None
    assert story.waits_s >= 40


@pytest.mark.parametrize("name", HTTP)
def test_a_bad_request_is_asked_once(name: str) -> None:
    story = told(name, 400)

    assert story.kind in LEAVE_IT
    assert (story.first, story.last) == (State.FAILED, State.FAILED)
    assert (story.asked, story.copies) == (1, 0)


def refusals() -> list[Any]:
    """Adapters with the kinds of final refusal that their vendor's codes can mean."""
    pairs = [(name, kind) for name in HTTP for kind in sorted({*adapter_class(name).errors.values()} & LEAVE_IT)]
    return [pytest.param(name, kind, id=f"{name}-{kind}") for name, kind in pairs if kind is not ErrorKind.UNKNOWN]


@pytest.mark.parametrize(("name", "kind"), refusals())
def test_a_final_refusal_in_the_vendors_own_words_is_final(name: str, kind: ErrorKind) -> None:
    story = told(name, Fault(kind))

    assert story.kind in LEAVE_IT
    assert (story.first, story.last) == (State.FAILED, State.FAILED)
    assert (story.asked, story.copies) == (1, 0)
