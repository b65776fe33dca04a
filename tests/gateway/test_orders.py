"""Receipt, reports and their copies in every order: one final state; and how long a vendor may ask us to wait."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import httpx
import pytest

from gateway.ground import DAY, HOUR, MINUTE, NOON, Ground, ground, live, of
from recallgate import Event, EventType
from recallgate.adapter import retry_after

T = EventType
SECOND = timedelta(seconds=1)
NEWS = {"sent": T.SENT, "delivered": T.DELIVERED, "undelivered": T.UNDELIVERED, "copy": T.SENT}
STEPS = ("receipt", *NEWS)


async def _play(here: Ground, order: Sequence[str], *, n: int, crashed: bool) -> str:
    """One message whose news comes in this order; answers its id."""
    message = of("service", id=f"m{n}", to=f"+1415556{n:04d}")
    await here.gateway.submit([message])
    (ready,) = (await here.gateway.worker.stage("sms")).ready
    conclusion, _ = await here.gateway.worker.caller.carry(ready)
    vendor_id = conclusion.outcome.vendor_id
    assert vendor_id is not None
    if crashed:  # the receipt comes when the message has long been given up as uncertain
        await here.rows_changed("update rg_message set lease_until = 0 where id = :id", id=message.id)
        await here.gateway.drain()
        await here.rows_changed("update rg_message set settle_at = 0 where id = :id", id=message.id)
        await here.rows_changed("update rg_attempt set finished_at = 0 where message_id = :id", id=message.id)
        await here.gateway.drain()
        assert (await here.state(message.id), await here.reason(message.id)) == ("uncertain", "uncertain.closed")
    for step in order:
        if step == "receipt":
            await here.gateway.worker.commit([conclusion])
        else:
            at = NOON + list(STEPS).index(step) * SECOND if step != "copy" else NOON + SECOND
            await here.gateway.apply([Event(NEWS[step], vendor_id=vendor_id, status=NEWS[step].value, at=at)], account="a")
    return message.id


@pytest.mark.parametrize("crashed", [False, True])
@live
async def test_every_order_of_receipt_and_reports_ends_in_the_same_state(crashed: bool) -> None:
    async with ground() as here:
        for n, order in enumerate(permutations(STEPS)):
            identity = await _play(here, order, n=n, crashed=crashed)

            (row,) = await here.rows("select state, vendor_id is null, delivered_at from rg_message where id = :id", id=identity)
            assert (row[0], bool(row[1])) == ("delivered", False), order
            types = await here.rows(
                "select type from rg_event where message_id = :id and type <> 'moved' order by 1", id=identity
            )
            assert types == [("delivered",), ("sent",), ("undelivered",)], order
        assert await here.rows("select count(*) from rg_event where message_id is null") == [(0,)]


@pytest.mark.parametrize("left_out", ["delivered", "undelivered"])
@live
async def test_without_one_of_the_reports_every_order_ends_in_the_highest_of_the_others(left_out: str) -> None:
    steps = [step for step in STEPS if step != left_out]
    async with ground() as here:
        found = {await here.state(await _play(here, order, n=n, crashed=False)) for n, order in enumerate(permutations(steps))}

        assert found == {"undelivered" if left_out == "delivered" else "delivered"}


# What a Retry-After says

WEEK = 7 * DAY
HEADERS = [
    ("0", None), ("1", SECOND), (" 90 ", 90 * SECOND), ("0000000000120", 2 * MINUTE), ("604800", WEEK), ("604801", WEEK),
    ("99999999999999999999", WEEK), ("-5", None), ("+5", None), ("1.5", None), ("٣", None), ("", None), ("soon", None),
    ("1, 2", None), ("Fri, 20 Nov 2026 20:02:00 GMT", 2 * MINUTE), ("Friday, 20-Nov-26 21:00:00 GMT", HOUR),
    ("Fri Nov 20 20:00:30 2026", None),
    ("Fri, 20 Nov 2026 15:00:30 -0500", 30 * SECOND), ("Fri, 20 Nov 2026 19:59:59 GMT", None),
    ("Fri, 20 Nov 2099 20:00:00 GMT", WEEK), ("Fri, 99 Nov 2026 20:00:00 GMT", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wait"), HEADERS)
def test_retry_after_is_read_in_seconds_and_as_a_date_capped_and_garbage_is_ignored(text: str, wait: timedelta | None) -> None:
    response = httpx.Response(429, headers=[(b"retry-after", text.encode())])

    assert retry_after(response, NOON) == (None if wait is None else NOON + wait)


def test_without_the_header_there_is_no_wait() -> None:
    assert retry_after(httpx.Response(503), NOON) is None
