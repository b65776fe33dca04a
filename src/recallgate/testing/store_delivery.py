"""The store's contract, second part: intents, outcomes, reports, crashes."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from recallgate.model.event import Event, EventType
from recallgate.store import attempts, campaigns, ledger
from recallgate.store.ledger import SuppressionRow
from recallgate.testing.store_base import MINUTE, MS, NOW, StoreGround, a_message
from recallgate.tracking.orphans import adopt_orphans
from recallgate.tracking.process import Applied, Told, apply_events


def a_suppression(subject: str, **fields: object) -> SuppressionRow:
    """A suppression of all marketing of a subject, from now on; `fields` replace its columns."""
    row = SuppressionRow("default", subject, "*", "*", "*", "opt_out", 0, "test", None, 0, MS, MS, None)
    return row._replace(**fields)  # type: ignore[arg-type] # columns by name


class DeliveryCases(StoreGround):
    """From the intent to the last report."""

    def told(self, *news: Event, account: str | None = "a") -> Applied:
        """Apply events of a vendor."""
        return self.do(lambda c: apply_events(c, [Told(one, account) for one in news], tenant="default", now=NOW))

    def outcomes(self, identity: str) -> Sequence[tuple[object, ...]]:
        """(n, account, outcome) of a message's attempts."""
        return self.do(
            lambda c: [
                tuple(row)
                for row in c.execute(
                    text("select n, account, outcome from rg_attempt where message_id = :id order by n"), {"id": identity}
                )
            ]
        )

    # Intents

    def test_an_intent_is_a_state_and_an_attempt(self) -> None:
        message = a_message("m1")
        self.put(message)

        assert self.intend(message) == {"m1"}
        assert self.states(message) == ["sending"]
        assert self.outcomes("m1") == [(1, "a", None)]

    def test_an_intent_is_committed_once(self) -> None:
        message = a_message("m1")
        self.put(message)

        assert self.intend(message) == {"m1"}
        assert self.intend(message, n=2) == set()

    @pytest.mark.parametrize(
        ("stopped", "purpose", "leaves"),
        [
            (a_suppression("a:+14155550123"), "marketing", False),
            (a_suppression("p:ann"), "marketing", False),
            (a_suppression("p:bob"), "marketing", True),
            (a_suppression("p:ann"), "otp", True),
            (a_suppression("p:ann", all_purposes=1), "otp", False),
            (a_suppression("a:+14155550123", reason="invalid"), "otp", False),
            (a_suppression("p:ann", channel="sms"), "marketing", False),
            (a_suppression("p:ann", channel="email"), "marketing", True),
            (a_suppression("p:ann", topic="news"), "marketing", False),
            (a_suppression("p:ann", topic="sales"), "marketing", True),
            (a_suppression("p:ann", sender="other"), "marketing", True),
            (a_suppression("p:ann", effective_at=MS + 1), "marketing", True),
            (a_suppression("p:ann", expires_at=MS), "marketing", True),
            (a_suppression("p:ann", expires_at=MS + 1), "marketing", False),
            (a_suppression("p:ann", tenant="other"), "marketing", True),
        ],
    )
    def test_an_opt_out_before_the_intent_stops_the_message(self, stopped: SuppressionRow, purpose: str, leaves: bool) -> None:
        message = a_message("m1", purpose=purpose, person="ann", topic="news")
        self.put(message)
        self.do(lambda c: ledger.suppress(c, [stopped]))

        assert self.intend(message) == ({"m1"} if leaves else set())
        assert len(self.outcomes("m1")) == leaves

    def test_a_cleared_opt_out_stops_nothing(self) -> None:
        message = a_message("m1", person="ann")
        self.put(message)
        self.do(lambda c: ledger.suppress(c, [a_suppression("p:ann")]))
        self.do(lambda c: ledger.clear(c, "default", "p:ann", reason="opt_out", now=MS))

        assert self.intend(message) == {"m1"}

    # Outcomes

    def test_an_outcome_closes_attempt_and_message(self) -> None:
        message = a_message("m1")
        self.sent(message)
        row = self.row(message)

        assert (row["state"], row["vendor_id"], row["accepted_at"], row["lease_until"]) == ("accepted", "v1", MS, 0)
        assert self.outcomes("m1") == [(1, "a", "accepted")]

    def test_an_outcome_of_an_older_attempt_changes_nothing(self) -> None:
        message = a_message("m1")
        self.put(message)
        self.intend(message)
        assert self.do(lambda c: attempts.next_attempt(c, "default", "m1", n=2, account="b", channel="sms", now=MS))

        self.finish(message, "failed", n=1)

        assert self.states(message) == ["sending"]

    def test_a_message_to_be_tried_again_is_due_at_its_time(self) -> None:
        message = a_message("m1")
        self.put(message)
        self.intend(message)
        self.finish(message, "queued", kind="unavailable", due_at=MS + MINUTE)

        assert self.due(at=MS + MINUTE - 1) == []
        (row,) = self.due(at=MS + MINUTE)
        assert (row.id, row.attempts) == ("m1", 1)

    def test_the_accounts_that_were_tried_are_known(self) -> None:
        message = a_message("m1")
        self.put(message)
        self.intend(message)
        self.do(lambda c: attempts.fault(c, "default", "m1", n=1, kind="unavailable", code=None, detail="", now=MS))
        self.do(lambda c: attempts.next_attempt(c, "default", "m1", n=2, account="b", channel="sms", now=MS))

        assert self.do(lambda c: attempts.tried(c, [("default", "m1")])) == {"m1": [("a", "unavailable"), ("b", None)]}

    # Reports

    def test_a_report_raises_the_state_and_a_late_lower_one_does_not(self) -> None:
        message = a_message("m1")
        self.sent(message)

        self.told(Event(EventType.DELIVERED, vendor_id="v1", at=NOW))
        self.told(Event(EventType.SENT, vendor_id="v1", at=NOW), Event(EventType.UNDELIVERED, vendor_id="v1", at=NOW))

        assert self.row(message)["state"] == "delivered"
        assert self.row(message)["delivered_at"] == MS

    def test_a_report_told_twice_is_one(self) -> None:
        self.sent(a_message("m1"))
        report = Event(EventType.DELIVERED, vendor_id="v1", at=NOW, vendor_event_id="e1")

        first, second = self.told(report, report), self.told(report)

        assert (len(first.events), first.changed) == (1, 1)
        assert (len(second.events), second.changed, second.duplicates) == (0, 0, 1)

    def test_a_report_before_its_receipt_waits_and_is_matched(self) -> None:
        message = a_message("m1")
        self.put(message)
        self.intend(message)
        self.told(Event(EventType.DELIVERED, vendor_id="v1", at=NOW + timedelta(seconds=1)))
        assert self.states(message) == ["sending"]

        self.finish(message, "accepted", vendor_id="v1", accepted_at=MS)
        adopted = self.do(lambda c: adopt_orphans(c, [("default", "m1", "a", "v1")], now=MS))

        assert adopted == 1
        assert self.states(message) == ["delivered"]
        assert self.do(lambda c: adopt_orphans(c, [("default", "m1", "a", "v1")], now=MS)) == 0

    def test_a_report_with_our_id_before_the_receipt_is_not_lowered_by_it(self) -> None:
        message = a_message("m1")
        self.put(message)
        self.intend(message)
        self.told(Event(EventType.DELIVERED, message_id="m1", at=NOW))

        self.finish(message, "accepted", vendor_id="v1", accepted_at=MS)

        assert (self.row(message)["state"], self.row(message)["vendor_id"]) == ("delivered", "v1")

    def test_a_vendor_id_of_another_account_is_another_message(self) -> None:
        message = a_message("m1")
        self.sent(message, account="a")

        self.told(Event(EventType.DELIVERED, vendor_id="v1", at=NOW), account="b")

        assert self.states(message) == ["accepted"]

    def test_a_report_wakes_nothing_that_was_not_sent(self) -> None:
        message = a_message("m1")
        self.put(message)

        self.told(Event(EventType.DELIVERED, message_id="m1", at=NOW))

        assert self.states(message) == ["queued"]

    # Crashes

    def test_a_send_that_nobody_finished_becomes_uncertain(self) -> None:
        message, waiting = a_message("m1"), a_message("m2")
        self.put(message, waiting)
        self.intend(message)

        assert self.do(lambda c: attempts.reap(c, now=MS + MINUTE - 1, settle_at=MS + 9 * MINUTE)) == 0
        assert self.do(lambda c: attempts.reap(c, now=MS + MINUTE, settle_at=MS + 9 * MINUTE)) == 1
        assert self.states(message, waiting) == ["uncertain", "queued"]
        assert self.outcomes("m1") == [(1, "a", "uncertain")]

    def test_a_report_lifts_uncertain(self) -> None:
        message = a_message("m1")
        self.put(message)
        self.intend(message)
        self.do(lambda c: attempts.reap(c, now=MS + MINUTE, settle_at=MS + 9 * MINUTE))

        self.told(Event(EventType.SENT, message_id="m1", at=NOW))

        assert self.states(message) == ["sent"]
        assert self.do(lambda c: attempts.unsettled(c, now=MS + 99 * MINUTE, most=10)) == []

    def test_what_stays_uncertain_is_settled_after_its_wait(self) -> None:
        message = a_message("m1")
        self.put(message)
        self.intend(message)
        self.do(lambda c: attempts.reap(c, now=MS + MINUTE, settle_at=MS + 9 * MINUTE))

        assert self.do(lambda c: attempts.unsettled(c, now=MS + 9 * MINUTE - 1, most=10)) == []
        (row,) = self.do(lambda c: attempts.unsettled(c, now=MS + 9 * MINUTE, most=10))
        assert (row.id, row.purpose, row.account, row.attempts) == ("m1", "marketing", "a", 1)
        self.do(lambda c: attempts.settle(c, [("default", "m1", "queued", "again", MS)], now=MS))
        assert self.states(message) == ["queued"]

    # Pauses

    def test_a_pause_is_kept_until_it_is_taken_back(self) -> None:
        def paused() -> list[tuple[object, ...]]:
            return self.do(lambda c: [tuple(row) for row in c.execute(text("select scope, name, mode from rg_pause"))])

        self.do(lambda c: campaigns.set_mode(c, "default", "account", "a", "paused", now=MS))
        self.do(lambda c: campaigns.set_mode(c, "default", "account", "a", "stopped", now=MS))
        assert paused() == [("account", "a", "stopped")]
        self.do(lambda c: campaigns.set_mode(c, "default", "account", "a", None, now=MS))
        assert paused() == []
