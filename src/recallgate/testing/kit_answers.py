"""The cases of the conformance kit about answers: receipts, refusals, faults, lookups and batches."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from recallgate.adapter import Batches, LooksUp
from recallgate.model.errors import ErrorKind, SendError
from recallgate.testing.exchanges import (
    NOW,
    outcome_differences,
    plain_events,
    request_differences,
    response_of,
    row_tools,
    signed,
)
from recallgate.testing.kit_base import Contract, outcome, refused, same


class AnswerCases(Contract):
    """How an adapter reads what the vendor answers."""

    def test_a_recorded_answer_is_read(self, answer_row: Mapping[str, Any]) -> None:
        adapter = self.made(row_tools(answer_row), **answer_row.get("config", {}))
        message = self.a_message(**answer_row.get("message", {}))

        differences = outcome_differences(outcome(adapter, message, response_of(answer_row)), answer_row)

        assert not differences, "; ".join(differences)

    def test_a_code_is_refused_with_its_kind(self, code: tuple[str, str]) -> None:
        error = self._refusal(code[0])

        same((error.code, error.kind.value), code, "code and kind")

    def test_a_code_never_seen_is_kept(self) -> None:
        if "refusal" not in self.table():
            assert not self.table().get("codes"), "a table with codes needs a `refusal`"
            return
        new_code = self.new_code()
        error = self._refusal(new_code)

        assert error.code == new_code
        assert error.kind not in (ErrorKind.UNCERTAIN, ErrorKind.TEMPORARY), "a refusal with an unknown code is not sent again"

    def test_a_refusal_does_not_name_the_recipient(self) -> None:
        for code in (*self.table().get("codes", {}), self.new_code()):
            shown = str(self._refusal(code)) if "refusal" in self.table() else ""
            assert self.a_message().to.key not in shown, f"code {code}: the vendor's words show the recipient"

    def test_an_unreadable_success_is_uncertain(self, body: bytes) -> None:
        for status in (200, 201):
            error = outcome(self.made(), self.a_message(), httpx.Response(status, content=body))
            assert isinstance(error, SendError), f"http {status}: a receipt was made of nothing"
            assert error.kind is ErrorKind.UNCERTAIN

    def test_an_http_fault_has_its_kind(self, fault: tuple[int, ErrorKind], fault_body: bytes) -> None:
        error = outcome(self.made(), self.a_message(), httpx.Response(fault[0], content=fault_body))

        assert isinstance(error, SendError), "a receipt was made of a fault"
        same(error.kind, fault[1], "kind")

    def test_too_many_requests_wait_as_long_as_told(self, wait: tuple[str | None, timedelta | None]) -> None:
        header, span = wait
        response = httpx.Response(429, headers={"retry-after": header} if header else {}, content=b"{}")

        error = outcome(self.made(), self.a_message(), response)

        assert isinstance(error, SendError)
        assert error.kind is ErrorKind.RATE_LIMITED
        assert error.retry_at == (span and NOW + span)

    def _refusal(self, code: str) -> SendError:
        answer = response_of(self.table()["refusal"], {"code": code, "to": self.a_message().to.key})
        error = outcome(self.made(), self.a_message(), answer)
        assert isinstance(error, SendError), f"code {code}: a receipt was made of a refusal"
        return error

    # Lookups and batches: collected where the adapter has them

    def test_lookup_rows_are_asked_and_read(self, lookup_row: Mapping[str, Any]) -> None:
        adapter = self.made(**lookup_row.get("config", {}))
        assert isinstance(adapter, LooksUp)
        request = adapter.build_lookup(self.a_message(), lookup_row.get("vendor_id"))
        if lookup_row["expected"] is None:
            assert request is None, "a question was made where none can be asked"
            return
        assert request is not None, "no question was made"

        differences = request_differences(signed(adapter, request), lookup_row["expected"])
        events = adapter.parse_lookup(self.a_message(), response_of(lookup_row["answer"]))

        assert not differences, "; ".join(differences)
        same(plain_events(events), lookup_row["events"], "events")

    def test_lookup_answers_that_cannot_be_read_are_refused(self, body: bytes) -> None:
        adapter = self.made()
        assert isinstance(adapter, LooksUp)

        assert isinstance(refused(adapter.parse_lookup, self.a_message(), httpx.Response(200, content=body)), SendError)

    def test_lookup_is_in_the_table(self) -> None:
        assert self.table().get("lookups"), "the adapter looks up: add rows to `lookups`"

    def test_batch_rows_are_sent_and_read(self, batch_row: Mapping[str, Any]) -> None:
        adapter = self.made(row_tools(batch_row), **batch_row.get("config", {}))
        assert isinstance(adapter, Batches)
        messages = [self.a_message(**over) for over in batch_row["messages"]]

        differences = request_differences(signed(adapter, adapter.build_batch(messages)), batch_row["expected"])
        outcomes = adapter.parse_batch(messages, response_of(batch_row["answer"]))

        assert not differences, "; ".join(differences)
        assert len(outcomes) == len(messages) == len(batch_row["outcomes"])
        for seen, wanted in zip(outcomes, batch_row["outcomes"], strict=True):
            assert not outcome_differences(seen, wanted)

    def test_batch_answers_that_cannot_be_read_are_uncertain_for_all(self, body: bytes) -> None:
        adapter = self.made()
        assert isinstance(adapter, Batches)
        messages = [self.a_message(id=f"message-{number}") for number in range(3)]
        try:
            outcomes = adapter.parse_batch(messages, httpx.Response(200, content=body))
        except SendError as exc:
            outcomes = [exc] * 3

        assert [isinstance(one, SendError) and one.kind for one in outcomes] == [ErrorKind.UNCERTAIN] * 3

    def test_batch_is_in_the_table(self) -> None:
        assert self.table().get("batches"), "the adapter sends batches: add rows to `batches`"
