"""The set-based twin gives the chain's answers: for random people, instants, histories and suppressions."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recallgate.model.clock import from_ms, to_ms
from recallgate.model.errors import ConfigError
from recallgate.model.message import Message
from recallgate.model.verdict import Defer
from recallgate.policies.case import Case, Holdout, Person, Sent, Suppression
from recallgate.policies.chain import Chain
from recallgate.policies.consent import ConsentPolicy
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.policies.holdout import HoldoutPolicy
from recallgate.policies.quiet_hours import QuietHours
from recallgate.policies.spans import Calendar
from recallgate.policies.suppression import SuppressionPolicy
from recallgate.recall.duck import connect
from recallgate.recall.twin import Asked, Sources, counts, decide
from recallgate.rules.place import resolve

DAY = timedelta(days=1)
PLACES = [
    ("America/New_York", "US", "US-NY"),
    ("America/Chicago", "US", "US-TX"),
    ("Europe/Paris", "FR", None),
    ("Asia/Shanghai", "CN", None),
    ("Asia/Singapore", "SG", None),
    ("Australia/Lord_Howe", "AU", "AU-NSW"),
    (None, "IN", None),
    (None, None, None),
]
REASONS = ["opt_out", "complaint", "manual", "invalid", "hopeless", "dnc_registry"]
CAPS = (
    FrequencyCap(limit=1, window=DAY),
    FrequencyCap(limit=3, window=7 * DAY),
    FrequencyCap(limit=2, window=7 * DAY, scope="channel"),
)
SOURCES = Sources("people", "suppressions", "sent")


def load(people: list[tuple[Any, ...]], suppressions: list[tuple[Any, ...]], sent: list[tuple[Any, ...]]) -> Any:
    connection = connect()
    connection.execute(
        "create table people (person text, cluster text, address text, zone text, region text, country text, returned_at bigint)"
    )
    connection.execute(
        "create table suppressions (seq int, subject text, reason text, channel text, topic text, sender text,"
        " effective_at bigint, expires_at bigint)"
    )
    connection.execute("create table sent (subject text, sent_at bigint, channel text, purpose text)")
    for name, rows in (("people", people), ("suppressions", suppressions), ("sent", sent)):
        if rows:
            connection.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608 - our names
    return connection


def world(draw: random.Random, now: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Some 40 people, most of them with something special about them; instants cluster around the edges of windows."""

    def near(*hours: float) -> int:
        return now - int(draw.choice(hours) * 3_600_000) + draw.choice([-1, 0, 1, 5000])

    people, suppressions, sent = [], [], []
    for n in range(40):
        zone, country, region = draw.choice(PLACES)
        address = f"+1415555{n:04}" if draw.random() < 0.9 else None
        returned = near(1, 30, 200) if draw.random() < 0.2 else None
        people.append((f"p{n}", f"c{n // 2}", address, zone, region, country, returned))
        subjects = [f"p:p{n}", *([f"a:{address}"] if address else [])]
        for _ in range(draw.choice([0, 0, 0, 1, 2])):
            suppressions.append(
                (
                    len(suppressions),
                    draw.choice(subjects),
                    draw.choice(REASONS),
                    draw.choice(["*", "sms", "sms", "email"]),
                    draw.choice(["*", "*", "sales", "news"]),
                    draw.choice(["*", "*", "brand", "other"]),
                    near(100, 24, 0, -3, -9, -30),
                    near(50, 0, -4, -20, -500) if draw.random() < 0.4 else None,
                )
            )
        for _ in range(draw.choice([0, 0, 1, 2, 4])):
            at, channel = min(now, near(0, 1, 23.99, 24, 30, 100, 167.99, 168, 400)), draw.choice(["sms", "sms", "email"])
            purpose = draw.choice(["marketing", "marketing", "service"])
            sent += [(subject, at, channel, purpose) for subject in draw.sample(subjects, draw.randint(1, len(subjects)))]
    return people, suppressions, sent


def judged_alone(
    chain: Chain, asked: Asked, person: tuple[Any, ...], suppressions: list[tuple[Any, ...]], sent: list[tuple[Any, ...]]
) -> tuple[str, str | None, int | None]:
    """What the chain says of one person."""
    name, cluster, address, zone, region, country, returned = person
    if address is None:
        return "unreachable", None, None
    own = [f"a:{address}", f"p:{name}"]
    message = Message.sms(
        address, "Come back", purpose="marketing", person=name, topic=asked.topic, sender=asked.sender, brand=asked.brand
    )
    entries = [
        Sent(from_ms(at), channel, purpose, by="person" if subject[0] == "p" else "address")
        for subject, at, channel, purpose in sent
        if subject in own
    ]
    records = [
        Suppression(
            reason=row[2],
            channel=row[3],
            topic=row[4],
            sender=row[5],
            subject="person" if row[1][0] == "p" else "address",
            effective_at=from_ms(row[6]),
            expires_at=from_ms(row[7]) if row[7] is not None else None,
        )
        for subject in own
        for row in suppressions
        if row[1] == subject
    ]
    case = Case(
        message=message,
        now=asked.now,
        person=Person(name, cluster, returned_at=from_ms(returned) if returned is not None else None),
        place=resolve(zone=zone, region=region, country=country, tenant_zone=asked.tenant_zone, on=asked.now.date()),
        sent=tuple(sorted(entries, key=lambda entry: entry.at)),
        suppressions=tuple(records),
        holdouts=tuple(asked.holdouts),
        tenant_windows=asked.tenant_windows,
        play_windows=asked.play_windows,
        guard=asked.guard,
    )
    verdict = chain.decide(case).verdict
    kind = chain.decide(case).kind
    return kind, verdict.code or None, to_ms(verdict.until) if isinstance(verdict, Defer) else None


@pytest.mark.parametrize("seed", range(60))
def test_the_twin_and_the_chain_agree_on_everybody(seed: int) -> None:
    draw = random.Random(seed)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=draw.randrange(365 * 24 * 60))
    asked = Asked(
        "sms",
        now,
        caps=CAPS[: draw.randint(0, 3)],
        holdouts=(
            Holdout("global", f"g{seed}", draw.choice([0, 500, 3000])),
            Holdout("play", f"p{seed}", draw.choice([0, 1000])),
        ),
        topic=draw.choice([None, "sales"]),
        sender=draw.choice([None, "brand"]),
        tenant_windows=draw.choice([(), (((1, 2, 3, 4, 5), "10:00", "18:00"),)]),
        play_windows=draw.choice([(), (((6, 7), "00:00", "12:00"), ((1, 2, 3), "17:00", "24:00"))]),
        tenant_zone="Europe/Berlin",
    )
    people, suppressions, sent = world(draw, to_ms(now))
    policies = (SuppressionPolicy(), ConsentPolicy(), HoldoutPolicy(), QuietHours(), *asked.caps)
    chain = Chain(policies, allow_unsafe=["region_block"], jitter=timedelta(0))
    connection = load(people, suppressions, sent)

    decide(connection, SOURCES, asked, table="answers")

    found = {person: (verdict, code, until) for person, verdict, code, until in connection.execute("from answers").fetchall()}
    assert found == {person[0]: judged_alone(chain, asked, person, suppressions, sent) for person in people}


def test_answers_are_counted_by_code() -> None:
    now = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
    people = [
        (f"p{n}", f"p{n}", None if n == 3 else f"+1415555000{n}", "America/New_York", "US-NY", "US", None) for n in range(4)
    ]
    connection = load(
        people, [(1, "p:p1", "opt_out", "*", "*", "*", 0, None)], [("a:+14155550002", to_ms(now) - 1, "sms", "marketing")]
    )

    decide(connection, SOURCES, Asked("sms", now, caps=CAPS), table="answers")

    assert counts(connection, "answers") == {"allow": 1, "cap.global.1d": 1, "suppressed.opt_out": 1, "unreachable": 1}


@pytest.mark.parametrize(
    "cap",
    [
        FrequencyCap(limit=1, window=Calendar("day")),
        FrequencyCap(limit=1, window=DAY, scope="tag"),
        FrequencyCap(limit=1, window=DAY, on_exceed="defer"),
    ],
)
def test_caps_that_the_twin_does_not_know_are_refused(cap: FrequencyCap) -> None:
    with pytest.raises(ConfigError, match="caps that roll and drop"):
        Asked("sms", datetime(2026, 3, 10, tzinfo=UTC), caps=(cap,))


def test_a_source_without_a_column_is_named() -> None:
    connection = load([], [], [])
    connection.execute("alter table people drop column cluster")

    with pytest.raises(ConfigError, match="people: there is no column 'cluster'"):
        decide(connection, SOURCES, Asked("sms", datetime(2026, 3, 10, tzinfo=UTC)), table="answers")
