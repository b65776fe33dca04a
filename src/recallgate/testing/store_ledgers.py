"""The store's contract, third part: caps, suppressions, consents, links, tokens, the inbox."""

from datetime import timedelta

from recallgate.store import facts, inbox, ledger, links, tokens
from recallgate.store.facts import Facts
from recallgate.store.ledger import CapEntry, ConsentRow
from recallgate.store.links import Hit, LinkRow
from recallgate.testing.store_base import MINUTE, MS, NOW, StoreGround, a_message
from recallgate.testing.store_delivery import a_suppression

_DAY = 86_400_000


class LedgerCases(StoreGround):
    """What is counted, allowed, linked and lent."""

    def known(self, *, days: int = 0) -> Facts:
        """What policies get to know for a marketing message to ann."""
        asked = [a_message("asked", person="ann")]
        return self.do(lambda c: facts.load(c, asked, NOW + timedelta(days=days), consents=True))

    def reserve(self, message_id: str, *, at: int = MS, subject: str = "p:ann") -> None:
        entry = CapEntry("default", subject, message_id, at, "sms", "marketing", None, '["sale"]')
        self.do(lambda c: ledger.reserve(c, [entry]))

    def release(self, message_id: str) -> None:
        self.do(lambda c: ledger.release(c, [("default", "p:ann", message_id)]))

    # Caps

    def test_a_reserved_send_counts_and_a_released_one_does_not(self) -> None:
        for identity in ("m1", "m2", "m3"):
            self.reserve(identity)
        self.release("m1")

        assert [(one.at, one.channel, one.tags) for one in self.known().sent["p:ann"]] == [(NOW, "sms", frozenset({"sale"}))] * 2

    def test_another_try_of_a_message_counts_once_from_its_newest_intent(self) -> None:
        self.reserve("m1")
        self.release("m1")
        self.reserve("m1", at=MS - MINUTE)

        assert [one.at for one in self.known().sent["p:ann"]] == [NOW - timedelta(minutes=1)]

    def test_person_and_address_are_counted_apart(self) -> None:
        self.reserve("m1")
        self.reserve("m1", subject="a:+14155550123")
        self.reserve("m2", subject="a:+14155550199")

        assert {subject: [one.by for one in sent] for subject, sent in self.known().sent.items()} == {
            "p:ann": ["person"],
            "a:+14155550123": ["address"],
        }

    def test_old_sends_are_forgotten(self) -> None:
        self.reserve("m1")

        assert "p:ann" in self.known(days=31).sent
        assert "p:ann" not in self.known(days=32).sent

    # Suppression and consent

    def test_a_suppression_stands_once(self) -> None:
        row = a_suppression("p:ann")

        added = [self.do(lambda c: ledger.suppress(c, [row])) for _ in range(2)]

        assert added == [1, 0]
        assert [one.reason for one in self.known().suppressions["p:ann"]] == ["opt_out"]

    def test_an_opt_in_clears_the_opt_out_and_never_a_complaint(self) -> None:
        self.do(lambda c: ledger.suppress(c, [a_suppression("p:ann"), a_suppression("p:ann", reason="complaint")]))

        assert self.do(lambda c: ledger.clear(c, "default", "p:ann", reason="opt_out", now=MS)) == 1
        assert [one.reason for one in self.known().suppressions["p:ann"]] == ["complaint"]

    def test_an_opt_out_after_an_opt_in_stands_again(self) -> None:
        self.do(lambda c: ledger.suppress(c, [a_suppression("p:ann")]))
        self.do(lambda c: ledger.clear(c, "default", "p:ann", reason="opt_out", now=MS))

        assert self.do(lambda c: ledger.suppress(c, [a_suppression("p:ann")])) == 1

    def test_consents_are_kept_in_order(self) -> None:
        def consent(granted: int, at: int) -> ConsentRow:
            return ConsentRow("default", "p:ann", "sms", "*", "*", granted, at, "form", "I agree")

        self.do(lambda c: ledger.record_consents(c, [consent(0, MS), consent(1, MS - _DAY)]))

        assert [one.granted for one in self.known().consents["p:ann"]] == [True, False]

    # Links

    def test_a_link_is_found_with_its_message(self) -> None:
        self.sent(a_message("m1", person="ann", topic="news"))
        row = LinkRow("abc", "default", "m1", "https://shop.example/", "click", MS)
        self.do(lambda c: links.insert(c, [row, row]))

        found = self.do(lambda c: links.find(c, "abc"))

        assert found is not None
        assert (found.target, found.person, found.topic, found.accepted_at) == ("https://shop.example/", "ann", "news", MS)
        assert self.do(lambda c: links.find(c, "ABC")) is None

    def test_recent_hits_of_a_message_are_known(self) -> None:
        hits = [
            Hit("default", code, message, at, "bot", "test", "GET", None)
            for code, message, at in (("a", "m1", MS), ("b", "m1", MS - 1), ("c", "m2", MS), ("d", "m1", MS - MINUTE))
        ]
        self.do(lambda c: links.record_hits(c, hits))

        assert sorted(self.do(lambda c: links.recent_hits(c, "default", "m1", MS - 1))) == [("a", MS), ("b", MS - 1)]

    # Tokens

    def test_one_holder_fetches_a_token_at_a_time(self) -> None:
        def lease(holder: str, at: int) -> bool:
            return self.do(lambda c: tokens.lease(c, "acme", holder=holder, now=at, until=at + MINUTE))

        assert lease("p1", MS)
        assert not lease("p2", MS + MINUTE - 1)
        assert lease("p2", MS + MINUTE)

    def test_a_saved_token_is_shared_and_ends_the_lease(self) -> None:
        self.do(lambda c: tokens.lease(c, "acme", holder="p1", now=MS, until=MS + MINUTE))
        assert self.do(lambda c: tokens.load(c, "acme")) is None
        self.do(lambda c: tokens.save(c, "acme", value="secret", expires_at=MS + _DAY))

        assert self.do(lambda c: tokens.load(c, "acme")) == ("secret", MS + _DAY)
        assert self.do(lambda c: tokens.lease(c, "acme", holder="p2", now=MS, until=MS + MINUTE))

    def test_a_bad_token_is_dropped_but_never_its_successor(self) -> None:
        self.do(lambda c: tokens.save(c, "acme", value="new", expires_at=MS + _DAY))

        self.do(lambda c: tokens.drop(c, "acme", value="old"))
        assert self.do(lambda c: tokens.load(c, "acme")) == ("new", MS + _DAY)
        self.do(lambda c: tokens.drop(c, "acme", value="new"))
        assert self.do(lambda c: tokens.load(c, "acme")) is None

    # Inbox

    def test_the_inbox_shows_the_newest_first_and_one_of_a_collapse_key(self) -> None:
        rows = [
            ("default", "i1", "ann", "{}", None, MS, None),
            ("default", "i2", "ann", "{}", "cart", MS + 1, None),
            ("default", "i3", "bob", "{}", "cart", MS + 2, None),
            ("default", "i4", "ann", "{}", None, MS + 2, MS + 3),
        ]
        for row in (*rows, ("default", "i5", "ann", "{}", "cart", MS + 3, None)):
            self.do(lambda c, row=row: inbox.put(c, [row]))  # type: ignore[misc] # the row is bound by default

        shown = self.do(lambda c: inbox.unread(c, "default", "ann", now=MS + 3, most=10))

        assert [identity for identity, _, _ in shown] == ["i5", "i1"]

    def test_what_is_gone_from_the_inbox_stays_gone(self) -> None:
        row = ("default", "i1", "ann", "{}", None, MS, None)
        self.do(lambda c: inbox.put(c, [row]))
        self.do(lambda c: inbox.gone(c, "default", "i1", now=MS))
        self.do(lambda c: inbox.put(c, [row]))

        assert self.do(lambda c: inbox.unread(c, "default", "ann", now=MS, most=10)) == []
