"""The pitfalls of other systems: a test each, and a table that says where it stands."""

import ast
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.ground import DAY, MINUTE, NOON, ground, live, marketing, otp
from recallgate import Alternative, Email, EmailAddress, ErrorKind, GatewayConfig, Message, Origin
from recallgate.links.hits import read_hit
from recallgate.recall.features import Act, Features, features_of
from recallgate.review import collect
from recallgate.rules.assignment import in_holdout
from recallgate.store import campaigns, people
from review import store_rows as rows

TESTS = Path(__file__).parent
PEOPLE, HOURS, CAPS = "policies/test_people_rules.py", "policies/test_quiet_hours.py", "policies/test_caps.py"
HERE = "test_pitfalls.py"
TABLE = {
    1: (CAPS, "test_pitfall_01_an_own_rule_for_sms_leaves_the_default_for_mail_on"),
    2: (HOURS, "test_pitfall_02_an_overnight_window_is_never_its_complement"),
    3: (HOURS, "test_pitfall_03_half_past_ten_at_night_is_closed_in_the_users_own_zone"),
    4: (HERE, "test_pitfall_04_a_send_that_fails_is_still_in_the_queue"),
    5: (HOURS, "test_pitfall_05_both_clock_changes_move_the_opening"),
    6: ("recall/test_experiment.py", "test_pitfall_06_reentry_keeps_the_arm"),
    7: (HERE, "test_pitfall_07_opens_and_clicks_of_machines_change_no_winner"),
    8: (PEOPLE, "test_pitfall_08_a_return_on_day_1_of_a_29_day_wait_ends_the_run"),
    9: (HERE, "test_pitfall_09_a_held_out_person_gets_no_marketing_through_any_entry_point"),
    10: (PEOPLE, "test_pitfall_10_two_people_of_one_cluster_share_the_holdout"),
    11: (CAPS, "test_pitfall_11_a_cap_of_zero_is_refused_when_built"),
    12: (CAPS, "test_pitfall_12_a_defer_ends_when_the_oldest_counted_entry_leaves"),
    13: (CAPS, "test_pitfall_13_each_channel_has_its_own_limit"),
    14: (HERE, "test_pitfall_14_nothing_leaves_from_a_paused_campaign_or_to_a_paused_person"),
    15: (HERE, "test_pitfall_15_batch_journey_call_and_retry_share_one_cap"),
    16: (HOURS, "test_pitfall_16_an_unknown_zone_is_not_a_licence_to_send"),
    17: (PEOPLE, "test_pitfall_17_the_share_of_20000_ids_is_exact_to_half_a_point"),
    18: (CAPS, "test_pitfall_18_the_tag_that_was_frozen_on_the_entry_counts"),
    19: (CAPS, "test_pitfall_19_a_calendar_day_lets_23_00_and_00_30_pass_and_a_rolling_day_does_not"),
    20: (HERE, "test_pitfall_20_a_scanner_12_seconds_after_delivery_is_told_by_what_it_is"),
    21: (HERE, "test_pitfall_21_fetching_the_way_out_unsubscribes_nobody"),
    22: ("recall/test_lapse.py", "test_pitfall_22_late_enrolment_gives_no_burst"),
    23: (HERE, "test_pitfall_23_the_two_recencies_of_a_two_order_customer_differ"),
    24: (HERE, "test_pitfall_24_who_lapsed_200_days_ago_has_features_of_before"),
    25: (HERE, "test_pitfall_25_high_priority_leaves_first_at_equal_time"),
    26: (HERE, "test_pitfall_26_each_side_counts_from_its_own_time_zero"),
    27: (CAPS, "test_pitfall_27_an_own_counter_waits_before_the_vendors_limit_is_met"),
}


def test_every_pitfall_has_its_test() -> None:
    def names(path: str) -> set[str]:
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        return {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}

    assert list(TABLE) == list(range(1, 28))
    assert not [name for number, (path, name) in TABLE.items() if f"pitfall_{number:02}_" not in name or name not in names(path)]


@live
async def test_pitfall_04_a_send_that_fails_is_still_in_the_queue() -> None:
    async with ground() as here:
        batch = [marketing(f"+1415555{2000 + i}") for i in range(4)]
        for one in batch:
            await here.gateway.submit([one])
            here.clock.advance(timedelta(seconds=1))
        here.script().refuse(ErrorKind.UNAVAILABLE, times=len(batch))
        await here.gateway.drain()
        assert [await here.state(one.id) for one in batch] == ["held"] * 4  # to be tried again
        assert not here.script().sent

        for _ in range(40):
            here.clock.advance(2 * MINUTE)
            await here.gateway.drain()

        assert [await here.state(one.id) for one in batch] == ["accepted"] * 4


@live
async def test_pitfall_04_first_in_is_first_out() -> None:
    async with ground() as here:
        batch = [marketing(f"+1415555{2000 + i}") for i in range(4)]
        for one in batch:
            await here.gateway.submit([one])
            here.clock.advance(timedelta(seconds=1))
        await here.gateway.drain()

        assert [one.id for one in here.script().sent] == [one.id for one in batch]


def test_pitfall_07_opens_and_clicks_of_machines_change_no_winner() -> None:
    def returned_by_arm(*, machines: bool) -> dict[str, tuple[int, int]]:
        with rows.memory() as connection:
            rows.add_campaign(connection)
            names = [f"p{i}" for i in range(8)]
            people.save_people(connection, [people.PersonRow(rows.TENANT, name, name, zone="UTC") for name in names])
            arms = {name: "coupon" if i < 4 else "news" for i, name in enumerate(names)}
            campaigns.enrol(connection, [rows.run_row(name, arm=arm) for name, arm in arms.items()])
            sent = {"accepted_at": rows.at("2026-03-02T01:10"), "delivered_at": rows.at("2026-03-02T01:11")}
            rows.insert(connection, "rg_message", [rows.message_row(f"m-{name}", name, "email", **sent) for name in names])
            people.record_events(connection, [rows.did(name, "returned", "2026-03-03T12:00") for name in names[:2]])
            if machines:
                base = {"tenant": rows.TENANT, "at": rows.at("2026-03-02T01:12")}
                news = {**base, "received_at": 0, "data": '{"machine": true}', "type": "opened"}
                opened = [{**news, "dedupe": name, "message_id": f"m-{name}", "person": name} for name in names[4:]]
                hit = {**base, "code": "x", "reason": "known crawler agent", "method": "GET", "verdict": "bot"}
                rows.insert(connection, "rg_event", opened)
                rows.insert(connection, "rg_click", [{**hit, "message_id": f"m-{name}"} for name in names[4:]])
            now = datetime(2026, 3, 20, tzinfo=UTC)
            counts = collect(connection, rows.TENANT, rows.CAMPAIGN, now=now, window_days=7, margin_rate=0.5).counts
            return {name: (arm.returned, arm.n) for name, arm in counts.by_arm.items()}

    assert returned_by_arm(machines=True) == returned_by_arm(machines=False) == {"coupon": (2, 4), "news": (0, 4)}


@live
async def test_pitfall_09_a_held_out_person_gets_no_marketing_through_any_entry_point() -> None:
    salt = "holdout.global:1"
    held = next(f"p{i}" for i in range(100) if in_holdout(salt, f"p{i}", share_bp=5_000))
    async with ground(global_holdout_bp=5_000, global_holdout_salt=salt) as here:
        by_batch = marketing(person=held)
        by_play = marketing("+14155550124", person=held, origin=Origin(campaign="spring", step="first"))
        await here.gateway.submit([by_batch, by_play])
        await here.gateway.drain()
        called = await here.gateway.send(marketing("+14155550125", person=held))
        code = await here.gateway.send(otp("+14155550126", person=held))

        assert [await here.reason(one.id) for one in (by_batch, by_play)] == ["holdout.global"] * 2
        assert (called.state, code.state) == ("suppressed", "accepted")


@live
async def test_pitfall_14_nothing_leaves_from_a_paused_campaign_or_to_a_paused_person() -> None:
    async with ground() as here:
        person = people.PersonRow("default", "ann", "ann", paused_until=int((NOON + 9 * DAY).timestamp() * 1000))
        await here.gateway.store.run(lambda connection: people.save_people(connection, [person]))
        await here.gateway.pause("campaign", "spring")
        of_campaign = marketing(origin=Origin(campaign="spring"))
        to_person = marketing("+14155550124", person="ann")
        await here.gateway.submit([of_campaign, to_person])
        for _ in range(3):
            await here.gateway.drain()
            here.clock.advance(2 * MINUTE)

        assert not here.script().tried
        assert [await here.state(one.id) for one in (of_campaign, to_person)] == ["queued", "held"]


@live
async def test_pitfall_15_batch_journey_call_and_retry_share_one_cap() -> None:
    async with ground() as here:
        first = marketing(person="ann")
        await here.gateway.submit([first])
        here.script().refuse(ErrorKind.UNAVAILABLE)  # it leaves at its second try
        await here.gateway.drain()
        for _ in range(30):
            here.clock.advance(MINUTE)
            await here.gateway.drain()
        assert await here.state(first.id) == "accepted"

        by_batch, by_play = marketing(person="ann"), marketing(person="ann", origin=Origin(campaign="spring", step="first"))
        await here.gateway.submit([by_batch, by_play])
        await here.gateway.drain()
        called = await here.gateway.send(marketing(person="ann"))
        mail = Alternative(channel="email", to=EmailAddress(email="a@example.com"), content=Email(subject="Hi", text="Hi"))
        other_way = await here.gateway.send(marketing(person="ann", alternatives=(mail,)))

        assert [await here.reason(one.id) for one in (by_batch, by_play)] == ["cap.global.1d"] * 2
        assert [one.verdict.code for one in (called, other_way) if one.verdict is not None] == ["cap.global.1d"] * 2
        assert len(here.script().sent) == 1


BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"agent": "Barracuda Sentinel"}, "bot"),
        ({"agent": BROWSER, "datacentre": True}, "bot"),
        ({"agent": BROWSER, "kind": "trap"}, "bot"),
        ({"agent": BROWSER, "method": "HEAD"}, "bot"),
        ({"agent": BROWSER}, "human"),
    ],
)
def test_pitfall_20_a_scanner_12_seconds_after_delivery_is_told_by_what_it_is(facts: dict[str, Any], verdict: str) -> None:
    hit = {"method": "GET", "kind": "click", "at_ms": 12_000, "delivered_ms": 0, "code": "c", **facts}

    assert read_hit(**hit).verdict == verdict


@live
async def test_pitfall_21_fetching_the_way_out_unsubscribes_nobody() -> None:
    import httpx

    from recallgate.testing import make_outbox
    from recallgate.web import gateway_app

    outbox = make_outbox(GatewayConfig(public_url="https://app.example"))
    async with outbox as gateway:
        await gateway.send(Message.email("a@b.example", "Hi", purpose="marketing", text="We miss you", country="US"))
        content = outbox.sent[-1].content
        assert isinstance(content, Email)
        way_out = content.headers["List-Unsubscribe"].strip("<>")
        transport = httpx.ASGITransport(gateway_app(gateway))
        async with httpx.AsyncClient(transport=transport, headers={"user-agent": BROWSER}) as client:

            async def left() -> int:
                query = text("select count(*) from rg_suppression where cleared_at is null")
                return await gateway.store.run(lambda connection: int(connection.execute(query).scalar() or 0))

            for method in ("GET", "HEAD", "GET"):
                assert (await client.request(method, way_out)).status_code == 200
            assert await left() == 0
            assert (await client.post(way_out, content=b"List-Unsubscribe=One-Click")).status_code == 200
            assert await left() > 0


def features(acts: list[Act]) -> Features:
    found = features_of("a", acts, as_of=date(2026, 6, 30))
    assert found is not None
    return found


def test_pitfall_23_the_two_recencies_of_a_two_order_customer_differ() -> None:
    found = features([Act("purchase", date(2026, 1, 1)), Act("purchase", date(2026, 3, 1))])

    assert (found.days_since_last, found.last_minus_first) == (121, 59)


def test_pitfall_24_who_lapsed_200_days_ago_has_features_of_before() -> None:
    left = date(2026, 6, 30) - timedelta(days=200)
    visits = [Act("visit", left - timedelta(days=back)) for back in (0, 1, 2)]
    orders = [Act("purchase", left - timedelta(days=back)) for back in (0, 5)]

    found = features(visits + orders)

    assert (found.days_since_last, found.visits_before_last_visit, found.orders_before_last_order) == (200, 2, 1)


@live
async def test_pitfall_25_high_priority_leaves_first_at_equal_time() -> None:
    async with ground() as here:
        batch = [marketing(f"+1415555{2000 + i}", priority=priority) for i, priority in enumerate((1, 9, 5))]
        await here.gateway.submit(batch)
        await here.gateway.drain()

        assert [one.priority for one in here.script().sent] == [9, 5, 1]


def test_pitfall_26_each_side_counts_from_its_own_time_zero() -> None:
    """Planned for 03-02; the treated one's text was taken on 03-05. Both come back on 03-11, both are counted over 7 days."""
    with rows.memory() as connection:
        rows.add_campaign(connection)
        people.save_people(connection, [people.PersonRow(rows.TENANT, name, name, zone="UTC") for name in ("t", "c")])
        campaigns.enrol(connection, [rows.run_row("t"), rows.run_row("c", holdout=1)])
        late = {"accepted_at": rows.at("2026-03-05T01:00"), "delivered_at": rows.at("2026-03-05T01:01")}
        rows.insert(connection, "rg_message", [rows.message_row("m", "t", **late)])
        people.record_events(connection, [rows.did(name, "returned", "2026-03-11T12:00") for name in ("t", "c")])
        now = datetime(2026, 3, 20, tzinfo=UTC)
        counts = collect(connection, rows.TENANT, rows.CAMPAIGN, now=now, window_days=7, margin_rate=0.5).counts

    assert counts.control is not None
    assert (counts.treatment.returned, counts.control.returned) == (1, 0)  # six days after the text, nine after the plan
