r"""The conformance kit for vendors without HTTP: a table of dialogues becomes the tests of a driver.

```
class TestAcmeMail(DriverContract):
    driver = AcmeMail
    config = {"host": "mx.example", "password": "secret"}
    message = {"channel": "email", "to": {"type": "email", "email": "ann@example.com"}, "content": {…}, "purpose": "service"}
    exchanges = Path(__file__).parent / "acme.email.json"

    def connect(self, driver, peer):
        driver.connect = …                # a connection that asks `peer` what happens at each stage
```

The table has the `codes`, `report_codes`, `statuses`, `signature`, `signed` and `callbacks` that are told in
`recallgate.testing.exchanges`, and

```
{"sends":    [{"name", "config", "message", "taken": "…", "receipt": {…}}],     what the vendor takes, whole, as text
 "refusals": [{"name", "at": "rcpt", "reply": …, "error": {"kind", "code", "retry_at", "scope"}}],
 "new_code": {"at": "content", "reply": …, "code": "599"},                        a refusal that nobody has listed
 "stages":   {"before": ["connect", "mail"], "after": ["content"]}}               where a connection can break
```

A stage is a word of the driver's own dialogue; `connect` is the making of a connection. `$to` in a reply is the recipient.
`after` are the stages at which the vendor may have taken the message already: a break there is uncertain, before it not.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from recallgate.adapter import Driver, Tools
from recallgate.model.content import Payload, Task
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt
from recallgate.testing.exchanges import load_table, outcome_differences, rows, tools_of
from recallgate.testing.kit_base import Listener, config_fault, same
from recallgate.testing.kit_callbacks import CallbackCases
from recallgate.testing.kit_peer import Peer

_BREAKS: Mapping[str, type[OSError]] = {"reset": ConnectionResetError, "timeout": TimeoutError}


class DriverContract(CallbackCases):
    """What every driver keeps to. Subclass it under a name that starts with `Test`; see the module for an example."""

    driver: ClassVar[type[Driver]]

    def __init_subclass__(cls) -> None:
        cls.adapter = cls.driver  # type: ignore[assignment] # the cases of callbacks ask for what both have in common
        super().__init_subclass__()

    def connect(self, driver: Any, peer: Peer) -> None:
        """Make the driver speak to this peer instead of a server; every contract says how."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Give every case its rows; called by pytest."""
        super().pytest_generate_tests(metafunc)
        table = load_table(self.exchanges)
        stages: Mapping[str, Sequence[str]] = table.get("stages", {})
        choices: dict[str, Mapping[str, Any]] = {
            "send_row": {row["name"]: row for row in rows(table, "sends")},
            "refusal_row": {row["name"]: row for row in rows(table, "refusals")},
            "stage_before": {stage: stage for stage in stages.get("before", ())},
            "stage_after": {stage: stage for stage in stages.get("after", ())},
            "lost": _BREAKS,
        }
        for name, found in choices.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, list(found.values()), ids=list(found))

    # What the cases are made of

    def opened(self, peer: Peer, tools: Tools | None = None, **config: Any) -> Driver:
        """A driver with the contract's config that speaks to the peer."""
        made = self.driver(self.driver.Config(**{**self.config, **config}), tools or tools_of())
        self.connect(made, peer)
        return made

    def sent(self, peer: Peer, *messages: Message, **config: Any) -> list[Receipt | SendError]:
        """What becomes of messages that are sent one after another by one driver, which is closed at the end."""

        async def run() -> list[Receipt | SendError]:
            driver = self.opened(peer, **config)
            await driver.open()
            outcomes = [await _outcome(driver, message) for message in messages]
            await driver.close()
            return outcomes

        return asyncio.run(run())

    def refused(self, peer: Peer, message: Message) -> SendError:
        (error,) = self.sent(peer, message)
        assert isinstance(error, SendError), "nothing was refused; a SendError was expected"
        return error

    def _reply(self, reply: Any) -> Any:
        """The reply of a row with the recipient filled in; lists become tuples, which are what connections answer."""
        filled = json.loads(json.dumps(reply).replace("$to", self.a_message().to.key))
        return tuple(filled) if isinstance(filled, list) else filled

    def test_every_code_is_listed_and_has_its_kind(self) -> None:
        for name, codes in (("codes", self.driver.errors), ("report_codes", self.driver.report_errors)):
            assert all(isinstance(kind, ErrorKind) for kind in codes.values()), f"{name}: every code has an ErrorKind"
            same({code: kind.value for code, kind in codes.items()}, self.table().get(name, {}), name)

    def test_every_status_is_listed_and_has_its_event(self) -> None:
        told = {status: type_ and type_.value for status, type_ in self.driver.statuses.items()}

        same(told, self.table().get("statuses", {}), "statuses")

    def test_the_name_is_vendor_and_channel_or_product(self) -> None:
        same(self.driver.adapter_name(), f"{self.driver.vendor}.{self.driver.product or self.driver.channel.name}", "name")

    def test_the_table_has_dialogues(self) -> None:
        missing = [name for name in ("sends", "refusals", "new_code", "stages") if not self.table().get(name)]

        assert not missing, f"add to the table: {', '.join(missing)}"

    # Sending

    def test_a_recorded_message_is_sent_whole(self, send_row: Mapping[str, Any]) -> None:
        peer = Peer()

        (outcome,) = self.sent(peer, self.a_message(**send_row.get("message", {})), **send_row.get("config", {}))

        same([whole.decode() for whole in peer.taken], [send_row["taken"]], "taken")
        assert not outcome_differences(outcome, send_row)

    def test_sending_twice_gives_equal_messages(self) -> None:
        peer = Peer()

        first, second = self.sent(peer, self.a_message(), self.a_message())

        assert isinstance(first, Receipt)
        assert isinstance(second, Receipt)
        assert first.message_id == second.message_id == self.a_message().id
        assert first.vendor_id
        assert peer.taken[0] == peer.taken[1]

    def test_many_at_once_have_their_own_receipts(self) -> None:
        peer = Peer()
        messages = [self.a_message(id=f"message-{number}") for number in range(12)]

        async def run() -> list[Receipt]:
            driver = self.opened(peer)
            await driver.open()
            receipts = await asyncio.gather(*(driver.send(message) for message in messages))
            await driver.close()
            return receipts

        assert [receipt.message_id for receipt in asyncio.run(run())] == [message.id for message in messages]
        assert len(peer.taken) == len(set(peer.taken)) == len(messages)

    def test_all_connections_are_given_back(self) -> None:
        peer = Peer()

        self.sent(peer, self.a_message(), self.a_message())

        assert peer.opened >= 1
        assert peer.closed == peer.opened, f"{peer.opened} connections were opened and {peer.closed} closed"

    def test_closing_twice_and_before_a_send_is_harmless(self) -> None:
        async def run() -> Receipt:
            driver = self.opened(Peer())
            await driver.open()
            await driver.close()
            await driver.close()
            await driver.open()
            receipt = await driver.send(self.a_message())
            await driver.close()
            return receipt

        assert asyncio.run(run()).message_id == self.a_message().id

    # Refusals and breaks

    def test_a_refusal_has_its_kind_and_the_next_message_goes_through(self, refusal_row: Mapping[str, Any]) -> None:
        peer = Peer({refusal_row["at"]: self._reply(refusal_row["reply"])})

        refused, next_one = self.sent(peer, self.a_message(), self.a_message())

        differences = outcome_differences(refused, refusal_row)
        assert not differences, "; ".join(differences)
        assert isinstance(next_one, Receipt), f"after a refusal the next message fails: {next_one}"
        assert len(peer.taken) == 1

    def test_a_refusal_does_not_name_the_recipient(self, refusal_row: Mapping[str, Any]) -> None:
        error = self.refused(Peer({refusal_row["at"]: self._reply(refusal_row["reply"])}), self.a_message())

        assert self.a_message().to.key not in str(error), "the vendor's words show the recipient"

    def test_a_code_never_seen_is_kept(self) -> None:
        told = self.table()["new_code"]

        error = self.refused(Peer({told["at"]: self._reply(told["reply"])}), self.a_message())

        same(error.code, told["code"], "code")
        assert error.kind not in (ErrorKind.UNCERTAIN, ErrorKind.TEMPORARY), "a refusal with an unknown code is not sent again"

    def test_a_break_before_the_message_was_not_sent(self, stage_before: str, lost: type[OSError]) -> None:
        peer = Peer({stage_before: lost("the wire broke")})

        broken, next_one = self.sent(peer, self.a_message(), self.a_message())

        assert isinstance(broken, SendError)
        same(broken.kind, ErrorKind.UNAVAILABLE, "kind")
        assert isinstance(next_one, Receipt), f"after a break the next message fails: {next_one}"

    def test_a_break_after_the_message_leaves_it_open(self, stage_after: str, lost: type[OSError]) -> None:
        peer = Peer({stage_after: lost("the wire broke")})

        broken, next_one = self.sent(peer, self.a_message(), self.a_message())

        assert isinstance(broken, SendError)
        same(broken.kind, ErrorKind.UNCERTAIN, "kind")
        assert isinstance(next_one, Receipt), f"after a break the next message fails: {next_one}"
        assert peer.opened == peer.closed == 2, "the connection that broke was used again, or not given back"

    def test_a_send_that_is_cancelled_leaves_nothing_behind(self, stage_after: str) -> None:
        peer = Peer(hangs_at=stage_after)

        async def run() -> Receipt:
            driver = self.opened(peer)
            await driver.open()
            task = asyncio.ensure_future(driver.send(self.a_message()))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not task.done(), f"the driver does not wait at {stage_after}"
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            peer.hangs_at = None
            receipt = await driver.send(self.a_message())
            await driver.close()
            return receipt

        assert asyncio.run(run()).message_id == self.a_message().id
        assert peer.opened == peer.closed == 2, "the connection of a cancelled send was used again, or not given back"

    # What is refused before anything is sent

    def test_options_of_other_adapters_are_ignored(self) -> None:
        peer = Peer()

        self.sent(peer, self.a_message(), self.a_message(options={"nobody.else": {"anything": 1}}))

        assert peer.taken[0] == peer.taken[1]

    def test_a_misspelt_option_is_refused_by_name(self) -> None:
        peer = Peer()

        error = self.refused(peer, self.a_message(options={self.driver.adapter_name(): {"no_such_option": 1}}))

        assert error.kind is ErrorKind.UNSUPPORTED
        assert "no_such_option" in str(error)
        assert peer.taken == []

    def test_a_content_of_another_channel_is_refused(self) -> None:
        foreign = next(c for c in (Payload(data={}), Task(title="call")) if c.type not in self.driver.channel.contents)
        peer = Peer()

        error = self.refused(peer, self.a_message().model_copy(update={"content": foreign}))

        assert error.kind is ErrorKind.UNSUPPORTED
        assert peer.taken == []

    def test_a_misspelt_setting_is_refused(self) -> None:
        fault = config_fault(self.driver.Config, {**self.config, "no_such_setting": 1})

        assert "no_such_setting" in fault, "the config takes a setting that does not exist; keep extra='forbid'"

    def test_secrets_are_in_no_repr_exception_or_log(self) -> None:
        heard = Listener()
        root = logging.getLogger()
        level = root.level
        root.addHandler(heard)
        root.setLevel(logging.DEBUG)
        try:
            driver = self.opened(Peer())
            said = [repr(driver), str(driver), repr(driver.config), str(driver.config)]
            broken = Peer({stage: ConnectionResetError() for stage in self.table()["stages"]["before"]})
            said += [str(self.sent(broken, self.a_message())), *map(str, self.sent(Peer(), self.a_message()))]
        finally:
            root.removeHandler(heard)
            root.setLevel(level)

        leaks = [text for text in (*said, *heard.said) for secret in self.secrets() if secret in text]

        assert not leaks, f"{len(leaks)} texts show a secret of the config"


async def _outcome(driver: Driver, message: Message) -> Receipt | SendError:
    try:
        return await driver.send(message)
    except SendError as exc:
        return exc
