"""The conformance kit: a table of recorded exchanges becomes the tests of an adapter, without a test function of its own.

```
class TestAcmeSms(AdapterContract):
    adapter = AcmeSms
    exchanges = Path(__file__).parent / "acme.sms.json"
```

The form of the table is told in `recallgate.testing.exchanges`. The settings and the message that its rows are laid over are
its `config` and `message`, or attributes of those names in the class. Cases that do not apply to an adapter (batches, lookups,
callbacks, credentials) are not collected for it. Vendors without HTTP have `recallgate.testing.kit_driver`.
"""

import logging
from collections.abc import Mapping
from typing import Any

import httpx

from recallgate.config import RESERVED
from recallgate.model.content import Payload, Task
from recallgate.model.errors import ErrorKind
from recallgate.testing.exchanges import request_differences, row_tools, signed
from recallgate.testing.kit_answers import AnswerCases
from recallgate.testing.kit_base import Contract, Listener, config_fault, outcome, parts, refused, same
from recallgate.testing.kit_callbacks import CallbackCases


class RequestCases(Contract):
    """What an adapter sends."""

    # Tables

    def test_every_code_is_listed_and_has_its_kind(self) -> None:
        for name, codes in (("codes", self.adapter.errors), ("report_codes", self.adapter.report_errors)):
            assert all(isinstance(kind, ErrorKind) for kind in codes.values()), f"{name}: every code has an ErrorKind"
            same({code: kind.value for code, kind in codes.items()}, self.table().get(name, {}), name)

    def test_every_status_is_listed_and_has_its_event(self) -> None:
        told = {status: type_ and type_.value for status, type_ in self.adapter.statuses.items()}

        same(told, self.table().get("statuses", {}), "statuses")

    def test_the_name_is_vendor_and_channel_or_product(self) -> None:
        vendor, _, rest = self.adapter.adapter_name().partition(".")

        assert vendor == self.adapter.vendor
        assert rest == (self.adapter.product or self.adapter.channel.name)

    # Requests

    def test_a_recorded_request_is_made_again(self, request_row: Mapping[str, Any]) -> None:
        adapter = self.made(row_tools(request_row), **request_row.get("config", {}))
        request = signed(adapter, adapter.build(self.a_message(**request_row.get("message", {}))))

        differences = request_differences(request, request_row["expected"])

        assert not differences, "; ".join(differences)

    def test_building_twice_gives_equal_requests(self) -> None:
        adapter, message = self.made(), self.a_message()

        assert parts(adapter.build(message)) == parts(adapter.build(message)) == parts(self.made().build(message))

    def test_building_leaves_the_message_alone(self) -> None:
        message = self.a_message(options={self.adapter.adapter_name(): {}})
        before = message.model_dump_json()

        self.made().build(message)

        assert message.model_dump_json() == before

    def test_another_base_url_is_used(self) -> None:
        usual = self.made().build(self.a_message()).url
        moved = self.made(base_url="https://relay.example:8443/vendor").build(self.a_message()).url

        assert (moved.scheme, moved.host, moved.port) == ("https", "relay.example", 8443)
        assert moved.path == "/vendor" + usual.path

    def test_idempotency_keys_of_two_messages_differ(self) -> None:
        other = self.a_message(id="another-message", idempotency_key="another-key")

        assert parts(self.made().build(self.a_message())) != parts(self.made().build(other)), "no key is in the request"

    def test_no_setting_has_a_name_that_accounts_keep(self) -> None:
        lost = sorted(RESERVED & set(self.adapter.Config.model_fields))

        assert not lost, f"no account can give the setting {', '.join(lost)}; rename it"

    def test_options_of_other_adapters_are_ignored(self) -> None:
        foreign = self.a_message(options={"nobody.else": {"anything": 1}})

        assert parts(self.made().build(foreign)) == parts(self.made().build(self.a_message()))

    def test_a_misspelt_option_is_refused_by_name(self) -> None:
        error = refused(self.made().build, self.a_message(options={self.adapter.adapter_name(): {"no_such_option": 1}}))

        assert error.kind is ErrorKind.UNSUPPORTED
        assert "no_such_option" in str(error)

    def test_a_content_of_another_channel_is_refused(self) -> None:
        foreign = next(c for c in (Payload(data={}), Task(title="call")) if c.type not in self.adapter.channel.contents)
        message = self.a_message().model_copy(update={"content": foreign})

        assert refused(self.made().build, message).kind is ErrorKind.UNSUPPORTED

    def test_a_misspelt_setting_is_refused(self) -> None:
        fault = config_fault(self.adapter.Config, {**self.config, "no_such_setting": 1})

        assert "no_such_setting" in fault, "the config takes a setting that does not exist; keep extra='forbid'"

    # Credentials

    def test_credentials_are_not_in_a_built_request(self) -> None:
        request = self.made().build(self.a_message())
        sent = f"{request.url}{request.headers.raw!r}".encode() + request.content

        assert "authorization" not in request.headers
        assert not [secret for secret in self.secrets() if secret.encode() in sent]

    def test_credentials_come_with_authorize_alone(self) -> None:
        adapter = self.made()
        bare, authorized = adapter.build(self.a_message()), signed(adapter, adapter.build(self.a_message()))

        assert parts(bare) != parts(authorized)

    def test_secrets_are_in_no_repr_exception_or_log(self) -> None:
        heard = Listener()
        logging.getLogger().addHandler(heard)
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.DEBUG)
        try:
            adapter = self.made()
            said = [repr(adapter), str(adapter), repr(adapter.config), str(adapter.config), repr(self.a_message())]
            signed(adapter, adapter.build(self.a_message()))
            for status in (200, *self.faults):
                said.append(str(outcome(adapter, self.a_message(), httpx.Response(status, content=b"{}"))))
            said.append(str(refused(adapter.build, self.a_message(options={adapter.adapter_name(): {"x": self.secrets()}}))))
            said.append(config_fault(self.adapter.Config, {**self.config, "no_such_setting": self.secrets()}))
        finally:
            logging.getLogger().removeHandler(heard)
            logging.getLogger().setLevel(level)

        leaks = [text for text in (*said, *heard.said) for secret in self.secrets() if secret in text]

        assert not leaks, f"{len(leaks)} texts show a secret of the config"


class AdapterContract(RequestCases, AnswerCases, CallbackCases):
    """What every HTTP adapter keeps to. Subclass it under a name that starts with `Test`; see the module for an example."""
