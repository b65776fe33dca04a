"""A store of twelve people made by hand, checked end to end."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from recallgate.model.errors import ConfigError
from recallgate.review import Collected, CostInputs, collect, evaluate, review
from recallgate.store import campaigns, people
from review import store_rows as rows

# Window 7 days, margin 50 %, seen on 2026-03-20. Time zero of the treated is the accept at 2026-03-02 01:10 UTC, of t4 at 03:00
# UTC, which in New York is 22:00 on 03-01. Held out: c1…c4, time zero 2026-03-02.
#
#      zone      did                                              day   paid cents  again within 7 days
# t1   Shanghai  returned 03-02, bought 100 on 03-03, seen 03-05  D0    yes  10000  yes
# t2   Shanghai  returned 03-09 23:59 local                       D7    no       0  no
# t3   Shanghai  returned 03-10 00:01 local: one day too late     –
# t4   New York  returned 03-01 23:30 local, bought 50 and 30     D0    yes   8000  yes
# t5   UTC       returned 03-01, before time zero; was opted out  –
# t6   UTC       uncertain, closed                                –
# t7   UTC       bought 20 on 03-05 without a login event         D3    yes   2000  no
# t8   UTC       unsubscribed                                     –
# c1   UTC       returned 03-03, seen 03-04                       D1    no       0  yes
# c3   UTC       bought on 03-12: after the window                –
#
# Treatment: n 8, returned 4, paid 3, retained 2 of 4. Margins 50, 40, 10, 0 × 5: mean 12.5; squared deviations 1406.25 + 756.25
# + 6.25 + 5 · 156.25 = 2950; sd = sqrt(2950/7) = 20.5287. Control: n 4, returned 1, retained 1.
# Cost: 6 SMS at 0.05 and one push at 0.01 = 0.31, labour 2, fixed 1, three buyers at 1.5 = 4.5; together 7.81.
NOW = datetime(2026, 3, 20, tzinfo=UTC)
COSTS = CostInputs(labour=2, fixed=1, incentive_each=1.5, payer="merchant")
SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"


def _people() -> list[people.PersonRow]:
    zones = {"t1": SHANGHAI, "t2": SHANGHAI, "t3": SHANGHAI, "t4": NEW_YORK}
    names = [*(f"t{n}" for n in range(1, 9)), *(f"c{n}" for n in range(1, 5))]
    return [people.PersonRow(rows.TENANT, name, name, zone=zones.get(name, "UTC"), country="CN") for name in names]


def _runs() -> list[campaigns.RunRow]:
    treated = [
        rows.run_row(f"t{n}", arm="coupon" if n <= 4 else "news", data='{"tier": "high"}' if n <= 4 else '{"tier": "low"}')
        for n in range(1, 9)
    ]
    return [*treated, *(rows.run_row(f"c{n}", holdout=1, data='{"tier": "high"}' if n <= 2 else "{}") for n in range(1, 5))]


def _done() -> list[people.PersonEventRow]:
    return [
        rows.did("t1", "returned", "2026-03-02T12:00"),
        rows.did("t1", "converted", "2026-03-03T01:00", 10000),
        rows.did("t1", "visit", "2026-03-05T01:00"),
        rows.did("t2", "returned", "2026-03-09T15:59"),
        rows.did("t3", "returned", "2026-03-09T16:01"),
        rows.did("t4", "returned", "2026-03-02T04:30"),
        rows.did("t4", "converted", "2026-03-04T12:00", 5000),
        rows.did("t4", "converted", "2026-03-05T12:00", 3000),
        rows.did("t5", "returned", "2026-03-01T10:00"),
        rows.did("t7", "converted", "2026-03-05T12:00", 2000),
        rows.did("c1", "returned", "2026-03-03T12:00"),
        rows.did("c1", "visit", "2026-03-04T12:00"),
        rows.did("c3", "converted", "2026-03-12T12:00", 900),
    ]


def _messages() -> list[dict[str, object]]:
    accepted = rows.at("2026-03-02T01:10")
    sent = {"accepted_at": accepted, "delivered_at": accepted + 5000, "cost_micros": 50_000}
    late = rows.at("2026-03-02T03:00")
    return [
        rows.message_row("m1", "t1", **sent),
        rows.message_row("m2", "t2", **sent),
        rows.message_row("m2b", "t2", "push", **{**sent, "cost_micros": 10_000, "accepted_at": accepted + 9, "run": 1}),
        rows.message_row("m3", "t3", **{**sent, "delivered_at": None, "state": "undelivered", "reason": "report.30003"}),
        rows.message_row("m4", "t4", **{**sent, "accepted_at": late, "delivered_at": late + 5000}),
        rows.message_row("m5", "t5", state="suppressed", reason="suppressed.opt_out"),
        rows.message_row("m6", "t6", state="uncertain", reason="uncertain.crash", kind="uncertain"),
        rows.message_row("m7", "t7", **sent),
        rows.message_row("m8", "t8", **sent),
        rows.message_row("h1", "c1", state="suppressed", reason="holdout.play"),
    ]


def _decision(message: str, verdict: str, code: str, policy: str) -> dict[str, object]:
    place = {"tenant": rows.TENANT, "message_id": message, "at": rows.at("2026-03-02T01:05"), "channel": "sms"}
    return {**place, "verdict": verdict, "code": code, "policy": policy, "facts": "{}"}


def _fill(connection: Connection) -> None:
    rows.add_campaign(connection, holdout_bp=3333)
    people.save_people(connection, _people())
    campaigns.enrol(connection, _runs())
    people.record_events(connection, _done())
    people.save_contacts(connection, [people.ContactRow(rows.TENANT, "c2", "sms", 0, "{}", "addr-c2")])
    rows.insert(connection, "rg_message", _messages())
    t = {"tenant": rows.TENANT}
    click = {**t, "code": "x", "reason": "", "method": "GET"}
    rows.insert(
        connection,
        "rg_click",
        [
            {**click, "message_id": "m1", "at": rows.at("2026-03-02T10:00"), "verdict": "human"},
            {**click, "message_id": "m3", "at": rows.at("2026-03-02T01:11"), "verdict": "bot"},
        ],
    )
    news = {**t, "received_at": 0, "data": "{}"}
    opened, left = rows.at("2026-03-09T10:00"), rows.at("2026-03-03T01:00")
    rows.insert(
        connection,
        "rg_event",
        [
            {**news, "dedupe": "1", "type": "opened", "message_id": "m2b", "person": "t2", "at": opened},
            {**news, "dedupe": "2", "type": "unsubscribed", "message_id": "m8", "person": "t8", "at": left},
        ],
    )
    rows.insert(
        connection,
        "rg_decision",
        [
            _decision("m5", "drop", "suppressed.opt_out", "suppression"),
            _decision("m2", "defer", "quiet_hours.outside_window", "quiet_hours"),
            _decision("m2", "defer", "quiet_hours.outside_window", "quiet_hours"),
            _decision("m2", "allow", "", ""),
            _decision("h1", "drop", "holdout.play", "holdout"),
        ],
    )
    tried = {**t, "channel": "sms", "at": 0}
    rows.insert(
        connection,
        "rg_attempt",
        [
            {**tried, "message_id": "m1", "n": 1, "account": "main"},
            {**tried, "message_id": "m4", "n": 1, "account": "main"},
            {**tried, "message_id": "m4", "n": 2, "account": "second"},
        ],
    )
    stop = {**t, "channel": "sms", "topic": "*", "sender": "*", "reason": "opt_out", "all_purposes": 0, "source": "", "review": 0}
    rows.insert(
        connection,
        "rg_suppression",
        [
            {**stop, "subject": "p:t8", "received_at": left, "effective_at": left},
            {**stop, "subject": "a:addr-c2", "received_at": left, "effective_at": left},
            {**stop, "subject": "p:t6", "received_at": rows.at("2026-03-19T01:00"), "effective_at": left},
        ],
    )
    connection.commit()


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    found = rows.memory()
    _fill(found)
    with found:
        yield found


@pytest.fixture(scope="module")
def collected(connection: Connection) -> Collected:
    return collect(connection, rows.TENANT, rows.CAMPAIGN, now=NOW, window_days=7, margin_rate=0.5, costs=COSTS)


def test_everybody_assigned_is_counted_once(collected: Collected) -> None:
    side, control = collected.counts.treatment, collected.counts.control

    assert control is not None
    assert (side.n, side.returned, side.paid, side.retained_7d, side.observed, side.repeated) == (8, 4, 3, 2, 4, 1)
    assert (control.n, control.returned, control.paid, control.retained_7d) == (4, 1, 0, 1)


def test_days_are_local_and_cumulative(collected: Collected) -> None:
    assert collected.counts.treatment.by_day == (2, 2, 2, 3, 3, 3, 3, 4)


def test_margin_is_per_assigned_person(collected: Collected) -> None:
    side = collected.counts.treatment

    assert (side.margin_mean, side.margin_sd) == pytest.approx((12.5, 20.528725518))


def test_cost_counts_redeemed_benefits_and_every_split_sums_to_it(collected: Collected) -> None:
    total = collected.counts.costs.total

    assert total == pytest.approx(7.81)
    for split in (collected.cost_by_channel, collected.cost_by_payer, collected.cost_by_tier):
        assert sum(line.amount for line in split) == pytest.approx(total)


def test_funnel_counts_people_and_messages_of_the_treatment_only(collected: Collected) -> None:
    assert [(stage.name, stage.people, stage.messages) for stage in collected.funnel] == [
        ("assigned", 8, None),
        ("intended", 8, 9),
        ("sent", 6, 7),
        ("delivered", 5, 6),
        ("clicked", 1, 1),
        ("returned", 4, None),
        ("paid", 3, None),
    ]
    assert collected.clicks_not_human == 1


def test_returns_are_credited_to_the_last_touch_within_its_window(collected: Collected) -> None:
    # t1 clicked, t4 came 90 minutes after delivery: sms. t2 opened the push 6 hours before. t7 came three days after: nobody.
    found = {channel.channel: (channel.people, channel.returned, channel.paid) for channel in collected.counts.by_channel}

    assert found == {"sms": (6, 2, 2), "push": (1, 1, 0)}


def test_reasons_count_messages_not_decisions(collected: Collected) -> None:
    assert [(reason.verdict, reason.code, reason.messages) for reason in collected.reasons] == [
        ("defer", "quiet_hours.outside_window", 1),
        ("drop", "holdout.play", 1),
        ("drop", "suppressed.opt_out", 1),
    ]


def test_delivery_work_and_unknown_fates_are_counted(collected: Collected) -> None:
    work = collected.handling

    assert (work.retries, work.failovers, work.uncertain_open, work.uncertain_closed) == (1, 1, 0, 1)


def test_guardrails_compare_with_the_holdout_within_the_window(collected: Collected) -> None:
    found = {(rail.name, rail.channel): (rail.k_t, rail.n_t, rail.k_c, rail.n_c) for rail in collected.guardrails}

    assert found["opt_out", "*"] == (1, 8, 1, 4)
    assert found["opt_out", "sms"] == (1, 6, None, None)
    assert found["complaint", "*"] == (0, 8, 0, 4)


def test_groups_hold_both_sides(collected: Collected) -> None:
    counts = collected.counts

    assert {name: (arm.n, arm.returned) for name, arm in counts.by_arm.items()} == {"coupon": (4, 3), "news": (4, 1)}
    high = counts.by_tier["high"]
    assert high.control is not None
    assert (high.treatment.returned, high.treatment.n, high.control.returned, high.control.n) == (3, 4, 1, 2)


def test_the_window_is_open_through_its_last_local_day(connection: Connection) -> None:
    def share(now: datetime) -> float:
        return collect(connection, rows.TENANT, rows.CAMPAIGN, now=now, window_days=7, margin_rate=0.5).open_share

    # at 23:30 UTC on 03-09 the day is over in Shanghai (3 people); t4's last day in New York was 03-08
    assert share(datetime(2026, 3, 9, 23, 30, tzinfo=UTC)) == pytest.approx(8 / 12)
    assert share(datetime(2026, 3, 10, 0, 0, tzinfo=UTC)) == 0.0


def test_what_happens_after_now_is_not_seen(connection: Connection) -> None:
    early = collect(connection, rows.TENANT, rows.CAMPAIGN, now=datetime(2026, 3, 4, tzinfo=UTC), window_days=7, margin_rate=0.5)

    assert (early.counts.treatment.returned, early.counts.treatment.observed) == (2, 0)
    assert evaluate(early.counts, open_share=early.open_share).figure("retention_7d") is not None


def test_a_zone_from_outside_goes_before_the_stored_one(connection: Connection) -> None:
    found = collect(connection, rows.TENANT, rows.CAMPAIGN, now=NOW, window_days=7, margin_rate=0.5, zone_of=lambda person: "UTC")

    assert found.counts.treatment.returned == 5  # t3's return is then on day 7


def test_an_unknown_campaign_is_refused(connection: Connection) -> None:
    with pytest.raises(ConfigError, match="campaign: 'autumn' is not in the store"):
        collect(connection, rows.TENANT, "autumn", now=NOW, window_days=7, margin_rate=0.5)


def test_the_same_store_gives_the_same_bytes(connection: Connection) -> None:
    first, second = (
        review(connection, rows.TENANT, rows.CAMPAIGN, now=NOW, margin_rate=0.5, costs=COSTS, plan={"hypothesis": "h"}).json()
        for _ in range(2)
    )

    assert first == second
    assert '"verdict": "inconclusive"' in first


def test_without_a_zone_the_country_tells_the_local_day(connection: Connection) -> None:
    def returned() -> int:
        return collect(connection, rows.TENANT, rows.CAMPAIGN, now=NOW, window_days=7, margin_rate=0.5).counts.treatment.returned

    connection.execute(text("update rg_person set zone = null where id = 't3'"))
    in_china = returned()
    connection.execute(text("update rg_person set country = null where id = 't3'"))

    assert (in_china, returned()) == (4, 5)  # t3's return is on day 8 in Shanghai, on day 7 in UTC
