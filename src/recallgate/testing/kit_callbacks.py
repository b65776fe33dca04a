"""The cases of the conformance kit about callbacks: read, forged, tampered, repeated and reordered."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from pydantic import SecretStr, ValidationError

from recallgate.adapter import Callback, CallbackReading
from recallgate.model.errors import ConfigError, ForgedCallback
from recallgate.model.event import EventType
from recallgate.model.state import State, after_report
from recallgate.testing.exchanges import NOW, callback_of, plain, plain_events, rows
from recallgate.testing.kit_base import Contract, same


class CallbackCases(Contract):
    """How an adapter reads the vendor's news, and what it refuses to believe. Rows are read with the contract's config."""

    def test_callback_rows_are_read(self, callback_row: Mapping[str, Any]) -> None:
        reading = self._read(callback_of(callback_row["request"]), callback_row)
        wanted = callback_row.get("reply", {})
        reply = {"status": reading.reply.status, "headers": dict(reading.reply.headers), "body": reading.reply.body.decode()}

        same(plain_events(reading.events), callback_row["events"], "events")
        same({name: reply[name] for name in wanted}, wanted, "reply")

    def test_callback_is_in_the_table(self) -> None:
        assert self.table().get("callbacks"), "the adapter reads callbacks: add rows to `callbacks`"

    def test_callback_read_again_is_the_same_news(self, callback_row: Mapping[str, Any]) -> None:
        first = self._read(callback_of(callback_row["request"]), callback_row)
        second = self._read(callback_of(callback_row["request"]), callback_row)

        assert first == second
        unnamed = [event.type.value for event in first.events if not event.vendor_event_id]
        assert not unnamed, f"a second copy could not be told from the first: no vendor_event_id on {unnamed}"

    def test_callback_events_of_one_request_have_names_of_their_own(self, callback_row: Mapping[str, Any]) -> None:
        names = [
            (event.type, event.vendor_event_id) for event in self._read(callback_of(callback_row["request"]), callback_row).events
        ]

        assert len(names) == len(set(names))

    def test_callback_order_and_copies_do_not_change_the_final_state(self) -> None:
        told: dict[str | None, list[EventType]] = {}
        for row in rows(self.table(), "callbacks"):
            for event in self._read(callback_of(row["request"]), row).events:
                told.setdefault(event.vendor_id, []).append(event.type)

        for vendor_id, types in told.items():
            news = [*types, *types[:1]]
            orders = [way[at:] + way[:at] for way in (news, news[::-1]) for at in range(len(way))]
            ends = {_state_after(order) for order in orders}
            assert len(ends) == 1, f"{vendor_id}: the order of the news decides between {sorted(ends)}"

    def test_callback_of_a_status_never_seen_is_kept(self) -> None:
        if not self.adapter.statuses:
            return
        events = [event for row in rows(self.table(), "callbacks") for event in row["events"]]
        unknown = [event for event in events if event["type"] == EventType.UNKNOWN.value and event.get("status")]

        assert unknown, "add a callback with a status that the vendor does not have yet, read as `unknown` with its status"

    def test_callback_of_garbage_is_refused_or_kept(self, body: bytes) -> None:
        url = callback_of(rows(self.table(), "callbacks")[0]["request"]).url
        for content_type in ("application/json", "application/x-www-form-urlencoded", "text/xml"):
            callback = Callback("POST", url, httpx.Headers({"content-type": content_type}), body, NOW)
            try:
                reading = self.made().read_callback(callback)
            except ForgedCallback:
                continue
            assert isinstance(reading, CallbackReading)

    def test_forged_callback_without_a_signature_is_refused(self, callback_row: Mapping[str, Any]) -> None:
        self._refuses(self._signed_with(callback_of(callback_row["request"]), None), callback_row)

    def test_forged_callback_with_another_signature_is_refused(self, callback_row: Mapping[str, Any]) -> None:
        self._refuses(self._signed_with(callback_of(callback_row["request"]), "AAAA"), callback_row)
        self._refuses(self._signed_with(callback_of(callback_row["request"]), "é"), callback_row)

    def test_forged_callback_of_another_account_is_refused(self, callback_row: Mapping[str, Any]) -> None:
        self._refuses(callback_of(callback_row["request"]), callback_row, **self._other_secrets())

    def test_forged_callback_that_was_changed_on_the_way_is_refused(self, callback_row: Mapping[str, Any], part: str) -> None:
        callback = callback_of(callback_row["request"])
        if part == "body":
            changed = replace(callback, body=_changed(callback.body))
        elif part != "url":
            changed = replace(callback, body=_rewritten(callback.body, part, lambda value: f"{value}1"))
        else:
            joint = "&" if urlsplit(callback.url).query else "?"
            changed = replace(callback, url=f"{callback.url}{joint}m=another-message")

        self._refuses(changed, callback_row)

    def test_no_callbacks_are_taken(self) -> None:
        callback = Callback("POST", "https://app.example/callbacks/a/s", httpx.Headers(), b"{}", NOW)
        try:
            self.made().read_callback(callback)
        except (ConfigError, ForgedCallback):
            return
        raise AssertionError("a callback was read for a vendor that sends none")

    def _read(self, callback: Callback, row: Mapping[str, Any]) -> CallbackReading:
        return self.made(**row.get("config", {})).read_callback(callback)

    def _refuses(self, callback: Callback, row: Mapping[str, Any], **config: Any) -> None:
        adapter = self.made(**{**row.get("config", {}), **config})
        try:
            reading = adapter.read_callback(callback)
        except ForgedCallback as exc:
            leaks = [secret for secret in self.secrets() if secret in str(exc)]
            assert not leaks, "the refusal shows a secret"
            return
        raise AssertionError(f"a forged callback was believed: {[plain(event.type) for event in reading.events]}")

    def _signed_with(self, callback: Callback, value: str | None) -> Callback:
        """The callback with another signature, or with none."""
        ((where, name),) = self.table()["signature"].items()
        if where == "header":
            pairs = [(key, text.encode()) for key, text in callback.headers.items() if key != name.lower()]
            told = [] if value is None else [(name, value.encode())]
            return replace(callback, headers=httpx.Headers([(key.encode(), text) for key, text in (*pairs, *told)]))
        if where == "json":
            return replace(callback, body=_rewritten(callback.body, name, lambda _: value))
        source = urlsplit(callback.url).query if where == "query" else callback.body.decode()
        fields = [(key, text) for key, text in parse_qsl(source, keep_blank_values=True) if key != name]
        text = urlencode(fields if value is None else [*fields, (name, value)])
        if where == "query":
            return replace(callback, url=urlsplit(callback.url)._replace(query=text).geturl())
        return replace(callback, body=text.encode())

    def _other_secrets(self) -> dict[str, str]:
        """Every secret with its first character changed, where the config still takes it."""
        config, changed = self.made().config, dict(self.stranger)
        for name in type(config).model_fields:
            secret = getattr(config, name)
            if not isinstance(secret, SecretStr) or not secret.get_secret_value():
                continue
            text = secret.get_secret_value()
            other = ("B" if text[0] == "A" else "A") + text[1:]
            try:
                self.adapter.Config(**{**self.config, name: other})
            except ValidationError:
                continue
            changed[name] = other
        return changed


def _state_after(types: Sequence[EventType]) -> str:
    state = State.ACCEPTED
    for type_ in types:
        state = after_report(state, type_)
    # The two ends that stand on one step: whichever is told first stays.
    return "ended" if state in (State.EXPIRED, State.CANCELLED) else state.value


def _rewritten(body: bytes, path: str, change: Callable[[Any], Any]) -> bytes:
    """A JSON body with the value at a dotted path changed; None takes the value out."""
    whole = json.loads(body)
    *way, last = path.split(".")
    inner = whole
    for name in way:
        inner = inner[name]
    inner[last] = change(inner[last])
    if inner[last] is None:
        del inner[last]
    return json.dumps(whole, ensure_ascii=False).encode()


def _changed(body: bytes) -> bytes:
    """The body with its last letter or digit changed; something in place of nothing."""
    for at in range(len(body) - 1, -1, -1):
        if body[at : at + 1].isalnum():
            return body[:at] + (b"1" if body[at : at + 1] != b"1" else b"2") + body[at + 1 :]
    return body + b"x=1"
