"""What every store must do, as test methods: subclass `StoreContract` and say how a store is made.

```
class TestSqliteFile(StoreContract):
    def make_store(self, folder: Path) -> Store:
        return Store(f"sqlite:///{folder / 'store.sqlite'}")
```
"""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, text

from recallgate.model.errors import IdempotencyConflict, StoreError
from recallgate.store import messages
from recallgate.testing.store_base import MINUTE, MS, StoreGround, a_message, ids, later, renamed
from recallgate.testing.store_delivery import DeliveryCases
from recallgate.testing.store_ledgers import LedgerCases


class QueueCases(StoreGround):
    """Messages in, and who gets them."""

    # Messages in

    def test_a_message_is_stored_once_for_its_key(self) -> None:
        first, second = a_message("m1", idempotency_key="k"), a_message("m2", idempotency_key="k")

        assert [(one.id, one.duplicate) for one in self.put(first) + self.put(second)] == [("m1", False), ("m1", True)]
        assert self.do(lambda c: messages.count_by_state(c, "default")) == {"queued": 1}

    def test_equal_keys_of_one_page_are_one_message(self) -> None:
        stored = self.put(a_message("m1", idempotency_key="k"), a_message("m2", idempotency_key="k"), a_message("m3"))

        assert [(one.id, one.duplicate) for one in stored] == [("m1", False), ("m1", True), ("m3", False)]

    def test_a_message_is_stored_once_for_its_id(self) -> None:
        self.put(a_message("m1"))

        assert [one.duplicate for one in self.put(a_message("m1", text="other"))] == [True]
        assert "Hello" in self.row("m1")["payload"]

    def test_a_key_used_for_another_message_is_a_conflict(self) -> None:
        first = a_message("m1", idempotency_key="k")
        self.put(first)

        with pytest.raises(IdempotencyConflict):
            self.put(a_message("m0"), renamed(first, "other").model_copy(update={"id": "m2"}))

        assert self.do(lambda c: messages.load(c, "default", "m0")) is None, "the whole page is taken back"

    def test_tenants_do_not_share_keys(self) -> None:
        other = a_message("m2", idempotency_key="k", tenant="other", text="other")

        assert [one.duplicate for one in self.put(a_message("m1", idempotency_key="k"), other)] == [False, False]

    # Who gets them

    def test_urgent_lanes_leave_first_then_priority_then_due_then_age(self) -> None:
        self.put(a_message("late", not_before=later(2)))
        self.put(a_message("young"), now=later(1))
        self.put(
            a_message("old"),
            a_message("wanted", priority=9),
            a_message("service", purpose="service", priority=0),
            a_message("order", purpose="transactional"),
            a_message("code", purpose="otp"),
        )

        found = self.due(at=MS + 3 * MINUTE)

        assert ids(found) == ["code", "order", "service", "wanted", "old", "young", "late"]

    def test_no_more_are_read_than_asked_for(self) -> None:
        self.put(*(a_message(f"m{n}") for n in range(5)), a_message("code", purpose="otp"))

        assert ids(self.due(most=3)) == ["code", "m0", "m1"]

    def test_asking_for_urgent_lanes_leaves_the_others(self) -> None:
        self.put(a_message("m1"), a_message("code", purpose="otp"))

        assert ids(self.due(most_rank=19)) == ["code"]

    def test_other_channels_and_rows_not_due_are_left_alone(self) -> None:
        self.put(a_message("later", not_before=later(1)), a_message("now"))

        assert ids(self.due(channel="email")) == []
        assert ids(self.due()) == ["now"]
        assert self.do(lambda c: messages.waiting_channels(c, MS + MINUTE)) == ["sms"]

    def test_what_is_leaving_is_not_due_again(self) -> None:
        going, waiting = a_message("m1"), a_message("m2")
        self.put(going, waiting)
        self.intend(going)

        assert ids(self.due()) == ["m2"]

    def test_the_next_due_instant_is_the_earliest_of_all_channels_and_ranks(self) -> None:
        assert self.do(messages.next_due) is None
        self.put(a_message("m1"))
        held = messages.Close("default", "m1", "held", "hours.night", due_at=MS + 5 * MINUTE)
        self.close(held)
        assert self.do(messages.next_due) == MS + 5 * MINUTE
        assert self.do(lambda c: messages.waiting_channels(c, MS)) == []

        self.put(a_message("m2", purpose="otp"))
        assert self.do(messages.next_due) == MS
        assert self.do(lambda c: messages.waiting_channels(c, MS)) == ["sms"]

    def test_a_waiting_row_is_closed_and_one_that_left_is_not(self) -> None:
        message = a_message("m1")
        self.put(message)
        held = messages.Close("default", "m1", "held", "hours.night", due_at=MS + MINUTE)

        self.close(held)
        row = self.row("m1")
        assert (row["state"], row["reason"], row["due_at"]) == ("held", "hours.night", MS + MINUTE)

        self.intend(message)
        self.close(held._replace(due_at=MS))
        assert self.row("m1")["state"] == "sending"

    def test_a_held_message_is_due_at_its_time(self) -> None:
        self.put(a_message("m1"))
        held = messages.Close("default", "m1", "held", due_at=MS + MINUTE)
        self.close(held)

        assert ids(self.due(at=MS + MINUTE - 1)) == []
        assert ids(self.due(at=MS + MINUTE)) == ["m1"]

    def test_only_what_waits_can_be_cancelled(self) -> None:
        waiting, going = a_message("m1"), a_message("m2")
        self.put(waiting, going)
        self.intend(going)

        assert self.do(lambda c: messages.cancel(c, "default", "m1", MS))
        assert not self.do(lambda c: messages.cancel(c, "default", "m1", MS))
        assert not self.do(lambda c: messages.cancel(c, "default", "m2", MS))
        assert self.states(waiting, going) == ["cancelled", "sending"]

    # Transactions

    def test_a_transaction_that_fails_leaves_nothing(self) -> None:
        def work(connection: Connection) -> None:
            messages.insert(connection, [a_message("m1")], later(0))
            raise RuntimeError("after the insert")

        with pytest.raises(RuntimeError, match="after the insert"):
            self.do(work)

        assert self.do(lambda c: messages.load(c, "default", "m1")) is None

    def test_a_neighbour_in_one_commit_does_not_suffer(self) -> None:
        def broken(connection: Connection) -> None:
            connection.execute(text("select 1 from no_such_table"))

        async def both() -> list[Any]:
            good = self.store.run(lambda c: messages.insert(c, [a_message("m1")], later(0)), small=True)
            return list(await asyncio.gather(self.store.run(broken, small=True), good, return_exceptions=True))

        fault, stored = asyncio.run(both())

        assert isinstance(fault, StoreError)
        assert [one.id for one in stored] == ["m1"]
        assert self.row("m1")["state"] == "queued"

    def test_a_closed_store_says_so(self) -> None:
        asyncio.run(self.store.close())

        with pytest.raises(StoreError):
            self.do(lambda c: messages.count_by_state(c, "default"))


class StoreContract(QueueCases, DeliveryCases, LedgerCases):
    """Every case; `make_store` is all that a subclass says."""
